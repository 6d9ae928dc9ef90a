// Received octets, bounded: as lines for a command dialogue or as plain octets for bodies. Pure.
//
// A line ends at LF, and says whether a CR stood before it: SMTP accepts only CRLF (RFC 5321
// §2.3.8), and the dialogue must see the difference. Views are valid until the next room() or
// release(). Memory is taken at the first room(), and given back by release().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace siding::net {

class ReadBuffer {
public:
    struct Line {
        std::string_view text;  // without its ending; empty where too long
        bool crlf = false;      // false: a bare LF ended it
        bool too_long = false;  // its octets were thrown away
    };

    // `line_octets_max` counts the line's ending and is at most the capacity.
    ReadBuffer(std::size_t capacity, std::size_t line_octets_max);

    // Where to receive to. Empty only when the buffer is full of octets that nobody consumed.
    std::span<char> room();
    void commit(std::size_t octets);

    // The next complete line. A line beyond the limit is dropped as it arrives, and reported once
    // at its end.
    std::optional<Line> next_line();

    // All octets that are here, as they came.
    std::string_view data() const { return {storage_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t octets);

    bool empty() const { return begin_ == end_; }

    std::size_t capacity() const { return capacity_; }

    // Gives the memory back if nothing is in it.
    void release();

    // Octets of over-long lines dropped so far, over the buffer's life.
    std::size_t discarded_octets() const { return discarded_; }

private:
    void discard_all();

    std::unique_ptr<char[]> storage_;  // nothing until somebody wants room
    std::size_t capacity_;
    std::size_t line_octets_max_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t scanned_ = 0;  // no LF before this offset
    std::size_t discarded_ = 0;
    bool discarding_ = false;
};

}  // namespace siding::net
