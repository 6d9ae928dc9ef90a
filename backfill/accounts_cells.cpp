#include "backfill/accounts_cells.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::array secret_fields{
    Field::secret, Field::secret_file, Field::secret_env, Field::secret_credential};
constexpr std::array user_fields{Field::admin, Field::authzid, Field::proxyauth};

template <std::size_t Size>
bool is_in(const std::array<Field, Size>& fields, Field field) {
    return std::ranges::find(fields, field) != fields.end();
}

template <std::size_t Size>
bool has_one_of(const Cells& cells, Side side, const std::array<Field, Size>& fields) {
    return std::ranges::any_of(fields, [&](Field field) { return cells.contains({side, field}); });
}

}  // namespace

void add_defaults(Cells& cells, const Cells& defaults) {
    const Cells own = cells;
    for (const auto& [column, cell] : defaults) {
        const bool taken =
            (is_in(secret_fields, column.field) && has_one_of(own, column.side, secret_fields)) ||
            (is_in(user_fields, column.field) && has_one_of(own, column.side, user_fields));
        const bool is_name = column.field == Field::name || column.field == Field::email;
        if (!taken && !is_name) {
            cells.try_emplace(column, cell);
        }
    }
}

const CsvField* RowCells::find(Column column) const {
    const auto found = cells_.find(column);
    return found == cells_.end() ? nullptr : &found->second;
}

std::string RowCells::text(Column column) const {
    const CsvField* cell = find(column);
    return cell == nullptr ? std::string{} : cell->text;
}

std::optional<std::string> RowCells::path(Column column) {
    const CsvField* cell = find(column);
    if (cell == nullptr) {
        return std::nullopt;
    }
    const auto path = (std::filesystem::path{directory_} / cell->text).lexically_normal();
    if (!path.is_absolute()) {
        refuse(column, "is no absolute path");
        return std::nullopt;
    }
    return path.string();
}

AccountsProblem RowCells::at(Column column, std::string_view what) const {
    const CsvField* cell = find(column);
    return {
        cell == nullptr ? line_ : cell->line,
        cell == nullptr ? 0 : cell->column,
        fmt::format("{} {}", format_column(column), what)};
}

void RowCells::refuse(Column column, std::string_view what) {
    problems.push_back(at(column, what));
}

void RowCells::warn(Column column, std::string_view what) {
    warnings.push_back(at(column, what));
}

std::vector<std::string> split_bars(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto bar = std::min(text.find('|'), text.size());
        if (bar > 0) {
            parts.emplace_back(text.substr(0, bar));
        }
        text.remove_prefix(std::min(bar + 1, text.size()));
    }
    return parts;
}

}  // namespace siding::backfill
