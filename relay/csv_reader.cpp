#include "relay/csv_reader.hpp"

#include "relay/map_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::relay {
namespace {

char separator_of(std::string_view file) {
    const std::string_view heading = file.substr(0, file.find('\n'));
    for (const char c : {',', ';', '\t'}) {
        if (heading.find(c) != std::string_view::npos) {
            return c;
        }
    }
    return ',';
}

Error bad_quote(std::size_t line, std::string_view what) {
    return {Errc::invalid_argument, fmt::format("line {}: {}", line, what)};
}

}  // namespace

CsvReader::CsvReader(std::string_view file)
    : rest_{without_byte_order_mark(file)}, separator_{separator_of(rest_)} {}

Result<const CsvRow*> CsvReader::next() {
    while (take_line_end()) {
    }
    if (rest_.empty()) {
        return nullptr;
    }
    row_.line = line_;
    std::size_t fields = 0;
    for (bool goes_on = true; goes_on;) {
        if (fields == row_.fields.size()) {
            row_.fields.emplace_back();
        }
        SIDING_TRY(read_field(row_.fields[fields++]));
        goes_on = rest_.starts_with(separator_);
        rest_.remove_prefix(goes_on ? 1 : 0);
    }
    row_.fields.resize(fields);
    if (!rest_.empty() && !take_line_end()) {
        return bad_quote(line_, "text behind a closing quote");
    }
    return &row_;
}

// RFC 4180 §2 rules 5 to 7.
Result<void> CsvReader::read_field(std::string& field) {
    field.clear();
    if (rest_.starts_with('"')) {
        return read_quoted(field);
    }
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != separator_ && rest_[end] != '\n') {
        ++end;
    }
    std::string_view text = rest_.substr(0, end);
    const bool at_line_end = end == rest_.size() || rest_[end] == '\n';
    if (at_line_end && text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    if (text.find('"') != std::string_view::npos) {
        return bad_quote(line_, "a quote inside a field that is not quoted");
    }
    field = text;
    rest_.remove_prefix(end);
    return {};
}

Result<void> CsvReader::read_quoted(std::string& field) {
    const std::size_t opened_at = line_;
    for (rest_.remove_prefix(1);;) {
        const std::size_t quote = rest_.find('"');
        if (quote == std::string_view::npos) {
            return bad_quote(opened_at, "a quote that does not close");
        }
        const std::string_view text = rest_.substr(0, quote);
        field += text;
        line_ += static_cast<std::size_t>(std::ranges::count(text, '\n'));
        rest_.remove_prefix(quote + 1);
        if (!rest_.starts_with('"')) {
            return {};
        }
        field += '"';
        rest_.remove_prefix(1);
    }
}

bool CsvReader::take_line_end() {
    const std::size_t octets = rest_.starts_with("\r\n") ? 2 : rest_.starts_with('\n') ? 1 : 0;
    rest_.remove_prefix(octets);
    line_ += octets > 0 ? 1 : 0;
    return octets > 0;
}

}  // namespace siding::relay
