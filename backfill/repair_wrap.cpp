#include "backfill/repair_wrap.hpp"

#include "backfill/digests.hpp"
#include "backfill/encoded_words.hpp"
#include "backfill/line_ends.hpp"
#include "base/base64.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <set>

namespace siding::backfill {
namespace {

constexpr std::size_t header_octets_max = 256 * 1024;
constexpr std::size_t line_octets_max = 998;    // RFC 5322 §2.1.1
constexpr std::size_t base64_line_octets = 57;  // 76 characters (RFC 2045 §6.8)
constexpr std::size_t base64_piece_octets = base64_line_octets * 1024;
constexpr std::size_t boundary_digest_octets = 12;

struct Shown {
    std::string_view name;
    FieldKind kind = FieldKind::text;
};
constexpr std::array shown{
    Shown{"Date"},
    Shown{"From", FieldKind::addresses},
    Shown{"Sender", FieldKind::addresses},
    Shown{"Reply-To", FieldKind::addresses},
    Shown{"To", FieldKind::addresses},
    Shown{"Cc", FieldKind::addresses},
    Shown{"Subject"},
    Shown{"Message-ID"},
    Shown{"In-Reply-To"},
    Shown{"References"},
};

// What must be known of a message before the first octet of its wrapping.
struct Scanned {
    std::string header;  // the front of it, with CRLF
    std::string boundary;
    std::string encoding;  // of message/rfc822; empty: it cannot stand in mail as it is
};

std::string with_crlf(std::string_view octets) {
    std::string out;
    LineEnds converter{true, false, [&out](std::string_view part) -> Result<void> {
                           out += part;
                           return {};
                       }};
    static_cast<void>(converter.put(octets));
    static_cast<void>(converter.finish());
    return out;
}

Result<Scanned> scan(const OctetProducer& message) {
    MessageDigester digester;
    std::string front;
    bool is_8bit = false;
    SIDING_TRY(message([&](std::string_view octets) -> Result<void> {
        digester.update(octets);
        front += octets.substr(0, header_octets_max - front.size());
        is_8bit = is_8bit || std::ranges::any_of(octets, [](char octet) { return octet < 0; });
        return {};
    }));
    const MessageDigests digests = digester.finish();
    const MessageFacts& facts = digester.facts();
    Scanned scanned;
    front = with_crlf(front);
    const auto end = front.starts_with("\r\n") ? 0 : front.find("\r\n\r\n");
    scanned.header = end == std::string::npos ? front : front.substr(0, end == 0 ? 0 : end + 2);
    scanned.boundary =
        "=_siding_" + to_hex(std::string_view{digests.raw}.substr(0, boundary_digest_octets));
    const bool fits = !facts.has_nul && !facts.has_bare_lf && !facts.has_bare_cr &&
                      !facts.has_8bit_header && facts.longest_line <= line_octets_max &&
                      !scanned.header.empty();
    scanned.encoding = !fits ? "" : is_8bit ? "8bit" : "7bit";
    return scanned;
}

// RFC 2045 §6.8, in lines.
class Base64Lines {
public:
    explicit Base64Lines(const OctetSink& sink) : sink_{sink} {}

    Result<void> put(std::string_view octets) {
        held_ += octets;
        return held_.size() < base64_piece_octets ? Result<void>{} : write(false);
    }
    Result<void> finish() { return write(true); }

private:
    Result<void> write(bool is_end) {
        std::string out;
        std::string_view left = held_;
        while (left.size() >= base64_line_octets || (is_end && !left.empty())) {
            out += to_base64(left.substr(0, base64_line_octets)) + "\r\n";
            left.remove_prefix(std::min(base64_line_octets, left.size()));
        }
        held_ = std::string{left};
        return sink_(out);
    }

    const OctetSink& sink_;
    std::string held_;
};

std::string head_of(const Scanned& scanned) {
    return fmt::format(
        "{}MIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"{}\"\r\n"
        "\r\n"
        "--{}\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        "This message could not be stored here as it was. All of it is in the\r\n"
        "attachment original.eml.\r\n"
        "\r\n"
        "--{}\r\n",
        outer_fields(scanned.header),
        scanned.boundary,
        scanned.boundary,
        scanned.boundary
    );
}

}  // namespace

std::string outer_fields(std::string_view header) {
    const std::string text = with_crlf(header);
    std::string out;
    std::set<std::string_view> done;
    for (std::size_t at = 0; at < text.size();) {
        // A field goes on over lines that begin with a blank (RFC 5322 §2.2.3).
        std::size_t end = text.find("\r\n", at);
        while (end + 2 < text.size() && (text[end + 2] == ' ' || text[end + 2] == '\t')) {
            end = text.find("\r\n", end + 2);
        }
        const std::string_view field = std::string_view{text}.substr(at, end - at);
        at = end + 2;
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        std::string_view name = field.substr(0, colon);
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        const auto* const known = std::ranges::find_if(shown, [name](const Shown& one) {
            return equals_ignoring_case(one.name, name);
        });
        if (known != shown.end() && done.insert(known->name).second) {
            out += format_field(known->name, field.substr(colon + 1), known->kind);
        }
    }
    return out;
}

Result<void> wrap_message(const OctetProducer& message, const OctetSink& sink) {
    SIDING_ASSIGN(const Scanned scanned, scan(message));
    SIDING_TRY(sink(head_of(scanned)));
    if (!scanned.encoding.empty()) {
        SIDING_TRY(sink(fmt::format(
            "Content-Type: message/rfc822\r\n"
            "Content-Transfer-Encoding: {}\r\n"
            "Content-Disposition: attachment; filename=original.eml\r\n"
            "\r\n",
            scanned.encoding
        )));
        SIDING_TRY(message(sink));
        return sink(fmt::format("\r\n--{}--\r\n", scanned.boundary));
    }
    SIDING_TRY(
        sink("Content-Type: application/octet-stream; name=original.eml\r\n"
             "Content-Transfer-Encoding: base64\r\n"
             "Content-Disposition: attachment; filename=original.eml\r\n"
             "\r\n")
    );
    Base64Lines lines{sink};
    SIDING_TRY(message([&lines](std::string_view octets) { return lines.put(octets); }));
    SIDING_TRY(lines.finish());
    return sink(fmt::format("--{}--\r\n", scanned.boundary));
}

}  // namespace siding::backfill
