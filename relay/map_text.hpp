// The text of a map file, line by line: with or without a byte order mark, LF or CRLF. And what is
// wrong with it, by line.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

struct MapLine {
    std::size_t number;  // from 1
    std::string_view text;
};

std::string_view without_byte_order_mark(std::string_view file);

std::size_t count_lines(std::string_view file);  // the upper bound of its entries

class MapLines {
public:
    explicit MapLines(std::string_view file) : rest_{without_byte_order_mark(file)} {}

    std::optional<MapLine> next();

private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

std::string_view trim(std::string_view text);
bool is_comment_or_blank(std::string_view text);
bool is_continuation(std::string_view text);  // starts with white space; ask for comments first

// Takes the octets in front of the next white space or of one of `stops`, and the white space
// behind them, off `text`. A quoted string hides both.
std::string_view take_word(std::string_view& text, std::string_view stops = {});

// The first few bad lines and how many there are in all.
class LineProblems {
public:
    void add(std::size_t line, std::string_view what);

    // Errc::invalid_argument if there is one.
    Result<void> check() const;

private:
    std::vector<std::string> first_;
    std::size_t count_ = 0;
};

}  // namespace siding::relay
