// The inbound sessions that are open now, for `siding sessions`. Each session keeps its own entry
// up to date; a listing copies them. Thread-safe.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siding::relay {

struct SessionInfo {
    std::uint64_t id = 0;
    std::string peer;      // "192.0.2.1:40112": the client, as PROXY or XCLIENT named it
    std::string proxy;     // who named it; empty for a direct connection
    std::string listener;  // "[::]:25"
    std::string helo;
    std::string tls;    // "TLSv1.3"; empty without
    std::string state;  // "command", "data", …
    WallTime since{};
    std::string upstream;  // "old 192.0.2.1:25": where its mail goes on just now; empty for nowhere
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;  // of those messages
};

class SessionList {
public:
    // Listed for as long as it lives; must not outlive the list.
    class Entry {
    public:
        Entry(SessionList& list, SessionInfo info);
        ~Entry();
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        template <typename F>
        void update(F change) {
            const std::lock_guard lock{mutex_};
            change(info_);
        }

    private:
        friend class SessionList;
        SessionList& list_;
        mutable std::mutex mutex_;
        SessionInfo info_;
    };

    std::vector<SessionInfo> all() const;  // oldest first

private:
    mutable std::mutex mutex_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, const Entry*> entries_;
};

}  // namespace siding::relay
