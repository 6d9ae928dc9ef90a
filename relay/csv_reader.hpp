// RFC 4180 rows: quoted fields may hold separators, line ends and doubled quotes. LF and CRLF both
// end a row; blank lines are none.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

struct CsvRow {
    std::size_t line = 0;  // of its first octet, from 1
    std::vector<std::string> fields;
};

class CsvReader {
public:
    explicit CsvReader(std::string_view file);

    // The next row, valid until the call after; null at the end. Errc::invalid_argument for a quote
    // that does not close, or where it must not stand: the rows behind it cannot be told apart.
    Result<const CsvRow*> next();

private:
    Result<void> read_field(std::string& field);
    Result<void> read_quoted(std::string& field);
    bool take_line_end();

    std::string_view rest_;
    char separator_;
    std::size_t line_ = 1;
    CsvRow row_;  // kept from row to row, with its memory
};

}  // namespace siding::relay
