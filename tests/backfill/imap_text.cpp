#include "tests/backfill/imap_text.hpp"

#include "base/check.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

// Controls as \xNN; a backslash stays, so that a flag can be read.
std::string visible(std::string_view octets) {
    std::string out;
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        out += octet < 0x20 ? fmt::format("\\x{:02x}", octet) : std::string{c};
    }
    return out;
}

std::string join(const std::vector<ImapValue>& values) {
    std::string out;
    for (const ImapValue& value : values) {
        out += (out.empty() ? "" : " ") + show(value);
    }
    return out;
}

std::string show(ImapCondition condition) {
    switch (condition) {
    case ImapCondition::ok:
        return "OK";
    case ImapCondition::no:
        return "NO";
    case ImapCondition::bad:
        return "BAD";
    case ImapCondition::bye:
        return "BYE";
    case ImapCondition::preauth:
        return "PREAUTH";
    }
    return "?";
}

// Gives `piece` to the parser and notes what comes of it. False: an error.
bool read(
    ImapParser& parser, std::string_view piece, std::string& body, std::vector<std::string>& out
) {
    for (;;) {
        auto event = parser.next(piece);
        if (!event) {
            out.push_back("error " + event.error().message());
            return false;
        }
        switch (*event) {
        case ImapParser::Event::need_octets:
            SIDING_CHECK(piece.empty(), "octets left");
            return true;
        case ImapParser::Event::response:
            out.push_back(show(parser.response()));
            break;
        case ImapParser::Event::body_begin:
            body = fmt::format("body {} {}: ", parser.body_name(), parser.body_octets());
            break;
        case ImapParser::Event::body_piece:
            SIDING_CHECK(!parser.piece().empty(), "a piece of nothing");
            body += visible(parser.piece());
            break;
        case ImapParser::Event::body_end:
            out.push_back(std::move(body));
            break;
        }
    }
}

}  // namespace

std::string show(const ImapValue& value) {
    switch (value.kind) {
    case ImapValue::Kind::nil:
        return "NIL";
    case ImapValue::Kind::atom:
        return visible(value.text);
    case ImapValue::Kind::string:
        return '"' + visible(value.text) + '"';
    case ImapValue::Kind::list:
        return "(" + join(value.items) + ")";
    case ImapValue::Kind::streamed:
        return fmt::format("<{}>", value.octets);
    }
    return "?";
}

std::string show(const ImapResponse& response) {
    if (response.kind == ImapResponse::Kind::continuation) {
        return "+|" + visible(response.text);
    }
    std::string out = response.kind == ImapResponse::Kind::tagged ? response.tag + " " : "* ";
    if (response.number) {
        out += fmt::format("{} ", *response.number);
    }
    out += response.condition ? show(*response.condition) : response.name;
    if (!response.code.empty()) {
        const std::string arguments = join(response.code_values);
        out += " [" + response.code + (arguments.empty() ? "" : " ") + arguments + "]";
    }
    const std::string rest = response.condition ? visible(response.text) : join(response.values);
    return out + (rest.empty() ? "" : " ") + rest;
}

std::vector<std::string> read_all(std::string_view wire, const std::vector<std::size_t>& cuts) {
    ImapParser parser;
    std::vector<std::string> out;
    std::string body;
    std::size_t begin = 0;
    bool is_good = true;
    for (std::size_t i = 0; is_good && i <= cuts.size(); ++i) {
        const std::size_t end = i < cuts.size() ? cuts[i] : wire.size();
        // A copy of its own: the sanitizer sees who looks at a piece after it is gone.
        const std::string piece{wire.substr(begin, end - begin)};
        is_good = read(parser, piece, body, out);
        begin = end;
    }
    if (parser.lines_skipped() > 0) {
        out.push_back(fmt::format("skipped {}", parser.lines_skipped()));
    }
    return out;
}

ImapResponse read_one(std::string_view wire) {
    ImapParser parser;
    const auto event = parser.next(wire);
    SIDING_CHECK(event && *event == ImapParser::Event::response, "no response");
    SIDING_CHECK(wire.empty(), "more than one response");
    return parser.take_response();
}

}  // namespace siding::backfill
