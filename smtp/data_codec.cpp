#include "smtp/data_codec.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstring>

namespace siding::smtp {
namespace {

constexpr std::string_view newline = "\r\n";
// How far one search for a newline looks. Searches for CR and LF run side by side, so without a
// bound a body of bare newlines only would cost its length squared.
constexpr std::size_t search_octets = 1024;

std::size_t find(std::string_view text, char octet) {
    const void* at = std::memchr(text.data(), octet, text.size());
    return at == nullptr ? text.size()
                         : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

}  // namespace

DataDecoder::Fed DataDecoder::feed(std::string_view in, std::string& out) {
    SIDING_CHECK(state_ != State::done, "fed after the end of data");
    std::size_t consumed = 0;
    while (consumed < in.size() && state_ != State::done) {
        if (state_ == State::line_start || state_ == State::in_line) {
            consumed += take_lines(in.substr(consumed), out);
        } else {
            take_octet(in[consumed++], out);
        }
    }
    return {consumed, state_ == State::done};
}

// Copies what needs no change in one piece and stops behind the first octet that does: a dot at a
// line start, a CR that is not surely half of a CRLF, a bare LF.
std::size_t DataDecoder::take_lines(std::string_view in, std::string& out) {
    std::size_t at = 0;
    while (at < in.size()) {
        if (state_ == State::line_start && in[at] == '.') {
            put(in.substr(0, at), out);
            state_ = State::dot;
            return at + 1;
        }
        const std::string_view rest = in.substr(at, search_octets);
        const std::size_t cr = find(rest, '\r');
        const std::size_t lf = find(rest.substr(0, cr), '\n');
        if (lf < cr) {
            put(in.substr(0, at + lf), out);
            put_bare_newline(out);
            state_ = State::in_line;  // not a line start: RFC 5321 §4.5.2 knows only CRLF
            return at + lf + 1;
        }
        at += cr;
        state_ = State::in_line;
        if (cr == rest.size()) {
            continue;
        }
        if (at + 1 == in.size() || in[at + 1] != '\n') {
            put(in.substr(0, at), out);
            state_ = State::cr;
            return at + 1;
        }
        at += newline.size();
        state_ = State::line_start;
    }
    put(in, out);
    return in.size();
}

// The states in which an octet is still held back.
void DataDecoder::take_octet(char octet, std::string& out) {
    switch (state_) {
    case State::cr:
        if (octet == '\n') {
            put(newline, out);
            state_ = State::line_start;
            return;
        }
        put_bare_newline(out);
        take_first_of_line(octet, out);
        return;
    case State::dot:
        if (octet == '\r') {
            state_ = State::dot_cr;
            return;
        }
        // RFC 5321 §4.5.2: the line goes on, so the dot was put there by the sender's encoder.
        take_first_of_line(octet, out);
        return;
    case State::dot_cr:
        if (octet == '\n') {
            state_ = State::done;
            return;
        }
        put_bare_newline(out);
        take_first_of_line(octet, out);
        return;
    case State::line_start:
    case State::in_line:
    case State::done:
        SIDING_UNREACHABLE("no octet is held back in this state");
    }
}

// An octet behind something that is no CRLF; a dot is data here.
void DataDecoder::take_first_of_line(char octet, std::string& out) {
    if (octet == '\r') {
        state_ = State::cr;
        return;
    }
    if (octet == '\n') {
        put_bare_newline(out);
    } else {
        put({&octet, 1}, out);
    }
    state_ = State::in_line;
}

void DataDecoder::put(std::string_view octets, std::string& out) {
    octets_ += octets.size();
    if (!is_too_large() && !is_refused_for_bare_newline()) {
        out.append(octets);
    }
}

void DataDecoder::put_bare_newline(std::string& out) {
    ++bare_newlines_;
    put(newline, out);
}

void DataEncoder::encode(std::string_view in, std::string& out) {
    std::size_t copied = 0;
    for (std::size_t at = 0; at < in.size();) {
        if (state_ == State::line_start && in[at] == '.') {
            out.append(in.substr(copied, at - copied));
            out.push_back('.');
            copied = at;
        }
        const std::size_t lf = at + find(in.substr(at), '\n');
        if (lf == in.size()) {
            state_ = in.back() == '\r' ? State::cr : State::in_line;
            break;
        }
        const bool is_crlf = lf == at ? state_ == State::cr : in[lf - 1] == '\r';
        state_ = is_crlf ? State::line_start : State::in_line;
        at = lf + 1;
    }
    out.append(in.substr(copied));
}

void DataEncoder::finish(std::string& out) {
    if (state_ != State::line_start) {
        out.append(newline);
    }
    out.append(".\r\n");
    state_ = State::line_start;
}

}  // namespace siding::smtp
