// The way to one server for probes: so many at a time, first come first served, and a server that
// has just failed is tried by one probe now and then while nobody else waits for it. So a dead
// server costs one timeout and not one for each question.
//
// Lives on one executor; takes the time as an argument.
#pragma once

#include "base/clock.hpp"
#include "net/asio.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace siding::relay {

class ProbeLine {
public:
    explicit ProbeLine(net::asio::any_io_executor executor) : executor_{std::move(executor)} {}

    // True: go, and leave() afterwards. False: the server is not to be asked now (reason()), or no
    // place came free before `give_up_at`.
    net::awaitable<bool> enter(
        const Clock& clock,
        std::size_t connections_max,
        std::chrono::steady_clock::time_point give_up_at
    );

    void leave_answered();
    void leave_failed(WallTime now, std::string why);
    void leave_untold();  // neither counts

    // What was known of the server no longer counts: whoever comes next asks it.
    void forget_failure();

    bool is_failing() const { return failed_at_.has_value(); }
    const std::string& reason() const { return reason_; }

private:
    bool may_try(WallTime now) const;
    void wake_next();

    net::asio::any_io_executor executor_;
    std::size_t busy_ = 0;
    std::list<std::shared_ptr<Wakeup>> waiting_;
    std::optional<WallTime> failed_at_;
    std::string reason_;
};

}  // namespace siding::relay
