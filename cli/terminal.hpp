// Where output goes and what it may look like there: streams, width, colours, and whether anybody
// sits in front of it. A value, so that tests print into strings.
#pragma once

#include <cstddef>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

namespace siding::cli {

enum class Colour { none, bold, dim, red, green, yellow };

struct Terminal {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    std::size_t width = 0;     // columns of `out`; 0: unlimited
    bool colours = false;      // of `out`
    bool watched = false;      // `out` is a terminal: progress may be redrawn
    bool can_ask = false;      // `in` and `err` are terminals
    bool err_watched = false;  // `err` is a terminal
    std::size_t height = 0;    // lines of `out`; 0: not known

    std::string paint(std::string_view text, Colour colour) const;
};

// Standard streams; honours NO_COLOR, TERM=dumb and COLUMNS.
Terminal standard_terminal();

}  // namespace siding::cli
