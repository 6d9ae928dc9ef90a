// The connections that wait at the sources of followed accounts, one for each as far as there are
// connections for it: an account without one is polled. A connection that is lost is made again,
// later each time; whatever becomes of it is no error of the account.
//
// Thread-safe. Callbacks come from io threads, without a lock of ours.
#pragma once

#include "backfill/governor.hpp"
#include "backfill/source_watch.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace siding::backfill {

class SourceWatches {
public:
    struct Parts {  // all of it outlives the watches
        net::Runtime& runtime;
        Governor& governor;
        TokenSource& tokens;
        std::function<void(const std::string& account, SourceWatch::News)> on_news;
    };
    struct Wanted {
        Login login;
        std::uint32_t pass = 0;  // the account's last one
        bool may_begin = false;  // otherwise one that is there stays
    };

    explicit SourceWatches(Parts parts);

    // By account: who is to be watched, and nobody else; `connections_max` at once.
    void tend(const std::map<std::string, Wanted>& wanted, std::size_t connections_max);
    void end_all();
    std::size_t count() const;  // connections
    // "notify", "idle" or "".
    std::string kind(const std::string& account) const;

    net::awaitable<void> stop();  // for good

private:
    struct Watch {
        Login login;
        std::atomic<bool> is_wanted{true};
        Governor::Permit permit;
        bool is_running = false;
        std::optional<SourceWatch::Kind> kind;
        std::uint32_t pass = 0;               // when it began
        std::optional<SourceWatch::End> end;  // of the last one
        std::chrono::milliseconds pause{0};
        std::chrono::steady_clock::time_point began{};
        std::chrono::steady_clock::time_point not_before{};
    };

    bool may_begin(const Watch& watch, const Wanted& wanted) const;
    void begin(const std::string& account, std::shared_ptr<Watch> watch, const Wanted& wanted);
    static net::awaitable<void> keep(
        SourceWatches& self, std::string account, std::shared_ptr<Watch> watch
    );
    void on_end(Watch& watch, SourceWatch::End end);

    Parts parts_;
    net::TaskGroup tasks_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Watch>> watches_;
};

}  // namespace siding::backfill
