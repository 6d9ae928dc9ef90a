// What `siding recipients check` shows of one address: where an answer came from and what each
// server said. For operators; nothing of it reaches an SMTP client.
#pragma once

#include "base/check.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

enum class Existence { exists, unknown, undecided };

inline std::string_view to_text(Existence existence) {
    switch (existence) {
    case Existence::exists:
        return "exists";
    case Existence::unknown:
        return "unknown";
    case Existence::undecided:
        return "undecided";
    }
    SIDING_UNREACHABLE("no such existence");
}

struct ServerReport {
    std::string server;
    Existence existence = Existence::undecided;
    bool from_cache = false;  // else asked just now
    bool last_known = false;  // expired, and stands in for a server that gave no decision
    bool catch_all = false;   // takes any address of the domain, so `exists` proves nothing
    std::string reply;        // the server's words or what went wrong; printable
    std::optional<std::chrono::milliseconds> age;  // of the answer; never negative
};

struct RecipientReport {
    std::string address;
    bool is_route = false;  // "victim%other.example@…", which no file names: refused as relaying
    bool accepts_any = false;                    // `recipients: any`
    std::optional<bool> in_files;                // nothing: the domain has no file
    std::vector<std::string> rewritten_to;       // empty: no rewrite rule
    Existence existence = Existence::undecided;  // of `servers` together
    std::vector<ServerReport> servers;           // empty: the domain verifies nothing
};

}  // namespace siding::relay
