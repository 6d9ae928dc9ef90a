// What DNS says, as plain values. That a name, or records of a type, do not exist is an answer.
#pragma once

#include "net/endpoint.hpp"
#include "net/tlsa_record.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace siding::dns {

enum class RecordType : std::uint16_t { a = 1, mx = 15, aaaa = 28, tlsa = 52 };

struct Mx {
    std::uint16_t preference = 0;
    std::string host{};  // lower case without the last dot; empty: the root (RFC 7505, null MX)

    auto operator<=>(const Mx&) const = default;
};

struct Address {
    net::Family family = net::Family::ipv4;
    std::string text{};  // "192.0.2.1", "2001:db8::1"

    auto operator<=>(const Address&) const = default;
};

using Record = std::variant<Mx, Address, net::TlsaRecord>;

struct Answer {
    enum class Rcode { no_error, no_such_name };

    Answer() = default;  // no aggregate: net/asio.hpp

    Rcode rcode = Rcode::no_error;
    bool authenticated = false;  // AD: the resolver has validated all of it, absence included
    std::string name;            // that the records belong to: the one asked for, behind its CNAMEs
    std::chrono::seconds ttl{0};  // of the whole: the least of all records, or of the absence
    std::vector<Record> records;  // of the type that was asked for, as the resolver ordered them

    template <typename T>
    std::vector<T> all() const {
        std::vector<T> found;
        for (const Record& record : records) {
            if (const T* const wanted = std::get_if<T>(&record)) {
                found.push_back(*wanted);
            }
        }
        return found;
    }
};

}  // namespace siding::dns
