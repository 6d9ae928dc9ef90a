#include "backfill/line_ends.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr char nul_stand_in = '\x80';
constexpr std::size_t piece_octets = 64 * 1024;

}  // namespace

Result<void> LineEnds::flush(std::size_t octets_min) {
    if (out_.size() < octets_min) {
        return {};
    }
    auto given = sink_(out_);
    out_.clear();
    return given;
}

void LineEnds::put_octet(char octet) {
    if (!mends_line_ends_) {
        out_ += octet;
    } else if (octet == '\r') {
        ++carriage_returns_;
    } else if (octet == '\n') {
        carriage_returns_ = 0;
        out_ += crlf;
        is_line_open_ = false;
    } else {
        out_ += octet;
        is_line_open_ = true;
    }
}

Result<void> LineEnds::put(std::string_view octets) {
    for (const char octet : octets) {
        for (; carriage_returns_ > 0 && octet != '\r' && octet != '\n'; --carriage_returns_) {
            out_ += crlf;
            SIDING_TRY(flush(piece_octets));
        }
        put_octet(octet == '\0' && mends_nul_ ? nul_stand_in : octet);
        SIDING_TRY(flush(piece_octets));
    }
    return {};
}

Result<void> LineEnds::finish() {
    for (; carriage_returns_ > 0; --carriage_returns_) {
        out_ += crlf;
        is_line_open_ = false;
        SIDING_TRY(flush(piece_octets));
    }
    if (mends_line_ends_ && is_line_open_) {
        out_ += crlf;
    }
    return flush(1);
}

}  // namespace siding::backfill
