// The beginning of a connection, any octets: a header is the same however it is split and whatever
// follows it, what is malformed stays so, and an address that comes out can be said again.
#include "base/check.hpp"
#include "net/proxy_protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace {

using namespace siding::net;
using Status = ProxyParse::Status;

void check_prefixes(std::string_view octets, std::size_t end) {
    // Each of the first ones, then the last ones: the rest of a long header are TLVs.
    for (std::size_t size = 0; size < end; size += size < 256 || size + 64 > end ? 1 : 61) {
        const auto part = parse_proxy_header(octets.substr(0, size));
        SIDING_CHECK(part.status == Status::need_more, "content with a part of a header");
    }
}

void check_said_again(const ProxyHeader& header) {
    const bool is_v4 = header.source.family == Family::ipv4;
    if (!header.local) {
        const auto binary = parse_proxy_header(format_proxy_v2(header.source, header.destination));
        SIDING_CHECK(binary.status == Status::complete, "cannot be said in version 2");
        SIDING_CHECK(binary.header.source == header.source, "another source");
        SIDING_CHECK(binary.header.destination == header.destination, "another destination");
    }
    if (header.local || header.source.family != header.destination.family) {
        return;  // one of them was an IPv4 address inside IPv6
    }
    const std::string line = std::string{is_v4 ? "PROXY TCP4 " : "PROXY TCP6 "} +
                             header.source.address + " " + header.destination.address + " " +
                             std::to_string(header.source.port) + " " +
                             std::to_string(header.destination.port) + "\r\n";
    const auto again = parse_proxy_header(line);
    SIDING_CHECK(again.status == Status::complete, "cannot be said again");
    SIDING_CHECK(again.header.source == header.source, "another source");
    SIDING_CHECK(again.header.destination == header.destination, "another destination");
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view octets{reinterpret_cast<const char*>(data), size};
    const auto parsed = parse_proxy_header(octets);
    const std::string longer = std::string{octets} + "EHLO a\r\n";
    switch (parsed.status) {
    case Status::need_more:
        SIDING_CHECK(size < proxy_v2_octets_max, "never content");
        check_prefixes(octets, size);
        break;
    case Status::malformed:
        SIDING_CHECK(!parsed.reason.empty(), "no reason");
        SIDING_CHECK(parse_proxy_header(longer).status == Status::malformed, "well again");
        break;
    case Status::complete: {
        SIDING_CHECK(parsed.consumed <= size, "more than there is");
        check_prefixes(octets, parsed.consumed);
        const auto again = parse_proxy_header(longer);
        SIDING_CHECK(again.consumed == parsed.consumed, "another end");
        SIDING_CHECK(again.header == parsed.header, "looked beyond the end");
        SIDING_CHECK(is_printable(parsed.header.tls_version.value_or("")), "a control got in");
        SIDING_CHECK(is_printable(parsed.header.tls_cipher.value_or("")), "a control got in");
        check_said_again(parsed.header);
        break;
    }
    }
    return 0;
}
