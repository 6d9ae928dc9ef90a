#include "relay/map_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::relay {
namespace {

constexpr std::size_t problems_shown = 5;

bool is_white_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

std::string_view without_white_space_in_front(std::string_view text) {
    const auto first = std::ranges::find_if_not(text, is_white_space);
    return text.substr(static_cast<std::size_t>(first - text.begin()));
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view file) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return file.starts_with(mark) ? file.substr(mark.size()) : file;
}

std::size_t count_lines(std::string_view file) {
    return static_cast<std::size_t>(std::ranges::count(file, '\n')) + 1;
}

std::optional<MapLine> MapLines::next() {
    if (rest_.empty()) {
        return std::nullopt;
    }
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    return MapLine{++number_, text};
}

std::string_view trim(std::string_view text) {
    text = without_white_space_in_front(text);
    while (!text.empty() && is_white_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool is_comment_or_blank(std::string_view text) {
    text = without_white_space_in_front(text);
    return text.empty() || text.front() == '#';
}

bool is_continuation(std::string_view text) {
    return !text.empty() && is_white_space(text.front());
}

std::string_view take_word(std::string_view& text, std::string_view stops) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        const char c = text[end];
        if (!is_quoted &&
            (is_white_space(c) || (!stops.empty() && stops.find(c) != std::string_view::npos))) {
            break;
        }
        end += is_quoted && c == '\\' && end + 1 < text.size() ? 1 : 0;
        is_quoted = is_quoted != (c == '"');
    }
    const std::string_view word = text.substr(0, end);
    text = without_white_space_in_front(text.substr(end));
    return word;
}

void LineProblems::add(std::size_t line, std::string_view what) {
    if (count_++ < problems_shown) {
        first_.push_back(fmt::format("line {}: {}", line, what));
    }
}

Result<void> LineProblems::check() const {
    if (count_ == 0) {
        return {};
    }
    const std::size_t more = count_ - first_.size();
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "{}{}",
            fmt::join(first_, "; "),
            more == 0 ? std::string{} : fmt::format("; and {} more bad lines", more)
        )};
}

}  // namespace siding::relay
