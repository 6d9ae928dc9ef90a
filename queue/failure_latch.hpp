// Fail closed: the first failure of a database stays, and everything behind it is refused with its
// reason. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace siding::queue {

class FailureLatch {
public:
    // Told once, of the first failure.
    using OnFailure = std::function<void(const std::string& reason)>;

    explicit FailureLatch(OnFailure on_failure) : on_failure_{std::move(on_failure)} {}

    void fail(std::string reason);
    bool failed() const { return failed_.load(std::memory_order_acquire); }
    std::string reason() const;

private:
    OnFailure on_failure_;
    std::atomic<bool> failed_ = false;
    mutable std::mutex mutex_;
    std::string reason_;
};

}  // namespace siding::queue
