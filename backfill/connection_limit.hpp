// How many connections one server, or one user of it, may have at once: what it has shown that it
// takes. More are tried while they bring more, first by doubling and later by one; what it refuses
// is not tried again for a while. Pure: time is an argument.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace siding::backfill {

class ConnectionLimit {
public:
    // `ceiling`: never more, whatever the server takes.
    ConnectionLimit(std::size_t start, std::size_t ceiling);

    std::size_t value() const { return limit_; }
    bool has_been_refused() const { return has_been_refused_; }

    // The server has let one in, and has `open` now.
    void on_let_in(std::size_t open);
    // It has refused one, because the `open` that it has are enough.
    void on_too_many(std::size_t open, WallTime now);
    // It wants less work done.
    void on_throttled(WallTime now);
    // What all connections together have brought since the last call. `is_binding`: as many are
    // open as may be, and more are wanted.
    void on_work(std::uint64_t octets, std::uint64_t messages, bool is_binding, WallTime now);
    // Time has passed without work to measure: what was refused once may be tried again.
    void on_time(WallTime now);
    // One more is wanted, and there is no room. While there is no work to measure, whoever has
    // never complained is asked for more.
    void on_wanted(WallTime now);

private:
    struct Measured {
        std::size_t limit = 0;
        double rate = 0;
    };

    void evaluate(double seconds, WallTime now);
    void grow();
    void shrink(std::size_t to, WallTime now, std::chrono::milliseconds rest);

    std::size_t limit_;
    std::size_t ceiling_;
    bool has_been_refused_ = false;
    bool is_doubling_ = true;
    std::chrono::milliseconds refusal_rest_;  // doubled with each refusal
    WallTime next_try_{};
    WallTime shrunk_at_{};
    WallTime window_began_{};
    WallTime worked_at_{};
    double work_ = 0;
    bool was_binding_ = false;
    std::optional<Measured> before_;  // with fewer
};

}  // namespace siding::backfill
