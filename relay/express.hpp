// The express lane: mail that rules of the configuration let through while its wave is on hold.
// Pure.
#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <string_view>

namespace siding::relay {

struct ExpressFacts {
    std::string_view sender;          // reverse-path, without <>; empty for the null sender
    std::string_view recipient;       // forward-path, without <>
    std::string_view header_section;  // the message's first lines as they came, CRLF kept
    std::uint64_t size_octets = 0;
};

// Whether one of the rules matches whole.
bool is_express(const config::Config& config, const ExpressFacts& facts);

// The value of a rule's `header` ("X-Priority: 1*", in lower case) against every field of that
// name: unfolded (RFC 5322 §2.2.3), without the white space around it, in lower case.
bool has_header(std::string_view header_section, std::string_view rule);

}  // namespace siding::relay
