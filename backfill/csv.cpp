#include "backfill/csv.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::string_view text, char separator, Quoting quoting)
    : text_{text}, separator_{separator}, quoting_{quoting} {
    if (text_.starts_with(byte_order_mark)) {
        at_ = byte_order_mark.size();
        line_start_ = at_;
    }
}

std::optional<CsvRecord> CsvReader::next() {
    while (at_ < text_.size()) {
        const std::size_t end = std::min(text_.find_first_of("\r\n", at_), text_.size());
        const std::string_view line = text_.substr(at_, end - at_);
        if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) {
            skip_line();
            continue;
        }
        CsvRecord record;
        record.line = line_;
        while (true) {
            read_field(record);
            if (!record.mistake.empty()) {
                skip_line();
                return record;
            }
            if (at_line_end()) {
                end_line();
                return record;
            }
            ++at_;  // the separator
        }
    }
    return std::nullopt;
}

bool CsvReader::at_line_end() const {
    return at_ >= text_.size() || text_[at_] == '\r' || text_[at_] == '\n';
}

void CsvReader::end_line() {
    if (at_ < text_.size() && text_[at_] == '\r') {
        ++at_;
        if (at_ < text_.size() && text_[at_] == '\n') {
            ++at_;
        }
    } else if (at_ < text_.size()) {
        ++at_;
    }
    ++line_;
    line_start_ = at_;
}

void CsvReader::skip_line() {
    at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    end_line();
}

void CsvReader::read_field(CsvRecord& record) {
    CsvField& field = record.fields.emplace_back();
    field.line = line_;
    field.column = static_cast<int>(at_ - line_start_) + 1;
    if (quoting_ == Quoting::rfc_4180 && at_ < text_.size() && text_[at_] == '"') {
        read_quoted(record, field);
        return;
    }
    while (!at_line_end() && text_[at_] != separator_) {
        field.text.push_back(text_[at_++]);
    }
}

// RFC 4180 §2.5 to 7; line ends in a field are kept.
void CsvReader::read_quoted(CsvRecord& record, CsvField& field) {
    field.is_quoted = true;
    const std::size_t start = at_++;
    const std::size_t start_line = line_start_;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
            field.text.push_back('"');
            at_ += 2;
        } else if (c == '"') {
            ++at_;
            if (!at_line_end() && text_[at_] != separator_) {
                record.mistake =
                    "goes on after its closing quote; a quote inside a field is written twice";
            }
            return;
        } else if (c == '\r' || c == '\n') {
            const std::size_t from = at_;
            end_line();
            field.text.append(text_.substr(from, at_ - from));
        } else {
            field.text.push_back(c);
            ++at_;
        }
    }
    // What the quote has swallowed is read again from the next line on.
    record.mistake = "has a quote that is not closed";
    at_ = start;
    line_ = field.line;
    line_start_ = start_line;
}

}  // namespace siding::backfill
