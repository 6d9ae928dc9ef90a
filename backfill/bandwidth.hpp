// How fast messages may come in, of all accounts together: whoever has fetched some octets waits
// until the line would have carried them. Thread-safe.
#pragma once

#include "net/asio.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace siding::backfill {

class Bandwidth {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Octets a second, asked for each time; 0: no bound.
    explicit Bandwidth(std::function<std::uint64_t()> per_second)
        : per_second_{std::move(per_second)} {}

    // When the next octets may be asked for. Somebody who has been idle saves nothing up.
    Time spend(std::uint64_t octets, Time now);
    net::awaitable<void> spend(std::uint64_t octets);

private:
    std::function<std::uint64_t()> per_second_;
    std::mutex mutex_;
    Time free_at_{};
};

}  // namespace siding::backfill
