#include "backfill/imap_line.hpp"

#include "backfill/ascii.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view without_trailing(std::string_view text, std::string_view octets) {
    return text.substr(0, text.find_last_not_of(octets) + 1);
}

std::string_view without_leading(std::string_view text, std::string_view octets) {
    return text.substr(std::min(text.find_first_not_of(octets), text.size()));
}

std::string_view take_letters(std::string_view& text) {
    const auto end = std::ranges::find_if_not(text, is_letter);
    const std::string_view word{text.begin(), end};
    text.remove_prefix(word.size());
    return word;
}

std::optional<ImapCondition> parse_condition(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, ImapCondition>, 5> words = {{
        {"OK", ImapCondition::ok},
        {"NO", ImapCondition::no},
        {"BAD", ImapCondition::bad},
        {"BYE", ImapCondition::bye},
        {"PREAUTH", ImapCondition::preauth},
    }};
    for (const auto& [name, condition] : words) {
        if (equals_ignoring_case(name, word)) {
            return condition;
        }
    }
    return std::nullopt;
}

bool is_body_name(std::string_view upper) {
    if (upper == "RFC822" || upper == "RFC822.HEADER" || upper == "RFC822.TEXT") {
        return true;
    }
    constexpr std::array<std::string_view, 4> begins = {
        "BODY[", "BODY.PEEK[", "BINARY[", "BINARY.PEEK["};
    return std::ranges::any_of(begins, [&](std::string_view begin) {
        return upper.starts_with(begin);
    });
}

ImapTokens::Grammar grammar_of(std::string_view name) {
    if (name == "FETCH") {
        return ImapTokens::Grammar::fetch;
    }
    if (name == "LIST" || name == "LSUB" || name == "XLIST") {
        return ImapTokens::Grammar::list;
    }
    if (name == "SEARCH" || name == "SORT") {
        return ImapTokens::Grammar::search;
    }
    return ImapTokens::Grammar::plain;
}

}  // namespace

// Some servers put blanks behind it.
std::optional<ImapLiteralMark> find_literal_mark(std::string_view line) {
    line = without_trailing(line, " \t");
    const std::size_t open = line.rfind('{');
    if (!line.ends_with('}') || open == none) {
        return std::nullopt;
    }
    std::string_view size = line.substr(open + 1, line.size() - open - 2);
    if (size.find_first_not_of("0123456789+-") != none) {
        return std::nullopt;
    }
    ImapLiteralMark mark;
    mark.at = open > 0 && line[open - 1] == '~' ? open - 1 : open;
    if (size.ends_with('+') || size.ends_with('-')) {
        size.remove_suffix(1);
    }
    std::uint64_t octets = 0;
    const auto [rest, error] = std::from_chars(size.data(), size.data() + size.size(), octets);
    if (error == std::errc{} && rest == size.data() + size.size()) {
        mark.octets = octets;
    }
    return mark;
}

void ImapLineReader::reset() {
    response = {};
    phase_ = Phase::start;
    has_code_literal_ = false;
    is_wanted_ = false;
}

Result<void> ImapLineReader::add(ImapValue value) {
    return tokens_.add(std::move(value));
}

Result<ImapLineReader::Outcome> ImapLineReader::read(std::string_view line) {
    switch (phase_) {
    case Phase::start:
        return on_start(line);
    case Phase::code:
        return on_code(line);
    case Phase::values:
        return on_values(line);
    case Phase::waste:
        return waste(line);
    }
    return Outcome::skipped;
}

Result<ImapLineReader::Outcome> ImapLineReader::on_start(std::string_view line) {
    line = without_leading(line, std::string_view{"\0 ", 2});  // padding of one server
    if (line.starts_with('+')) {
        line.remove_prefix(line.starts_with("+ ") ? 2 : 1);
        response.kind = ImapResponse::Kind::continuation;
        response.text = line;
        return Outcome::response;
    }
    if (line.starts_with('*')) {
        return on_untagged(without_leading(line.substr(1), " "));
    }
    const std::size_t blank = std::min(line.find(' '), line.size());
    std::string_view rest = without_leading(line.substr(blank), " ");
    const auto condition = parse_condition(take_letters(rest));
    if (!condition || (!rest.empty() && rest[0] != ' ' && rest[0] != '[')) {
        return Outcome::skipped;
    }
    response.kind = ImapResponse::Kind::tagged;
    response.tag = line.substr(0, blank);
    response.condition = condition;
    return on_words(rest);
}

Result<ImapLineReader::Outcome> ImapLineReader::on_untagged(std::string_view line) {
    std::string_view rest = line;
    const std::string_view word = take_letters(rest);
    const bool is_word = rest.empty() || rest[0] == ' ' || rest[0] == '[';
    response.condition = is_word ? parse_condition(word) : std::nullopt;
    if (response.condition) {
        return on_words(rest);
    }
    if (line.starts_with('[')) {  // a code where the condition was forgotten
        response.condition = ImapCondition::ok;
        return on_words(line);
    }
    if (!line.empty() && is_digit(line[0])) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        line.remove_prefix(static_cast<std::size_t>(end - line.data()));
        if (error != std::errc{} || !line.starts_with(' ')) {
            return waste(line);
        }
        response.number = number;
        line = without_leading(line, " ");
    }
    const std::size_t name_size = std::min(line.find_first_of(" (\t\"{"), line.size());
    if (name_size == 0 || !is_letter(line[0])) {
        return waste(line);
    }
    response.name = to_upper(line.substr(0, name_size));
    phase_ = Phase::values;
    tokens_.begin(response.values, grammar_of(response.name));
    return on_values(line.substr(name_size));
}

// What stands behind a condition: "[CODE …] text", both or one or none (RFC 9051 §7.1).
Result<ImapLineReader::Outcome> ImapLineReader::on_words(std::string_view text) {
    is_wanted_ = true;
    text = without_leading(text, " ");
    const std::string_view inside = text.substr(std::min<std::size_t>(1, text.size()));
    const bool has_code =
        text.starts_with('[') && (inside.find(']') != none || find_literal_mark(inside));
    if (!has_code) {
        return end_words(text);
    }
    const std::size_t name_size = std::min(inside.find_first_of(" ]"), inside.size());
    response.code = to_upper(inside.substr(0, name_size));
    phase_ = Phase::code;
    tokens_.begin(response.code_values, ImapTokens::Grammar::code);
    return on_code(inside.substr(name_size));
}

Result<ImapLineReader::Outcome> ImapLineReader::on_code(std::string_view text) {
    const auto mark = find_literal_mark(text);
    std::string_view rest = mark ? text.substr(0, mark->at) : text;
    const std::size_t given = rest.size();
    SIDING_ASSIGN(const ImapTokens::Outcome outcome, tokens_.take(rest));
    if (outcome == ImapTokens::Outcome::closed) {
        return end_words(text.substr(given - rest.size()));
    }
    if (outcome == ImapTokens::Outcome::more && mark) {
        has_code_literal_ = true;
        return on_literal(*mark, Outcome::literal);
    }
    if (has_code_literal_ || text.find(']') == none) {
        return waste(text);
    }
    return on_disorder(text);
}

// Quotes or lists in a code that do not end: the code then goes to the first bracket.
Result<ImapLineReader::Outcome> ImapLineReader::on_disorder(std::string_view text) {
    const std::size_t bracket = text.find(']');
    response.code_values.clear();
    tokens_.begin(response.code_values, ImapTokens::Grammar::code_in_disorder);
    std::string_view arguments = text.substr(0, bracket);
    SIDING_ASSIGN(const ImapTokens::Outcome outcome, tokens_.take(arguments));
    if (outcome == ImapTokens::Outcome::broken) {
        ImapValue value;
        value.kind = ImapValue::Kind::atom;
        value.text = without_leading(text.substr(0, bracket), " ");
        response.code_values.assign(1, std::move(value));
    }
    return end_words(text.substr(bracket + 1));
}

ImapLineReader::Outcome ImapLineReader::end_words(std::string_view text) {
    response.text = without_trailing(without_leading(text, " "), " \t");
    return Outcome::response;
}

Result<ImapLineReader::Outcome> ImapLineReader::on_values(std::string_view text) {
    const auto mark = find_literal_mark(text);
    std::string_view rest = mark ? text.substr(0, mark->at) : text;
    SIDING_ASSIGN(const ImapTokens::Outcome outcome, tokens_.take(rest));
    if (outcome == ImapTokens::Outcome::broken || (!mark && tokens_.depth() > 0)) {
        return waste(text);
    }
    return mark ? on_literal(*mark, Outcome::literal) : Outcome::response;
}

// The rest of a response that makes no sense, with its literals.
Result<ImapLineReader::Outcome> ImapLineReader::waste(std::string_view line) {
    phase_ = Phase::waste;
    const auto mark = find_literal_mark(line);
    if (mark) {
        return on_literal(*mark, Outcome::waste);
    }
    return is_wanted_ ? Outcome::rescued : Outcome::skipped;
}

Result<ImapLineReader::Outcome> ImapLineReader::on_literal(
    const ImapLiteralMark& mark, Outcome outcome
) {
    if (!mark.octets) {
        return Error{Errc::corrupt, "a literal without a size"};
    }
    literal_ = *mark.octets;
    return outcome;
}

std::optional<std::string> ImapLineReader::body_name() const {
    if (phase_ != Phase::values || literal_ == 0 || !response.is_data("FETCH") ||
        tokens_.depth() > 1 || tokens_.innermost().empty()) {
        return std::nullopt;
    }
    const ImapValue& last = tokens_.innermost().back();
    std::string name = last.kind == ImapValue::Kind::atom ? to_upper(last.text) : std::string{};
    return is_body_name(name) ? std::optional{std::move(name)} : std::nullopt;
}

}  // namespace siding::backfill
