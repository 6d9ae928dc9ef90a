// Who hears what an IMAP server says without being asked, and what it says on the way to the
// answer of a command: data, conditions, bodies.
#pragma once

#include "backfill/imap_response.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"

#include <cstdint>
#include <string_view>

namespace siding::backfill {

class ImapListener {
public:
    virtual ~ImapListener() = default;

    // Every untagged response, in the order in which they came.
    virtual void on_response(const ImapResponse& response) = 0;

    // A body of the FETCH that `unfinished` is the beginning of; pieces are valid for the call. The
    // whole FETCH follows as a response.
    virtual void on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) {
        static_cast<void>(unfinished);
        static_cast<void>(octets);
    }
    virtual void on_body_piece(std::string_view octets) { static_cast<void>(octets); }

    // Asked behind every read: whether nothing more is to be read before pause() is over.
    virtual bool wants_pause() const { return false; }
    // Its error ends the connection.
    virtual net::awaitable<Result<void>> pause() { co_return Result<void>{}; }
};

}  // namespace siding::backfill
