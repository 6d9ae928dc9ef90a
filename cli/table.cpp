#include "cli/table.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <numeric>

namespace siding::cli {
namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t cell_octets_max = 2000;

bool starts_code_point(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

void Table::add(std::vector<Cell> row) {
    SIDING_CHECK(row.size() == columns_.size(), "a table row has another number of cells");
    for (Cell& cell : row) {
        cell.text = escape(cell.text, cell_octets_max);
    }
    rows_.push_back(std::move(row));
}

void Table::print(const Terminal& terminal) {
    if (rows_.empty()) {
        return;
    }
    const bool first = printed_widths_.empty();
    printed_widths_ = fitting_widths(terminal.width);
    if (first) {
        std::vector<Cell> titles;
        for (const Column& column : columns_) {
            titles.emplace_back(column.title, Colour::dim);
        }
        terminal.out << line(titles, printed_widths_, terminal);
    }
    for (const auto& row : rows_) {
        terminal.out << line(row, printed_widths_, terminal);
    }
    rows_.clear();
}

std::vector<std::size_t> Table::fitting_widths(std::size_t width_max) const {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t size = display_width(columns_[i].title);
        if (!printed_widths_.empty()) {
            size = std::max(size, printed_widths_[i]);
        }
        for (const auto& row : rows_) {
            size = std::max(size, display_width(row[i].text));
        }
        sizes.push_back(size);
    }
    const std::size_t gaps = gap.size() * (columns_.size() - 1);
    auto total = [&] { return std::accumulate(sizes.begin(), sizes.end(), gaps); };
    // The widest column that may shrink gives way first, so that short ones stay whole.
    while (width_max > 0 && total() > width_max) {
        std::size_t widest = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const bool may_shrink = columns_[i].width_min > 0 && sizes[i] > columns_[i].width_min;
            if (may_shrink && (widest == columns_.size() || sizes[i] > sizes[widest])) {
                widest = i;
            }
        }
        if (widest == columns_.size()) {
            break;
        }
        --sizes[widest];
    }
    return sizes;
}

std::string Table::line(
    const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, const Terminal& terminal
) const {
    std::string out;
    std::size_t indent = 0;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
        const std::string text = fit(cells[i].text, widths[i]);
        const std::string padding(widths[i] - display_width(text), ' ');
        const std::string painted = terminal.paint(text, cells[i].colour);
        out += columns_[i].align == Align::right ? padding + painted : painted + padding;
        out += gap;
        indent += widths[i] + gap.size();
    }
    out += last_cell(cells.back(), widths.back(), indent, terminal);
    // An empty last cell leaves the padding of the cells before it.
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
}

std::string Table::last_cell(
    const Cell& cell, std::size_t width, std::size_t indent, const Terminal& terminal
) const {
    if (!columns_.back().wraps) {
        const std::string text = fit(cell.text, width);
        const bool right = columns_.back().align == Align::right;
        const std::string padding(right ? width - display_width(text) : 0, ' ');
        return padding + terminal.paint(text, cell.colour);
    }
    std::string out;
    for (const std::string& part : wrap(cell.text, width)) {
        out += out.empty() ? "" : "\n" + std::string(indent, ' ');
        out += terminal.paint(part, cell.colour);
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, starts_code_point));
}

std::string fit(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) {
        return std::string{text};
    }
    std::size_t end = 0;
    std::size_t points = 0;
    for (; end < text.size(); ++end) {
        if (starts_code_point(text[end]) && ++points == std::max<std::size_t>(width, 1)) {
            break;
        }
    }
    return std::string{text.substr(0, end)} + "…";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (display_width(text) > std::max<std::size_t>(width, 1)) {
        const std::string head = fit(text, width);
        // `head` ends in "…", which stands for at least one octet more.
        const std::size_t whole = head.size() - std::string_view{"…"}.size();
        const bool at_space = whole < text.size() && text[whole] == ' ';
        const std::size_t space = at_space ? whole : text.substr(0, whole).rfind(' ');
        const bool breakable = space != std::string_view::npos && space > 0;
        const std::size_t end = breakable ? space : std::max<std::size_t>(whole, 1);
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + (breakable ? 1 : 0));
    }
    lines.emplace_back(text);
    return lines;
}

}  // namespace siding::cli
