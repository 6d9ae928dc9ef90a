// The recipient files and rewrite maps in force. Loaded before the first mail, looked at once a
// second, loaded anew when they change; a file that vanishes or does not parse leaves its last good
// content in force. get() from any thread; files are read on blocking threads.
#pragma once

#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/asio.hpp"
#include "relay/recipient_sources.hpp"
#include "relay/recipient_table.hpp"

#include <chrono>
#include <memory>
#include <mutex>

namespace siding::relay {

class RecipientTables {
public:
    // `config` and `metrics` outlive it.
    RecipientTables(
        net::asio::any_io_executor blocking,
        const config::Live& config,
        Metrics& metrics,
        std::chrono::milliseconds look_interval = limits::recipient_look_interval
    );

    // Blocks. An Error for a file that is missing or malformed: nothing is known then, and the
    // daemon must not start.
    Result<void> load_first();

    // A task for life: follows the files. A changed one is loaded when it has stayed the same from
    // one look to the next, so that one that is being written is left alone.
    net::awaitable<void> watch();

    // After SIGHUP: follows the configuration, and loads what changed at once.
    net::awaitable<void> refresh();

    std::shared_ptr<const RecipientTable> get() const;

private:
    void load(RecipientSources::When when);

    net::asio::any_io_executor blocking_;
    const config::Live& config_;
    std::chrono::milliseconds look_interval_;

    std::mutex loading_;  // one load at a time; held on blocking threads only
    RecipientSources sources_;
    std::shared_ptr<const config::Config> loaded_for_;

    mutable std::mutex mutex_;
    std::shared_ptr<const RecipientTable> current_ = std::make_shared<const RecipientTable>();
};

}  // namespace siding::relay
