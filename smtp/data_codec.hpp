// The body of DATA between wire and store (RFC 5321 §4.5.2): dots, line ends, the end itself.
//
// Only CRLF ends a line and only CRLF "." CRLF ends the data, wherever the reads are cut. A bare CR
// or LF is made CRLF or gets the message refused; either way reading goes on to the true end. After
// it no bare CR or LF is left in what came out, so nothing can be smuggled past the next hop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace siding::smtp {

enum class BareNewline { normalize, reject };

struct DataLimits {
    BareNewline bare_newline = BareNewline::normalize;
    std::uint64_t octets_max = std::numeric_limits<std::uint64_t>::max();
};

// Octets that have lost (refused bare newline, over the limit) are counted but no longer put out.
class DataDecoder {
public:
    struct Fed {
        std::size_t consumed;  // less than given only when done: the rest is the next command
        bool done;
    };

    explicit DataDecoder(DataLimits limits = {}) : limits_{limits} {}

    // Appends decoded octets to `out`. Not to be called again once done.
    Fed feed(std::string_view in, std::string& out);

    std::uint64_t octets() const { return octets_; }  // of the decoded message
    std::uint64_t bare_newlines() const { return bare_newlines_; }
    bool is_too_large() const { return octets_ > limits_.octets_max; }
    bool is_refused_for_bare_newline() const {
        return bare_newlines_ > 0 && limits_.bare_newline == BareNewline::reject;
    }

private:
    enum class State {
        line_start,  // after CRLF, or before the first octet
        in_line,
        cr,      // a CR that is not put out yet
        dot,     // "." at a line start
        dot_cr,  // ".\r" at a line start
        done,
    };

    std::size_t take_lines(std::string_view in, std::string& out);
    void take_octet(char octet, std::string& out);
    void take_first_of_line(char octet, std::string& out);
    void put(std::string_view octets, std::string& out);
    void put_bare_newline(std::string& out);

    DataLimits limits_;
    State state_ = State::line_start;
    std::uint64_t octets_ = 0;
    std::uint64_t bare_newlines_ = 0;
};

// Stored octets to the wire: a dot in front of each line that starts with one, and at the end the
// terminator, with a CRLF before it if the last line has none.
class DataEncoder {
public:
    void encode(std::string_view in, std::string& out);
    void finish(std::string& out);

private:
    enum class State { line_start, in_line, cr };
    State state_ = State::line_start;
};

}  // namespace siding::smtp
