// How fast messages may come in, of all accounts together. Whoever has octets stands in a queue
// until the line would have carried them; large messages come piece by piece, so that small ones
// get in between. The rate may change at any time, also for those who wait. Thread-safe.
#pragma once

#include "net/asio.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace siding::backfill {

class Bandwidth {
public:
    using Time = std::chrono::steady_clock::time_point;
    // Nobody stands in the queue with more at once.
    static constexpr std::uint64_t piece_octets = 64 * 1024;

    // Octets a second, asked for each time; 0: no bound.
    explicit Bandwidth(std::function<std::uint64_t()> per_second)
        : per_second_{std::move(per_second)} {}

    bool is_bounded() const { return per_second_() > 0; }
    // A place in the queue for these octets.
    std::uint64_t ask(std::uint64_t octets, Time now);
    // How long until they have been carried, as the rate is now; nothing: they are.
    std::optional<std::chrono::nanoseconds> left(std::uint64_t place, Time now);

    net::awaitable<void> spend(std::uint64_t octets);

private:
    void carry(Time now);

    std::function<std::uint64_t()> per_second_;
    std::mutex mutex_;
    std::uint64_t asked_ = 0;
    double carried_ = 0;  // at most asked_: an idle line saves nothing up
    Time carried_at_{};
};

}  // namespace siding::backfill
