// mboxrd: octets with CRLF in pieces of any size, lines with LF out, and one more '>' in front of
// each line that starts with any number of '>' and "From ". Undone by dropping one '>' there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siding::cli {

class MboxQuoting {
public:
    // What the next octets become. Some of them may come with a later call.
    std::string update(std::string_view octets);

    // The rest, ended by a newline if there is none, and the empty line between messages.
    std::string finish();

private:
    void put(char c, std::string& out);

    bool after_cr_ = false;
    bool at_start_ = true;     // of a line, but for '>'s that have been written
    std::size_t matched_ = 0;  // octets of "From " held back
    bool line_is_empty_ = true;
};

// The line in front of a message: "From joe@example.com Sat Nov 21 14:07:30 2026\n".
std::string mbox_from_line(std::string_view sender, std::string_view asctime_utc);

}  // namespace siding::cli
