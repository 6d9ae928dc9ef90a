// SPF records (RFC 7208) as values: what one TXT record says. Pure; who evaluates it with DNS is
// dns/spf_evaluation.hpp.
#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// §2.6
enum class SpfResult { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view format_spf_result(SpfResult result);

// §4.6, §5
struct SpfMechanism {
    enum class Kind { all, include, a, mx, ptr, ip4, ip6, exists };

    Kind kind = Kind::all;
    SpfResult qualifier = SpfResult::pass;  // pass, fail, softfail or neutral
    std::string target{};   // a domain with its macros, empty: the one evaluated; or an address
    unsigned prefix4 = 32;  // of a and mx both count, of ip4 and ip6 their own
    unsigned prefix6 = 128;

    bool operator==(const SpfMechanism&) const = default;
};

struct SpfRecord {
    std::vector<SpfMechanism> mechanisms{};
    std::optional<std::string> redirect{};     // §6.1
    std::optional<std::string> explanation{};  // §6.2

    bool operator==(const SpfRecord&) const = default;
};

// §4.5: whether a TXT record is one of SPF at all, right or wrong.
bool is_spf(std::string_view text);

// Errc::invalid_argument, which is a permerror: the whole record counts for nothing (§4.6).
Result<SpfRecord> parse_spf(std::string_view text);
std::string format_spf(const SpfMechanism& mechanism);
std::string format_spf(const SpfRecord& record);

// What macros stand for (§7.2).
struct SpfMacros {
    std::string sender{};   // local@domain
    std::string address{};  // of the client
    std::string helo{};
};

// §7: a name to ask for, at most 253 octets long. Errc::invalid_argument for what is no macro.
Result<std::string> expand_spf(
    std::string_view text, std::string_view domain, const SpfMacros& macros
);

// Whether the first `prefix` bits are the same; false for different families and what is none.
// An IPv4-mapped IPv6 address is IPv4.
bool spf_covers(std::string_view network, unsigned prefix, std::string_view address);

}  // namespace siding::dns
