// An SPF record: what is understood is the same when said again, and its names can be asked for.
#include "base/check.hpp"
#include "dns/spf.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace siding::dns;

bool is_clean(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    const SpfMacros macros{"alice@example.com", "2001:db8::1", "mx.example.net"};
    if (const auto name = expand_spf(text, "example.com", macros)) {
        SIDING_CHECK(name->size() <= 253 && is_clean(*name), "no name");
    }
    const auto record = parse_spf(text);
    if (!record) {
        SIDING_CHECK(!record.error().context.empty(), "no reason");
        return 0;
    }
    for (const SpfMechanism& mechanism : record->mechanisms) {
        SIDING_CHECK(mechanism.prefix4 <= 32 && mechanism.prefix6 <= 128, "a prefix too long");
        const bool is_network = mechanism.kind == SpfMechanism::Kind::ip4;
        SIDING_CHECK(
            !is_network || spf_covers(mechanism.target, mechanism.prefix4, mechanism.target),
            "does not cover itself"
        );
        SIDING_CHECK(
            expand_spf(mechanism.target, "example.com", macros).has_value(), "cannot be expanded"
        );
    }
    const std::string again = format_spf(*record);
    const auto reread = parse_spf(again);
    SIDING_CHECK(reread && *reread == *record, "not the same again");
    return 0;
}
