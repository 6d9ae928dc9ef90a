#include "smtp/chunk_codec.hpp"

#include <algorithm>
#include <utility>

namespace siding::smtp {
namespace {

constexpr std::string_view newline = "\r\n";
// How far one search for a newline looks; see data_codec.cpp.
constexpr std::size_t search_octets = 1024;

}  // namespace

void ChunkDecoder::feed(std::string_view in, std::string& out) {
    if (in.empty()) {
        return;
    }
    if (content_ == Content::binary) {
        put(in, out);
        return;
    }
    if (std::exchange(is_after_cr_, false)) {
        if (in[0] == '\n') {
            put(newline, out);
            in.remove_prefix(1);
        } else {
            put_bare_newline(out);
        }
    }
    while (!in.empty()) {
        in.remove_prefix(take_lines(in, out));
    }
}

// Copies what needs no change in one piece and stops behind the first octet that does: a CR that is
// not surely half of a CRLF, a bare LF.
std::size_t ChunkDecoder::take_lines(std::string_view in, std::string& out) {
    std::size_t at = 0;
    while (at < in.size()) {
        const std::string_view rest = in.substr(at, search_octets);
        const std::size_t cr = std::min(rest.find('\r'), rest.size());
        const std::size_t lf = std::min(rest.substr(0, cr).find('\n'), cr);
        at += lf;
        if (lf == rest.size()) {
            continue;
        }
        if (lf == cr && at + 1 < in.size() && in[at + 1] == '\n') {
            at += newline.size();
            continue;
        }
        put(in.substr(0, at), out);
        is_after_cr_ = lf == cr && at + 1 == in.size();
        if (!is_after_cr_) {
            put_bare_newline(out);
        }
        return at + 1;
    }
    put(in, out);
    return in.size();
}

void ChunkDecoder::finish(std::string& out) {
    if (std::exchange(is_after_cr_, false)) {
        put_bare_newline(out);
    }
}

void ChunkDecoder::put(std::string_view octets, std::string& out) {
    octets_ += octets.size();
    if (!is_too_large() && !is_refused_for_bare_newline()) {
        out.append(octets);
    }
}

void ChunkDecoder::put_bare_newline(std::string& out) {
    ++bare_newlines_;
    put(newline, out);
}

}  // namespace siding::smtp
