#include "backfill/imap_tokens.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool takes_section(std::string_view name) {
    constexpr std::array<std::string_view, 5> names = {
        "BODY", "BODY.PEEK", "BINARY", "BINARY.PEEK", "BINARY.SIZE"};
    return std::ranges::any_of(names, [&](std::string_view known) {
        return equals_ignoring_case(known, name);
    });
}

ImapValue make(ImapValue::Kind kind, std::string_view text) {
    ImapValue value;
    value.kind = kind;
    value.text = text;
    return value;
}

// What stands between the quotes. A backslash in front of anything but itself and a quote is one
// that the server forgot to escape.
std::string unescape(std::string_view quoted) {
    std::string text;
    text.reserve(quoted.size());
    for (std::size_t i = 0; i < quoted.size(); ++i) {
        const bool escapes = quoted[i] == '\\' && i + 1 < quoted.size() &&
                             (quoted[i + 1] == '"' || quoted[i + 1] == '\\');
        i += escapes ? 1 : 0;
        text.push_back(quoted[i]);
    }
    return text;
}

}  // namespace

void ImapTokens::begin(std::vector<ImapValue>& values, Grammar grammar) {
    lists_.assign(1, &values);
    grammar_ = grammar;
    count_ = 0;
}

bool ImapTokens::ends_code() const {
    return grammar_ == Grammar::code_in_disorder || (grammar_ == Grammar::code && depth() == 0);
}

Result<ImapTokens::Outcome> ImapTokens::take(std::string_view& text) {
    text_ = text;
    at_ = 0;
    while (at_ < text_.size()) {
        Result<Outcome> outcome = Outcome::more;
        switch (text_[at_]) {
        case ' ':
        case '\t':
            ++at_;
            break;
        case '(':
            outcome = open();
            break;
        case ')':
            outcome = close();
            break;
        case '"':
            outcome = take_quoted();
            break;
        default:
            if (text_[at_] == ']' && ends_code()) {
                text.remove_prefix(at_ + 1);
                return Outcome::closed;
            }
            outcome = grammar_ == Grammar::search && depth() == 0 && is_digit(text_[at_])
                          ? take_numbers()
                          : take_atom();
        }
        if (!outcome || *outcome != Outcome::more) {
            return outcome;
        }
    }
    text = {};
    return Outcome::more;
}

Result<void> ImapTokens::add(ImapValue value) {
    if (++count_ > limits::imap_values_max) {
        return Error{Errc::limit_exceeded, "a response with too many values"};
    }
    lists_.back()->push_back(std::move(value));
    return {};
}

Result<ImapTokens::Outcome> ImapTokens::open() {
    if (depth() == limits::imap_nesting_max) {
        return Error{Errc::limit_exceeded, "a response with too many lists in each other"};
    }
    SIDING_TRY(add(make(ImapValue::Kind::list, {})));
    lists_.push_back(&lists_.back()->back().items);
    ++at_;
    return Outcome::more;
}

Result<ImapTokens::Outcome> ImapTokens::close() {
    if (depth() == 0) {
        return Outcome::broken;
    }
    lists_.pop_back();
    ++at_;
    return Outcome::more;
}

// Where the section whose "[" is at `at` ends, behind its "]"; none: not in this piece.
std::size_t ImapTokens::section_end(std::size_t at) const {
    bool is_quoted = false;
    for (; at < text_.size(); ++at) {
        if (text_[at] == '"') {
            is_quoted = !is_quoted;
        } else if (is_quoted && text_[at] == '\\') {
            ++at;
        } else if (!is_quoted && text_[at] == ']') {
            return at + 1;
        }
    }
    return none;
}

Result<ImapTokens::Outcome> ImapTokens::take_atom() {
    const std::size_t begin = at_;
    bool has_section = false;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        const bool is_end = c == ' ' || c == '\t' || c == '(' || c == ')' ||
                            (c == ']' && ends_code()) || (c == '"' && has_section);
        if (is_end) {
            break;
        }
        if (c == '[' && grammar_ == Grammar::fetch && !has_section && depth() <= 1 &&
            takes_section(text_.substr(begin, at_ - begin))) {
            const std::size_t end = section_end(at_);
            if (end == none) {
                return Outcome::broken;
            }
            has_section = true;
            at_ = end;
        } else {
            ++at_;
        }
    }
    const std::string_view atom = text_.substr(begin, at_ - begin);
    const bool is_nil = equals_ignoring_case(atom, "NIL");
    SIDING_TRY(add(make(is_nil ? ImapValue::Kind::nil : ImapValue::Kind::atom, atom)));
    return Outcome::more;
}

Result<ImapTokens::Outcome> ImapTokens::take_quoted() {
    const std::string_view rest = text_.substr(at_);
    // Domino's separator: "\" where RFC 9051 §9 wants "\\".
    if (grammar_ == Grammar::list && depth() == 0 && lists_.back()->size() == 1 &&
        rest.starts_with("\"\\\"") && (rest.size() == 3 || rest[3] == ' ')) {
        at_ += 3;
        SIDING_TRY(add(make(ImapValue::Kind::string, "\\")));
        return Outcome::more;
    }
    std::size_t end = 1;
    bool has_escapes = false;
    for (;; ++end) {
        end = rest.find_first_of("\"\\", end);
        if (end == none) {
            return Outcome::broken;
        }
        if (rest[end] == '"') {
            break;
        }
        has_escapes = true;
        const bool escapes =
            end + 1 < rest.size() && (rest[end + 1] == '"' || rest[end + 1] == '\\');
        end += escapes ? 1 : 0;
    }
    const std::string_view inside = rest.substr(1, end - 1);
    ImapValue value = make(ImapValue::Kind::string, has_escapes ? std::string_view{} : inside);
    if (has_escapes) {
        value.text = unescape(inside);
    }
    at_ += end + 1;
    SIDING_TRY(add(std::move(value)));
    return Outcome::more;
}

Result<ImapTokens::Outcome> ImapTokens::take_numbers() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_not_of("0123456789 ", at_), text_.size());
    if (at_ < text_.size() && text_[at_] != '(') {  // "12x" is no number
        while (at_ > begin && text_[at_ - 1] != ' ') {
            --at_;
        }
    }
    if (at_ == begin) {
        return take_atom();
    }
    const std::string_view run = text_.substr(begin, at_ - begin);
    SIDING_TRY(add(make(ImapValue::Kind::atom, run.substr(0, run.find_last_not_of(' ') + 1))));
    return Outcome::more;
}

}  // namespace siding::backfill
