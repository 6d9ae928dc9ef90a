// The queue's side of the verification cache: values under "verify/…" that survive a restart.
//
// Writes wait for each other and go in batches, so that a probe's answer costs its client no sync.
// A sweep behind the writes takes out what can serve no more. Nothing here is worth a refusal: what
// cannot be read counts as not known, what cannot be written is asked again another day.
//
// Lives on one executor.
#pragma once

#include "base/result.hpp"
#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/verify_cache.hpp"

#include <boost/asio/experimental/channel.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

class VerifyStore {
public:
    VerifyStore(queue::Queue& queue, const config::Live& config, net::TaskGroup& tasks);

    // One entry for each key, in their order.
    using Found = std::vector<std::optional<Knowledge>>;
    net::awaitable<Found> read(std::vector<std::string> keys);

    void write(std::string key, const Knowledge& knowledge);

    // How many stored entries went. What waits to be written goes as well, uncounted.
    net::awaitable<Result<std::uint64_t>> erase(KeyFilter filter);

private:
    using Turn = net::asio::experimental::channel<void(boost::system::error_code)>;
    using Goes = std::function<bool(const queue::StoredValue&)>;

    net::awaitable<void> run_writer();
    net::awaitable<bool> write_batch();
    net::awaitable<void> sweep();
    net::awaitable<Result<std::uint64_t>> erase_where(Goes goes);

    queue::Queue& queue_;
    const config::Live& config_;
    net::TaskGroup& tasks_;
    std::vector<queue::Value> pending_;
    bool writing_ = false;
    Turn turn_;  // holds one token: who has it may change stored values
    std::optional<std::chrono::steady_clock::time_point> swept_at_;
};

}  // namespace siding::relay
