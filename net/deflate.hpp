// Raw deflate (RFC 1951) for a connection: octets of one direction, in pieces as they come. Both
// ends keep their window over the whole connection; memory is zlib's window, some 256 KiB and
// 40 KiB, whatever comes.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace siding::net {

class Deflater {
public:
    Deflater();
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    // Appends them to `out`, whole: the other end can make all of them of what it has then
    // (Z_SYNC_FLUSH).
    void add(std::string_view octets, std::string& out);

private:
    struct Body;
    std::unique_ptr<Body> body_;
};

class Inflater {
public:
    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    // As many octets as there is room for, at most; consumes from the front of `octets`. 0: more
    // must come. With no octets: what has not gone into the last room. Errc::invalid_argument: it
    // is no deflate, or it has ended.
    Result<std::size_t> take(std::string_view& octets, std::span<char> room);

private:
    struct Body;
    std::unique_ptr<Body> body_;
};

}  // namespace siding::net
