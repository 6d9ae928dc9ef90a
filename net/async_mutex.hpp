// One coroutine at a time, whatever threads they run on; the others wait without blocking theirs.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace siding::net {

class AsyncMutex {
public:
    // Gives the turn back when it goes; the mutex outlives it.
    class Lock {
    public:
        Lock() = default;
        explicit Lock(AsyncMutex& mutex) : mutex_{&mutex} {}
        Lock(Lock&& other) noexcept : mutex_{std::exchange(other.mutex_, nullptr)} {}
        Lock& operator=(Lock&& other) noexcept {
            std::swap(mutex_, other.mutex_);
            return *this;
        }
        ~Lock();

    private:
        AsyncMutex* mutex_ = nullptr;
    };

    // In no order among those who wait. The only error is is_cancelled().
    awaitable<Result<Lock>> lock();

private:
    using Waiter = std::shared_ptr<asio::steady_timer>;

    void unlock();

    std::mutex guard_;
    bool is_taken_ = false;
    std::vector<Waiter> waiters_;
};

}  // namespace siding::net
