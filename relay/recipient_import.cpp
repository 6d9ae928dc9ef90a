#include "relay/recipient_import.hpp"

#include "base/bytes.hpp"
#include "relay/address_key.hpp"
#include "relay/csv_reader.hpp"
#include "relay/map_text.hpp"

#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace siding::relay {
namespace {

enum class LeftSide { ends_at_white_space, ends_at_colon };

// Postfix postmap(1) and aliases(5): comments and blank lines may stand anywhere, also between a
// line and what continues it.
Result<RecipientSet> import_left_sides(std::string_view text, LeftSide left_side) {
    RecipientSet set;
    set.reserve(text);
    KeyReader keys{BareNames::allowed};
    LineProblems problems;
    MapLines lines{text};
    bool has_begun = false;
    while (const auto line = lines.next()) {
        if (is_comment_or_blank(line->text)) {
            continue;
        }
        if (is_continuation(line->text)) {
            if (!has_begun) {
                problems.add(line->number, "white space in front, but no line to go on with");
            }
            continue;
        }
        has_begun = true;
        const bool to_colon = left_side == LeftSide::ends_at_colon;
        std::string_view rest = line->text;
        const std::string_view name = take_word(rest, to_colon ? ":" : "");
        const auto key = keys.read(name);
        if (!key) {
            problems.add(line->number, key.error().context);
        } else if (to_colon && !rest.starts_with(':')) {
            problems.add(line->number, "no ':' behind the name");
        } else {
            set.add(*key);
        }
    }
    SIDING_TRY(problems.check());
    return finish_recipients(std::move(set));
}

std::optional<std::size_t> parse_number(std::string_view text) {
    std::size_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end == text.data() + text.size() && number > 0
               ? std::optional{number}
               : std::nullopt;
}

Result<std::size_t> find_column(const std::vector<std::string>& heading, std::string_view column) {
    for (std::size_t i = 0; i < heading.size(); ++i) {
        if (equals_ignoring_case(trim(heading[i]), trim(column))) {
            return i;
        }
    }
    std::string names;
    for (const std::string& name : heading) {
        names += (names.empty() ? "" : ", ") + escape(trim(name), 40);
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("no column '{}'; the first line names {}", column, escape(names))};
}

}  // namespace

Result<RecipientSet> import_postfix_map(std::string_view text) {
    return import_left_sides(text, LeftSide::ends_at_white_space);
}

Result<RecipientSet> import_aliases(std::string_view text) {
    return import_left_sides(text, LeftSide::ends_at_colon);
}

Result<RecipientSet> import_csv(std::string_view text, std::string_view column) {
    RecipientSet set;
    set.reserve(text);
    KeyReader keys{BareNames::refused};
    LineProblems problems;
    CsvReader rows{text};
    const auto number = parse_number(column);
    std::optional<std::size_t> index;
    if (number) {
        index = *number - 1;
    }
    for (bool is_first = true;; is_first = false) {
        SIDING_ASSIGN(const CsvRow* row, rows.next());
        if (row == nullptr) {
            break;
        }
        if (!index) {
            SIDING_ASSIGN(index, find_column(row->fields, column));
            continue;
        }
        if (*index >= row->fields.size()) {
            problems.add(
                row->line,
                fmt::format("{} fields; the address is in field {}", row->fields.size(), *index + 1)
            );
            continue;
        }
        const std::string_view field = trim(row->fields[*index]);
        const bool is_heading = is_first && field.find('@') == std::string_view::npos;
        if (field.empty() || is_heading) {
            continue;
        }
        if (const auto key = keys.read(field); key) {
            set.add(*key);
        } else {
            problems.add(row->line, key.error().context);
        }
    }
    SIDING_TRY(problems.check());
    return finish_recipients(std::move(set));
}

}  // namespace siding::relay
