// A mailbox name of any octets comes back as it was, and what is written is modified UTF-7.
#include "backfill/mailbox_name.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace siding::backfill;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view raw{reinterpret_cast<const char*>(data), size};
    for (const bool utf8_accept : {false, true}) {
        const std::string name = decode_mailbox_name(raw, utf8_accept);
        const std::string again = encode_mailbox_name(name, utf8_accept);
        SIDING_CHECK(again == (is_inbox(raw) ? "INBOX" : raw), "another name");
        SIDING_CHECK(
            readable_mailbox_name(readable_mailbox_name(name)) == readable_mailbox_name(name),
            "not readable at once"
        );
    }
    if (const auto name = from_mutf7(raw)) {
        SIDING_CHECK(is_printable(raw), "an octet got in");
        SIDING_CHECK(to_mutf7(*name) == raw, "two ways to write it");
    }
    const std::string written = to_mutf7(raw);
    SIDING_CHECK(is_printable(written), "an octet got out");
    if (raw.find('\0') == std::string_view::npos) {
        const auto name = from_mutf7(written);
        SIDING_CHECK(name && to_mutf7(*name) == written, "not modified UTF-7");
    }
    return 0;
}
