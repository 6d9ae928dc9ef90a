#include "net/deflate.hpp"

#include "base/check.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace siding::net {
namespace {

constexpr int raw_window_bits = -15;  // RFC 4978 §4: raw deflate, 32 KiB
constexpr int memory_level = 8;
constexpr std::size_t piece_octets = 64 * 1024;
constexpr std::size_t input_octets_max = std::numeric_limits<uInt>::max();

// zlib never writes to its input.
Bytef* input_of(std::string_view octets) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
}

}  // namespace

struct Deflater::Body {
    Body() {
        const int made = ::deflateInit2(
            &stream,
            Z_DEFAULT_COMPRESSION,
            Z_DEFLATED,
            raw_window_bits,
            memory_level,
            Z_DEFAULT_STRATEGY
        );
        SIDING_CHECK(made == Z_OK, "deflate cannot begin");
    }
    ~Body() { ::deflateEnd(&stream); }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    z_stream stream{};
};

Deflater::Deflater() : body_{std::make_unique<Body>()} {}
Deflater::~Deflater() = default;

void Deflater::add(std::string_view octets, std::string& out) {
    SIDING_CHECK(octets.size() <= input_octets_max, "too many octets at once");
    z_stream& stream = body_->stream;
    stream.next_in = input_of(octets);
    stream.avail_in = static_cast<uInt>(octets.size());
    do {
        const std::size_t before = out.size();
        out.resize(before + piece_octets);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream.avail_out = static_cast<uInt>(piece_octets);
        const int done = ::deflate(&stream, Z_SYNC_FLUSH);
        SIDING_CHECK(done == Z_OK || done == Z_BUF_ERROR, "deflate fails");
        out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
}

struct Inflater::Body {
    Body() {
        const int made = ::inflateInit2(&stream, raw_window_bits);
        SIDING_CHECK(made == Z_OK, "inflate cannot begin");
    }
    ~Body() { ::inflateEnd(&stream); }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    z_stream stream{};
};

Inflater::Inflater() : body_{std::make_unique<Body>()} {}
Inflater::~Inflater() = default;

Result<std::size_t> Inflater::take(std::string_view& octets, std::span<char> room) {
    const std::string_view input = octets.substr(0, input_octets_max);
    const std::size_t room_octets = std::min(room.size(), input_octets_max);
    z_stream& stream = body_->stream;
    stream.next_in = input_of(input);
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room_octets);
    const int done = ::inflate(&stream, Z_SYNC_FLUSH);
    octets.remove_prefix(input.size() - stream.avail_in);
    const std::size_t made = room_octets - stream.avail_out;
    if (done != Z_OK && done != Z_BUF_ERROR && (done != Z_STREAM_END || made == 0)) {
        return Error{
            Errc::invalid_argument,
            done == Z_STREAM_END ? "the compressed octets end" : "the octets are no deflate"};
    }
    return made;
}

}  // namespace siding::net
