// The content filter of the configuration: asks rspamd about one message and gives a verdict,
// always, whatever becomes of rspamd. Never changes a message.
//
// A filter that does not answer costs a message its timeout. After a few failures in a row the
// filter is left alone for some seconds, then one message tries again. Thread-safe; must outlive
// the sessions.
#pragma once

#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/asio.hpp"
#include "net/http_request.hpp"
#include "relay/filter_verdict.hpp"
#include "relay/rspamd_request.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

namespace siding::relay {

class ContentFilter {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t failures_max = 3;  // in a row
    static constexpr std::chrono::seconds pause{5};

    ContentFilter(
        const config::Live& config,
        Metrics& metrics,
        std::function<Time()> now = &std::chrono::steady_clock::now
    );
    ContentFilter(const ContentFilter&) = delete;
    ContentFilter& operator=(const ContentFilter&) = delete;

    bool is_on() const { return config_.get()->filter.rspamd.has_value(); }

    // `next_piece` gives the message as it will be stored, `question.octets` in all; it is not
    // called for a message that is not scanned. Without a filter the verdict is a plain accept.
    net::awaitable<FilterVerdict> check(FilterQuestion question, net::HttpPieces next_piece);

private:
    struct Counters {
        explicit Counters(Metrics& metrics);

        Counter accepted;
        Counter spam;
        Counter rejected;
        Counter deferred;
        Counter too_large;
        Counter failed;   // asked, no verdict
        Counter skipped;  // not asked: paused
        Gauge paused;
    };

    static net::awaitable<Result<FilterVerdict>> ask(
        const config::Filter& filter, const FilterQuestion& question, net::HttpPieces next_piece
    );
    static FilterVerdict without_answer(const config::Filter& filter);

    bool may_ask();
    void on_answer();
    void on_failure(const Error& error);
    void count(const FilterVerdict& verdict) const;

    const config::Live& config_;
    const std::function<Time()> now_;
    const Counters counters_;
    std::mutex mutex_;
    std::size_t failures_ = 0;
    Time paused_until_{};
};

}  // namespace siding::relay
