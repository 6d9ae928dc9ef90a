// The cells of one row of an accounts file. Whatever is wrong is told with the place of its cell
// and never with what stands there: it could be a secret that got into the wrong column.
#pragma once

#include "backfill/accounts_columns.hpp"
#include "backfill/accounts_file.hpp"
#include "backfill/csv.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// Those that are not empty.
using Cells = std::map<Column, CsvField>;

// Puts the cells of the row named * where the row has none. One way to give a secret, or to say who
// logs in, takes the place of another.
void add_defaults(Cells& cells, const Cells& defaults);

class RowCells {
public:
    // `cells` and `directory`, where relative paths start, outlive the object.
    RowCells(int line, const Cells& cells, const std::string& directory)
        : line_{line}, cells_{cells}, directory_{directory} {}

    int line() const { return line_; }
    const Cells& all() const { return cells_; }

    const CsvField* find(Column column) const;       // nullptr: empty
    std::string text(Column column) const;           // likewise ""
    std::optional<std::string> path(Column column);  // absolute

    // At the cell, or where there is none at the row.
    void refuse(Column column, std::string_view what);
    void warn(Column column, std::string_view what);

    std::vector<AccountsProblem> problems;
    std::vector<AccountsProblem> warnings;

private:
    AccountsProblem at(Column column, std::string_view what) const;

    int line_;
    const Cells& cells_;
    const std::string& directory_;
};

// "a|b" to its parts, without empty ones.
std::vector<std::string> split_bars(std::string_view text);

}  // namespace siding::backfill
