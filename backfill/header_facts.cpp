#include "backfill/header_facts.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"

#include <algorithm>
#include <array>

namespace siding::backfill {
namespace {

constexpr std::array<std::string_view, 6> digested_names{
    "message-id", "date", "from", "to", "cc", "subject"};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string collapse(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!is_blank(c)) {
            out.push_back(c);
        } else if (!out.empty() && out.back() != ' ') {
            out.push_back(' ');
        }
    }
    if (out.ends_with(' ')) {
        out.pop_back();
    }
    return out;
}

std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    return line;
}

// RFC 5322 §2.2, and blanks in front of the colon as in §4.5. Empty: not a field.
std::string_view field_name(std::string_view line) {
    std::string_view name = line.substr(0, std::min(line.find(':'), line.size()));
    if (name.size() == line.size()) {
        return {};
    }
    while (!name.empty() && is_blank(name.back())) {
        name.remove_suffix(1);
    }
    return std::ranges::any_of(name, is_blank) ? std::string_view{} : name;
}

struct Field {
    std::string name;  // lower case; empty: not a field
    std::string body;
};

Field take_field(std::string_view& rest) {
    const std::string_view whole = rest;
    const std::string_view first = take_line(rest);
    while (rest.starts_with(' ') || rest.starts_with('\t')) {
        take_line(rest);
    }
    const std::string_view name = field_name(first);
    if (name.empty()) {
        return {};
    }
    const std::string_view field = whole.substr(0, whole.size() - rest.size());
    return {to_lower(name), collapse(field.substr(field.find(':') + 1))};
}

void keep_first(std::string& fact, std::string_view body) {
    if (fact.empty()) {
        fact = body.substr(0, limits::header_fact_octets_max);
    }
}

void keep_received(MessageFacts& facts, std::string_view body) {
    keep_first(facts.top_received, body);
    if (facts.received.size() == limits::received_lines_max) {
        return;
    }
    ReceivedLine line = parse_received(body);
    if (line.by_siding && !facts.siding_id) {
        facts.siding_id = line.id;
    }
    if (!line.id.empty()) {
        facts.received.push_back(std::move(line));
    }
}

void keep_fact(MessageFacts& facts, const Field& field) {
    if (field.name == "received") {
        keep_received(facts, field.body);
    } else if (field.name == "message-id") {
        keep_first(facts.message_id, field.body);
    } else if (field.name == "subject") {
        keep_first(facts.subject, field.body);
    } else if (field.name == "date") {
        keep_first(facts.date, field.body);
    } else if (field.name == "from") {
        keep_first(facts.from, field.body);
    }
}

// The next word, or the next comment with its parentheses (RFC 5322 §3.2.2). Empty at the end or
// at the semicolon in front of the date.
std::string_view take_token(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.front())) {
        rest.remove_prefix(1);
    }
    std::size_t length = 0;
    if (rest.starts_with('(')) {
        std::size_t depth = 0;
        do {
            const char c = rest[length];
            depth += c == '(' ? 1 : 0;
            depth -= c == ')' ? 1 : 0;
            length += c == '\\' ? 2 : 1;
        } while (depth > 0 && length < rest.size());
    } else {
        length = std::min(rest.find_first_of(" (;"), rest.size());
    }
    const std::string_view token = rest.substr(0, length);
    rest.remove_prefix(token.size());
    return token;
}

}  // namespace

ReceivedLine parse_received(std::string_view text) {
    ReceivedLine line;
    bool said_siding = false;
    for (auto token = take_token(text); !token.empty(); token = take_token(text)) {
        if (equals_ignoring_case(token, "from")) {
            take_token(text);  // a client may call itself "by"
        } else if (equals_ignoring_case(token, "by") && line.by.empty()) {
            line.by = take_token(text).substr(0, limits::header_fact_octets_max);
            std::string_view behind = text;
            said_siding = take_token(behind) == "(Siding)";
        } else if (equals_ignoring_case(token, "id") && line.id.empty()) {
            line.id = take_token(text).substr(0, limits::header_fact_octets_max);
        }
    }
    line.by_siding = said_siding && MessageId::parse(line.id).has_value();
    return line;
}

Digest read_header(std::string_view header, MessageFacts& facts) {
    std::array<std::string, digested_names.size()> digested;
    while (!header.empty()) {
        const Field field = take_field(header);
        keep_fact(facts, field);
        const auto* const name = std::ranges::find(digested_names, std::string_view{field.name});
        if (name != digested_names.end()) {
            std::string& text = digested[static_cast<std::size_t>(name - digested_names.begin())];
            text.append(*name).append(": ").append(field.body).append("\n");
        }
    }
    Sha256 hash;
    for (const std::string& text : digested) {
        hash.update(text);
    }
    return hash.finish();
}

}  // namespace siding::backfill
