#include "backfill/accounts_file.hpp"

#include "backfill/accounts_row.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sys/stat.h>

namespace siding::backfill {
namespace {

constexpr std::string_view usual_row = "*";

// Of the lines that imapsync users have, in their order.
constexpr std::array imapsync_columns{
    Column{Side::source, Field::host},
    Column{Side::source, Field::user},
    Column{Side::source, Field::secret},
    Column{Side::destination, Field::host},
    Column{Side::destination, Field::user},
    Column{Side::destination, Field::secret},
};

// Fields whose blanks at the ends are the writer's, not the value's.
std::string trimmed(std::string text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string::npos) {
        return "";
    }
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

Error no_accounts_file(const std::string& what) {
    return {Errc::invalid_argument, "this is no accounts file: " + what};
}

// What the whole file is.
struct Layout {
    char separator = ',';
    bool has_header = true;
    std::vector<std::optional<Column>> columns;  // nothing: is not read
};

class Reader {
public:
    Reader(const config::Backfill& defaults, const std::string& directory)
        : defaults_{defaults}, directory_{directory} {}

    Result<Accounts> read(std::string_view text);

private:
    Result<Layout> find_layout(std::string_view text);
    Result<Layout> read_header(const CsvRecord& header, char separator);
    void read_record(const Layout& layout, const CsvRecord& record);
    std::optional<Cells> cells_of(const Layout& layout, const CsvRecord& record);
    void read_row(int line, Cells cells);
    void add(Account account);
    void add_problem(AccountsProblem problem);

    const config::Backfill& defaults_;
    const std::string& directory_;
    Accounts accounts_;
    Cells usual_;
    std::map<std::string, int> lines_;  // of the names, in lower case
    std::set<std::pair<int, int>> told_;
};

std::size_t known_columns(const CsvRecord& record) {
    return static_cast<std::size_t>(std::ranges::count_if(record.fields, [](const CsvField& field) {
        return column_of(field.text).has_value();
    }));
}

Result<Layout> Reader::find_layout(std::string_view text) {
    constexpr std::array separators{',', ';', '\t'};
    std::optional<CsvRecord> best;
    char best_separator = ',';
    for (const char separator : separators) {
        auto record = CsvReader{text, separator}.next();
        if (!record) {
            return no_accounts_file("nothing is in it");
        }
        if (!best || known_columns(*record) > known_columns(*best)) {
            best = std::move(record);
            best_separator = separator;
        }
    }
    if (known_columns(*best) > 1) {
        return read_header(*best, best_separator);
    }
    const auto line = CsvReader{text, ';', CsvReader::Quoting::none}.next();
    if (line->fields.size() >= imapsync_columns.size()) {
        return Layout{
            ';',
            false,
            std::vector<std::optional<Column>>(imapsync_columns.begin(), imapsync_columns.end())};
    }
    return no_accounts_file(fmt::format(
        "line {} names no columns that are known, such as "
        "name,source_host,source_user,source_secret_file,destination_host,…, and is no "
        "host1;user1;password1;host2;user2;password2;",
        line->line
    ));
}

Result<Layout> Reader::read_header(const CsvRecord& header, char separator) {
    if (!header.mistake.empty()) {
        const CsvField& last = header.fields.back();
        return no_accounts_file(
            fmt::format("line {}, column {}: {}", last.line, last.column, header.mistake)
        );
    }
    Layout layout;
    layout.separator = separator;
    std::set<Column> seen;
    for (const CsvField& field : header.fields) {
        const auto column = column_of(field.text);
        layout.columns.push_back(column);
        const auto place = fmt::format("line {}, column {}: ", field.line, field.column);
        if (column && !seen.insert(*column).second) {
            return no_accounts_file(place + format_column(*column) + " is there a second time");
        }
        if (column || trimmed(field.text).empty()) {
            continue;
        }
        const auto near = column_near(field.text);
        const std::string hint = near ? fmt::format("; did you mean {}?", *near) : "";
        if (names_a_side(field.text)) {
            return no_accounts_file(place + "no such column" + hint);
        }
        accounts_.warnings.push_back(
            {field.line, field.column, "what stands in this column is not read" + hint}
        );
    }
    if (!seen.contains({Side::account, Field::name}) &&
        !seen.contains({Side::account, Field::email}) &&
        !seen.contains({Side::source, Field::user})) {
        return no_accounts_file("there is no column name and none source_user");
    }
    return layout;
}

std::optional<Cells> Reader::cells_of(const Layout& layout, const CsvRecord& record) {
    const std::size_t known = layout.columns.size();
    const std::size_t given = record.fields.size();
    // imapsync's lines end in a separator, and programs that write CSV may do so, too.
    const bool more = std::any_of(
        record.fields.begin() + static_cast<std::ptrdiff_t>(std::min(known, given)),
        record.fields.end(),
        [](const CsvField& field) { return !trimmed(field.text).empty(); }
    );
    if (more && !layout.has_header) {
        const CsvField& first = record.fields.at(known);
        accounts_.warnings.push_back(
            {first.line, first.column, "what follows the sixth field is not read"}
        );
    } else if (more || given < known) {
        add_problem(
            {record.line,
             0,
             fmt::format(
                 "has {} fields where {} are expected; a field with '{}' in it needs quotes",
                 given,
                 known,
                 layout.separator == '\t' ? "a tab" : std::string{layout.separator}
             )}
        );
        return std::nullopt;
    }
    Cells cells;
    for (std::size_t i = 0; i < known; ++i) {
        const auto column = layout.columns[i];
        CsvField field = record.fields[i];
        if (column && column->field != Field::secret) {
            field.text = trimmed(std::move(field.text));
        }
        if (column && !field.text.empty()) {
            cells.emplace(*column, std::move(field));
        }
    }
    return cells;
}

void Reader::read_record(const Layout& layout, const CsvRecord& record) {
    if (!record.mistake.empty()) {
        const CsvField& last = record.fields.back();
        add_problem({last.line, last.column, "this field " + record.mistake});
        return;
    }
    auto cells = cells_of(layout, record);
    if (!cells || cells->empty()) {
        return;
    }
    for (const Field field : {Field::name, Field::email}) {
        const auto found = cells->find({Side::account, field});
        if (found != cells->end() && found->second.text == usual_row) {
            usual_ = std::move(*cells);
            return;
        }
    }
    read_row(record.line, std::move(*cells));
}

void Reader::read_row(int line, Cells cells) {
    add_defaults(cells, usual_);
    RowCells row{line, cells, directory_};
    auto account = read_account(row, defaults_);
    for (AccountsProblem& problem : row.problems) {
        add_problem(std::move(problem));
    }
    for (AccountsProblem& warning : row.warnings) {
        // A cell of the row * is told once.
        if (warning.line == line || told_.emplace(warning.line, warning.column).second) {
            accounts_.warnings.push_back(std::move(warning));
        }
    }
    if (account) {
        add(std::move(*account));
    }
}

void Reader::add(Account account) {
    const auto [known, is_new] = lines_.emplace(to_lower(account.name), account.line);
    if (!is_new) {
        add_problem(
            {account.line,
             0,
             fmt::format(
                 "has the name of the account in line {}; a column name can tell them apart",
                 known->second
             )}
        );
        return;
    }
    accounts_.list.push_back(std::move(account));
}

void Reader::add_problem(AccountsProblem problem) {
    if (std::ranges::find(accounts_.problems, problem) == accounts_.problems.end()) {
        accounts_.problems.push_back(std::move(problem));
    }
}

Result<Accounts> Reader::read(std::string_view text) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
        return no_accounts_file("it is UTF-16; save it as UTF-8");
    }
    SIDING_ASSIGN(const Layout layout, find_layout(text));
    using Quoting = CsvReader::Quoting;
    CsvReader reader{text, layout.separator, layout.has_header ? Quoting::rfc_4180 : Quoting::none};
    if (layout.has_header) {
        reader.next();
    }
    while (const auto record = reader.next()) {
        if (accounts_.problems.size() >= limits::accounts_problems_max) {
            add_problem({record->line, 0, "there are too many mistakes; the rest is not read"});
            break;
        }
        if (accounts_.list.size() >= limits::accounts_max) {
            add_problem(
                {record->line,
                 0,
                 fmt::format(
                     "is beyond the {} accounts that one file may have", limits::accounts_max
                 )}
            );
            break;
        }
        read_record(layout, *record);
    }
    return std::move(accounts_);
}

bool has_secrets(const Accounts& accounts) {
    return std::ranges::any_of(accounts.list, [](const Account& account) {
        return account.source.secret.kind == Secret::Kind::text ||
               account.destination.secret.kind == Secret::Kind::text;
    });
}

}  // namespace

std::string AccountsProblem::text() const {
    if (line == 0) {
        return what;
    }
    return column == 0 ? fmt::format("{}: {}", line, what)
                       : fmt::format("{}:{}: {}", line, column, what);
}

Result<Accounts> parse_accounts(
    std::string_view text, const config::Backfill& defaults, const std::string& directory
) {
    return Reader{defaults, directory}.read(text);
}

Result<Accounts> load_accounts(const config::Backfill& defaults) {
    if (!defaults.accounts) {
        return Error{
            Errc::not_found, "no accounts: backfill.accounts is missing in the configuration"};
    }
    const std::string& path = *defaults.accounts;
    std::ifstream in{path, std::ios::binary};
    if (!in) {
        const int failure = errno;
        return Error{
            failure == ENOENT ? Errc::not_found : Errc::unavailable,
            fmt::format("{} cannot be read: {}", escape(path), std::strerror(failure))};
    }
    std::string text;
    std::array<char, 64 * 1024> part{};
    while (in.read(part.data(), part.size()), in.gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > limits::accounts_file_octets_max) {
            return Error{Errc::limit_exceeded, escape(path) + " is larger than 16MiB"};
        }
    }
    if (in.bad()) {
        return Error{Errc::unavailable, escape(path) + " cannot be read"};
    }
    const std::string directory = std::filesystem::path{path}.parent_path().string();
    auto accounts = parse_accounts(text, defaults, directory);
    if (!accounts) {
        return with_context(std::move(accounts).error(), escape(path));
    }
    struct stat facts {};
    const bool known = stat(path.c_str(), &facts) == 0;
    if (known && (facts.st_mode & S_IROTH) != 0 && has_secrets(*accounts)) {
        accounts->warnings.push_back(
            {0,
             0,
             fmt::format(
                 "{} has passwords in it and anybody can read it: chmod 640 or 600", escape(path)
             )}
        );
    }
    return accounts;
}

const Account* find_account(const Accounts& accounts, std::string_view name) {
    const auto found = std::ranges::find_if(accounts.list, [&](const Account& account) {
        return equals_ignoring_case(account.name, name);
    });
    return found == accounts.list.end() ? nullptr : &*found;
}

}  // namespace siding::backfill
