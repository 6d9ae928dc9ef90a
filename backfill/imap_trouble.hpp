// What a server means when it says NO, BAD or BYE: by response code where it sends one (RFC 5530
// and later), by the words of known servers otherwise, by the stage as the last resort.
#pragma once

#include "backfill/imap_response.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace siding::backfill {

enum class Trouble {
    authentication,  // user or password
    authorization,   // logged in, but not allowed to
    expired_token,   // get a new one
    throttled,       // too much at a time or a day
    too_many_connections,
    over_quota,
    too_big,      // the message
    bad_message,  // its octets: NUL, bare LF, 8-bit, headers
    bad_flag,
    no_such_mailbox,  // also TRYCREATE
    already_exists,
    bad_name,
    read_only,
    in_use,
    server_bug,
    unavailable,
    bye,  // the connection ends and nothing else is said
    other,
};

enum class ImapStage { login, select, fetch, append, create, store, other };

struct Judged {
    Trouble trouble = Trouble::other;
    bool is_retryable = false;  // the same again, later and as it is, may well succeed
    std::optional<std::chrono::milliseconds>
        back_off;       // as the server asks, or what is known of it
    std::string words;  // the server's, code included, escaped and cut
};

// Of a response whose condition is NO, BAD or BYE.
Judged judge(const ImapResponse& response, ImapStage stage);

// The wait that the server's words name: "Suggested Backoff Time: 299894 milliseconds".
std::optional<std::chrono::milliseconds> named_back_off(std::string_view words);

std::string_view name(Trouble trouble);  // "over quota"

}  // namespace siding::backfill
