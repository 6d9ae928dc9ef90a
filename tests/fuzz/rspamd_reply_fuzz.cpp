// Whatever a filter says, what stands in the trace block is whole header fields, and no text of it
// breaks a line of a reply.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "relay/rspamd_reply.hpp"

#include <cstdint>
#include <string_view>

namespace {

using namespace siding;

bool is_clean(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

// RFC 5322 §2.2: each line begins a field or continues one, and ends in CRLF.
void expect_whole_fields(std::string_view headers) {
    bool first = true;
    while (!headers.empty()) {
        const std::size_t end = headers.find("\r\n");
        SIDING_CHECK(end != std::string_view::npos, "a line without its end");
        const std::string_view line = headers.substr(0, end);
        SIDING_CHECK(!line.empty() && line.size() <= 998, "an empty or endless line");
        SIDING_CHECK(is_clean(line), "a bare CR, LF or NUL");
        const bool continues = line.front() == ' ' || line.front() == '\t';
        SIDING_CHECK(continues ? !first : line.find(':') != std::string_view::npos, "no field");
        first = false;
        headers.remove_prefix(end + 2);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    using OnReject = config::Filter::OnReject;
    for (const OnReject on_reject : {OnReject::reject, OnReject::tag}) {
        const auto verdict = relay::parse_rspamd_reply(text, on_reject);
        if (!verdict) {
            continue;
        }
        expect_whole_fields(verdict->headers);
        SIDING_CHECK(is_clean(verdict->reply_text), "a reply of several lines");
        for (const std::string& tag : verdict->tags) {
            SIDING_CHECK(!tag.empty() && is_clean(tag) && is_utf8(tag), "no tag");
        }
    }
    const std::size_t half = size / 2;
    expect_whole_fields(relay::format_filter_header(text.substr(0, half), text.substr(half)));
    return 0;
}
