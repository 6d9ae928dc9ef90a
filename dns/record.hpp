// Records of DNS as plain values: each type that decides about mail, the rest as its octets. Names
// are in lower case and without the last dot; the root is empty.
#pragma once

#include "base/clock.hpp"
#include "net/endpoint.hpp"
#include "net/tlsa_record.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace siding::dns {

enum class RecordType : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    srv = 33,
    ds = 43,
    rrsig = 46,
    dnskey = 48,
    tlsa = 52,
    caa = 257,
};

struct Mx {
    std::uint16_t preference = 0;
    std::string host{};  // empty: the root (RFC 7505, null MX)

    auto operator<=>(const Mx&) const = default;
};

struct Address {
    net::Family family = net::Family::ipv4;
    std::string text{};  // "192.0.2.1", "2001:db8::1"

    auto operator<=>(const Address&) const = default;
};

struct HostName {  // of NS, CNAME, PTR
    std::string name{};

    auto operator<=>(const HostName&) const = default;
};

struct Soa {
    std::string primary{};
    std::string mailbox{};
    std::uint32_t serial = 0;
    std::chrono::seconds refresh{0};
    std::chrono::seconds retry{0};
    std::chrono::seconds expire{0};
    std::chrono::seconds minimum{0};

    auto operator<=>(const Soa&) const = default;
};

struct Text {
    std::vector<std::string> strings{};  // octets

    std::string joined() const;  // how SPF and its like are read (RFC 7208 §3.3)
    auto operator<=>(const Text&) const = default;
};

struct Srv {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string target{};

    auto operator<=>(const Srv&) const = default;
};

struct Caa {  // RFC 8659 §4.1
    std::uint8_t flags = 0;
    std::string tag{};
    std::string value{};  // octets

    auto operator<=>(const Caa&) const = default;
};

struct Ds {
    std::uint16_t key_tag = 0;
    std::uint8_t algorithm = 0;
    std::uint8_t digest_type = 0;
    std::string digest{};  // octets

    auto operator<=>(const Ds&) const = default;
};

struct Dnskey {
    std::uint16_t flags = 0;
    std::uint8_t protocol = 0;
    std::uint8_t algorithm = 0;
    std::string key{};  // octets

    std::uint16_t key_tag() const;  // RFC 4034 appendix B
    bool is_secure_entry_point() const { return (flags & 0x0001) != 0; }
    auto operator<=>(const Dnskey&) const = default;
};

struct Rrsig {
    std::uint16_t covered = 0;  // type
    std::uint8_t algorithm = 0;
    std::uint8_t labels = 0;
    std::chrono::seconds original_ttl{0};
    WallTime expiration{};
    WallTime inception{};
    std::uint16_t key_tag = 0;
    std::string signer{};
    std::string signature{};  // octets

    auto operator<=>(const Rrsig&) const = default;
};

struct Opaque {
    std::string octets{};

    auto operator<=>(const Opaque&) const = default;
};

using Rdata = std::
    variant<Opaque, Address, Mx, HostName, Soa, Text, net::TlsaRecord, Srv, Caa, Ds, Dnskey, Rrsig>;

struct ResourceRecord {
    std::string owner{};
    std::uint16_t type = 0;
    std::chrono::seconds ttl{0};
    Rdata data{};

    // Null where the data is of another kind.
    template <typename T>
    const T* as() const {
        return std::get_if<T>(&data);
    }
    bool is(RecordType wanted) const { return type == static_cast<std::uint16_t>(wanted); }
    bool operator==(const ResourceRecord&) const = default;
};

// As in a zone file, but names without their last dot: "10 mx.example.net", "\"v=spf1\" \"-all\"",
// "0 ." for the null MX, "\\# 2 0aff" for what is not known (RFC 3597 §5). Printable ASCII; equal
// data has equal text.
std::string format_rdata(const ResourceRecord& record);

std::string_view format_type(RecordType type);                // "MX"
std::string format_type(std::uint16_t type);                  // "TYPE65" for what has no name here
std::optional<RecordType> parse_type(std::string_view text);  // in any case

// "example.net" for "Example.NET.": how names are kept and compared here.
std::string plain_name(std::string_view name);
// Whether `name` is `zone` or lies below it; everything lies below the root.
bool is_at_or_below(std::string_view name, std::string_view zone);

}  // namespace siding::dns
