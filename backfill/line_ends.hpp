// Octets with line ends, or NUL, as every mail server takes them; pieces in, pieces out. Pure.
// What counts as a line end is what MessageDigester takes for one: the canonical digest stays.
#pragma once

#include "backfill/octets.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace siding::backfill {

class LineEnds {
public:
    LineEnds(bool mends_line_ends, bool mends_nul, OctetSink sink)
        : mends_line_ends_{mends_line_ends}, mends_nul_{mends_nul}, sink_{std::move(sink)} {}

    Result<void> put(std::string_view octets);
    Result<void> finish();

private:
    void put_octet(char octet);
    Result<void> flush(std::size_t octets_min);

    bool mends_line_ends_;
    bool mends_nul_;
    OctetSink sink_;
    std::string out_;
    std::uint64_t carriage_returns_ = 0;  // not known yet what they are
    bool is_line_open_ = true;            // of nothing at all an empty line is made
};

}  // namespace siding::backfill
