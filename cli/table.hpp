// Aligned columns that fit the terminal. Every cell is escaped here, so that no server's reply and
// no sender's address can speak to the terminal.
#pragma once

#include "cli/terminal.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cli {

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
    std::size_t width_min = 0;  // above 0: may be cut with "…" down to this to fit the terminal
    bool wraps = false;         // the last column only: goes on in the next line instead
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;

    Cell(std::string t, Colour c = Colour::none) : text{std::move(t)}, colour{c} {}
    Cell(std::string_view t, Colour c = Colour::none) : text{t}, colour{c} {}
    Cell(const char* t, Colour c = Colour::none) : text{t}, colour{c} {}
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}

    // As many cells as columns.
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }

    // Title line and rows; nothing at all without rows. Then the table is empty; further rows that
    // are printed get no second title line, and columns at least as wide.
    void print(const Terminal& terminal);

private:
    std::vector<std::size_t> fitting_widths(std::size_t width_max) const;
    std::string line(
        const std::vector<Cell>& cells,
        const std::vector<std::size_t>& widths,
        const Terminal& terminal
    ) const;
    std::string last_cell(
        const Cell& cell, std::size_t width, std::size_t indent, const Terminal& terminal
    ) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
    std::vector<std::size_t> printed_widths_;
};

// Columns on the terminal, one per code point.
std::size_t display_width(std::string_view text);

// Cut to `width` columns, the last one "…".
std::string fit(std::string_view text, std::size_t width);

// Lines of at most `width` columns, broken at spaces where there are any; at least one.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace siding::cli
