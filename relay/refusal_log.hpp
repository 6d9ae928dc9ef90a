// The refusals of the last minute, by class, on their way to the ledger: how many, and one example
// of each class. A flood of refusals costs the disk as much as a few: one change a minute with at
// most one line per class. What the ledger cannot take now goes with the next minute.
#pragma once

#include "net/asio.hpp"
#include "queue/queue.hpp"
#include "relay/refusal_class.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

// Views into the caller's text, read at once.
struct RefusalExample {
    std::string_view client_address = {};
    std::string_view sender = {};
    std::string_view recipient = {};
    std::string_view reply = {};
};

class RefusalLog {
public:
    explicit RefusalLog(
        queue::Queue& queue, std::chrono::milliseconds interval = std::chrono::minutes{1}
    )
        : queue_{queue}, interval_{interval} {}
    RefusalLog(const RefusalLog&) = delete;
    RefusalLog& operator=(const RefusalLog&) = delete;

    // Any thread; a lock, and a copy for the first of its class only.
    void note(RefusalClass reason, const RefusalExample& example);

    // Writes each minute until it is cancelled, and then once more.
    net::awaitable<void> run();
    // What has been noted so far; nothing is written when that is nothing.
    net::awaitable<Result<void>> flush();

private:
    using Noted = std::array<queue::Refusal, refusal_class_names.size()>;

    net::awaitable<void> write();
    std::vector<queue::Refusal> take();
    void give_back(const std::vector<queue::Refusal>& refusals);

    queue::Queue& queue_;
    const std::chrono::milliseconds interval_;
    std::mutex mutex_;
    Noted noted_{};
};

}  // namespace siding::relay
