// Comma-separated values (RFC 4180) as records of fields, each with its place in the text. Any line
// end is one; a quote inside a field that does not begin with one is itself. Blank lines and lines
// that begin with # are not given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct CsvField {
    std::string text;
    int line = 0;    // from 1
    int column = 0;  // octet of the line, from 1
    bool is_quoted = false;
};

struct CsvRecord {
    std::vector<CsvField> fields;  // never empty
    int line = 0;
    // Of the last field, where the record ends too early. Shows nothing of what it holds.
    std::string mistake;
};

class CsvReader {
public:
    enum class Quoting { rfc_4180, none };

    // `text` outlives the reader. A byte order mark is skipped.
    CsvReader(std::string_view text, char separator, Quoting quoting = Quoting::rfc_4180);

    std::optional<CsvRecord> next();

private:
    bool at_line_end() const;
    void end_line();
    void skip_line();
    void read_field(CsvRecord& record);
    void read_quoted(CsvRecord& record, CsvField& field);

    std::string_view text_;
    char separator_;
    Quoting quoting_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    int line_ = 1;
};

}  // namespace siding::backfill
