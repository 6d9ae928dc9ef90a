// The data codec again, as plain as RFC 5321 §4.5.2 reads: whole strings, one line at a time. What
// the fast one is compared with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::test {

struct ReferenceDecoded {
    std::string body;
    std::size_t consumed;
    std::uint64_t bare_newlines;
};

// Nothing if the end of data is not in `wire`.
inline std::optional<ReferenceDecoded> reference_decode(std::string_view wire) {
    ReferenceDecoded result{{}, 0, 0};
    for (;;) {
        const auto end = wire.find("\r\n", result.consumed);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        std::string_view line = wire.substr(result.consumed, end - result.consumed);
        result.consumed = end + 2;
        if (line == ".") {
            return result;
        }
        line.remove_prefix(line.starts_with('.') ? 1 : 0);
        for (const char c : line) {
            const bool is_bare = c == '\r' || c == '\n';
            result.body += is_bare ? std::string{"\r\n"} : std::string{c};
            result.bare_newlines += is_bare ? 1 : 0;
        }
        result.body += "\r\n";
    }
}

// RFC 3030 §2: the octets of all chunks of a message, one after the other.
inline ReferenceDecoded reference_chunks(std::string_view wire) {
    ReferenceDecoded result{{}, wire.size(), 0};
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (wire.substr(i, 2) == "\r\n") {
            result.body += "\r\n";
            ++i;
        } else if (wire[i] == '\r' || wire[i] == '\n') {
            result.body += "\r\n";
            ++result.bare_newlines;
        } else {
            result.body += wire[i];
        }
    }
    return result;
}

inline std::string reference_encode(std::string_view body) {
    std::string wire;
    while (!body.empty()) {
        const auto end = body.find("\r\n");
        const auto line = body.substr(0, end);
        wire += (line.starts_with('.') ? "." : "") + std::string{line} + "\r\n";
        body.remove_prefix(end == std::string_view::npos ? body.size() : end + 2);
    }
    return wire + ".\r\n";
}

}  // namespace siding::test
