// The configuration in force, as an immutable snapshot, and what a reload did to it. A key that
// needs a restart keeps its old value in the snapshot, so that no part of the daemon sees a
// mixture. get() from any thread; apply() from the main thread.
#pragma once

#include "config/config.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siding::config {

// Each line: "limits.message_size: 50MiB -> 60MiB", "servers.backup: added".
struct ReloadPlan {
    std::vector<std::string> applied;
    std::vector<std::string> needs_restart;
    std::vector<std::string> ignored;  // counts at the first start only; the queue knows better

    bool empty() const { return applied.empty() && needs_restart.empty() && ignored.empty(); }
};

ReloadPlan plan_reload(const Config& now, const Config& next);

class Live {
public:
    explicit Live(Config first) : current_{std::make_shared<const Config>(std::move(first))} {}

    std::shared_ptr<const Config> get() const;

    // Puts in force what may change at once, and says what that was.
    ReloadPlan apply(Config next);

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Config> current_;
};

}  // namespace siding::config
