#include "net/read_buffer.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstring>

namespace siding::net {

ReadBuffer::ReadBuffer(std::size_t capacity, std::size_t line_octets_max)
    : capacity_{capacity}, line_octets_max_{line_octets_max} {
    SIDING_CHECK(0 < line_octets_max && line_octets_max <= capacity, "a line fits in its buffer");
}

std::span<char> ReadBuffer::room() {
    if (!storage_) {
        storage_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    // Moving what is left is cheap when it is little, and needed when there is no room behind it.
    if (begin_ > 0 && (end_ - begin_ <= begin_ || end_ == capacity_)) {
        std::memmove(storage_.get(), storage_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        scanned_ -= begin_;
        begin_ = 0;
    }
    return {storage_.get() + end_, capacity_ - end_};
}

void ReadBuffer::commit(std::size_t octets) {
    SIDING_CHECK(octets <= capacity_ - end_, "more octets than room");
    end_ += octets;
}

std::optional<ReadBuffer::Line> ReadBuffer::next_line() {
    if (scanned_ == end_) {
        return std::nullopt;
    }
    char* const base = storage_.get();
    const auto* feed =
        static_cast<const char*>(std::memchr(base + scanned_, '\n', end_ - scanned_));
    if (feed == nullptr) {
        scanned_ = end_;
        discarding_ = discarding_ || end_ - begin_ >= line_octets_max_;
        if (discarding_) {
            discard_all();
        }
        return std::nullopt;
    }
    std::string_view text{base + begin_, static_cast<std::size_t>(feed - base) - begin_};
    consume(text.size() + 1);
    if (discarding_ || text.size() + 1 > line_octets_max_) {
        discarding_ = false;
        discarded_ += text.size() + 1;
        return Line{.text = {}, .crlf = text.ends_with('\r'), .too_long = true};
    }
    const bool crlf = text.ends_with('\r');
    text.remove_suffix(crlf ? 1 : 0);
    return Line{.text = text, .crlf = crlf, .too_long = false};
}

void ReadBuffer::consume(std::size_t octets) {
    SIDING_CHECK(octets <= end_ - begin_, "more octets than there are");
    begin_ += octets;
    scanned_ = std::max(scanned_, begin_);
}

void ReadBuffer::release() {
    if (empty()) {
        storage_.reset();
        begin_ = end_ = scanned_ = 0;
    }
}

void ReadBuffer::discard_all() {
    discarded_ += end_ - begin_;
    consume(end_ - begin_);
}

}  // namespace siding::net
