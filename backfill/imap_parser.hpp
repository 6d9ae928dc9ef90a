// Octets of a server to responses, however they are cut. Bodies of messages are not kept: the
// caller gets them piece by piece. The server is untrusted: lines, literals and nesting have
// bounds, and what breaks the syntax in a known way (RFC 9051 §4 and §7; trailing spaces, missing
// text, odd atoms) is understood. A line that is no response at all is skipped and counted; a FETCH
// that gave a body is always given as a response too, however it ends.
#pragma once

#include "backfill/imap_response.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace siding::backfill {

class ImapParser {
public:
    enum class Event {
        need_octets,  // all that was given is consumed
        response,     // response() is whole
        body_begin,   // a body of a FETCH begins: body_name(), body_octets()
        body_piece,   // piece() are its next octets; valid until the next call, never empty
        body_end,     // the rest of the FETCH response is still to come
    };

    ImapParser();
    ~ImapParser();
    ImapParser(ImapParser&&) noexcept;
    ImapParser& operator=(ImapParser&&) noexcept;

    // Consumes from the front of `octets`; call it until need_octets. Only literals that answer
    // BODY[…], BODY.PEEK[…], BINARY[…], RFC822, RFC822.HEADER or RFC822.TEXT inside "* n FETCH" are
    // bodies; an empty one, and one that comes as a quoted string, is an ordinary value.
    // Errors, after which nothing more can be read: Errc::limit_exceeded (bounds of
    // backfill/limits.hpp), Errc::corrupt (a literal's size that is none, and the like).
    Result<Event> next(std::string_view& octets);

    const ImapResponse& response() const;
    ImapResponse take_response();
    std::string_view body_name() const;  // upper case, "BODY[]"
    std::uint64_t body_octets() const;   // announced
    std::string_view piece() const;
    // What the FETCH response has said so far, for who wants the UID before its body: the items in
    // front of the body, as in response().values.
    const ImapResponse& unfinished() const;

    std::uint64_t lines_skipped() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace siding::backfill
