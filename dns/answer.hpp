// What DNS says, as plain values. That a name, or records of a type, do not exist is an answer.
#pragma once

#include "dns/record.hpp"
#include "net/tlsa_record.hpp"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace siding::dns {

// What decides about a next hop. dns/response.hpp has every record of an answer.
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
