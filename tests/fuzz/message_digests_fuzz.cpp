// A message, cut into pieces of as many octets as the first one says: its digests and facts are
// those of the whole, the raw digest is SHA-256, texts are bounded, and a message whose line ends
// were made CRLF is the same one.
#include "backfill/digests.hpp"
#include "backfill/limits.hpp"
#include "backfill/match.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace siding;
using namespace siding::backfill;

std::pair<MessageDigests, MessageFacts> digest(std::string_view message, std::size_t piece) {
    MessageDigester digester;
    for (std::string_view rest = message; !rest.empty();) {
        const std::string_view part = rest.substr(0, piece);
        digester.update(part);
        rest.remove_prefix(part.size());
    }
    MessageDigests digests = digester.finish();
    return {std::move(digests), digester.facts()};
}

std::string with_crlf(std::string_view message) {
    std::string out;
    for (const char c : message) {
        if (c == '\n') {
            while (out.ends_with('\r')) {
                out.pop_back();
            }
            out += '\r';
        }
        out += c;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view message{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto whole = digest(message, std::string_view::npos);
    SIDING_CHECK(whole == digest(message, 1 + data[0] % 64), "another message when cut");
    const auto& [digests, facts] = whole;
    SIDING_CHECK(digests.raw == sha256(message), "not the octets");
    for (const std::string* text : {&facts.message_id, &facts.subject, &facts.date, &facts.from}) {
        SIDING_CHECK(text->size() <= limits::header_fact_octets_max, "a text without a bound");
        SIDING_CHECK(text->find_first_of("\r\n\t") == std::string::npos, "not unfolded");
    }
    SIDING_CHECK(facts.received.size() <= limits::received_lines_max, "too many lines");
    SIDING_CHECK(facts.longest_line <= message.size(), "longer than all");
    const auto other = digest(with_crlf(message), 7);
    SIDING_CHECK(other.first.canonical == digests.canonical, "line ends make a difference");
    SIDING_CHECK(other.first.body == digests.body, "line ends make a difference to the body");
    SIDING_CHECK(other.first.header == digests.header, "line ends make a difference to the header");
    SIDING_CHECK(
        compare(digests, other.first) <= Likeness::exact_but_line_ends, "not the same message"
    );
    return 0;
}
