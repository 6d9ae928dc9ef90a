// XCLIENT: a trusted proxy says who its client is (Postfix XCLIENT_README).
//
// Pure syntax: whether the peer may say so is the dialogue's and its listener's business.
#pragma once

#include "smtp/reply.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

// What stands in the EHLO reply.
inline constexpr std::string_view xclient_offer =
    "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

// Decoded. Nothing: not said. Empty: the proxy says that it does not know ([UNAVAILABLE],
// [TEMPUNAVAIL]); a port that it does not know counts as not said. Values hold no control octets;
// addresses are IP addresses in their usual form, without "IPV6:".
struct XclientAttributes {
    std::optional<std::string> name;
    std::optional<std::string> address;
    std::optional<std::uint16_t> port;
    std::optional<bool> esmtp;  // PROTO
    std::optional<std::string> helo;
    std::optional<std::string> login;
    std::optional<std::string> destination_address;
    std::optional<std::uint16_t> destination_port;

    bool operator==(const XclientAttributes&) const = default;
};

// `text` is what follows the verb. 501 5.5.4 for an unknown attribute or a bad value.
Parsed<XclientAttributes> parse_xclient(std::string_view text);

// The other way: the attributes that a server's EHLO reply offers, in upper case; empty without.
std::vector<std::string> parse_xclient_offer(const Reply& ehlo);

// The command with CRLF: those of the attributes that are offered, "[UNAVAILABLE]" for what is
// known to be unknown.
std::string format_xclient(
    const XclientAttributes& attributes, const std::vector<std::string>& offered
);

// The name in the EHLO behind it: the client's own, where it has one that a host may have; else
// `ours`.
std::string name_for_hello(const XclientAttributes& attributes, std::string_view ours);

}  // namespace siding::smtp
