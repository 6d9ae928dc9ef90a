// The waves in force: what the configuration says, its files, and what operators have added.
// Loaded before the first mail; files are looked at once a second, and one that vanishes or does
// not parse leaves its last good content in force. When members change, queued mail follows in the
// background. wave_of() and get() from any thread.
#pragma once

#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/asio.hpp"
#include "queue/queue.hpp"
#include "relay/recipient_sources.hpp"
#include "relay/redirect.hpp"
#include "relay/wave_store.hpp"
#include "relay/wave_table.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class WaveTables {
public:
    // All of them outlive it.
    struct Parts {
        net::asio::any_io_executor blocking;
        const config::Live& config;
        queue::Queue& queue;
        Metrics& metrics;
        WakeLane wake_lane;
    };

    explicit WaveTables(
        Parts parts, std::chrono::milliseconds look_interval = limits::recipient_look_interval
    );

    // Blocks. An Error for a file that is missing or malformed: mail would go the wrong way, so the
    // daemon must not start.
    Result<void> load_first();

    // "default" for who is in no wave.
    std::string wave_of(const Domain& domain, std::string_view address) const;
    std::shared_ptr<const WaveTable> get() const;

    // A task for life: follows the files, and has queued mail follow its recipients.
    net::awaitable<void> watch();

    // After SIGHUP: follows the configuration, and loads what changed at once.
    net::awaitable<void> refresh();

    // After members were put into the queue or taken out of it.
    net::awaitable<Result<void>> reload_members();

    // Queued mail of a domain follows now; how many recipients changed their wave. Otherwise the
    // watch sees to it.
    net::awaitable<Result<std::uint64_t>> follow(Domain domain);

private:
    using Time = std::chrono::steady_clock::time_point;

    config::Config config_of_files() const;
    bool load(RecipientSources::When when);
    void build();
    void expect_walks(const std::string& domain);
    std::vector<std::string> take_walks();
    net::awaitable<void> walk_all();

    Parts parts_;
    std::chrono::milliseconds look_interval_;

    std::mutex loading_;  // one load at a time; held on blocking threads only
    RecipientSources sources_;
    StoredWaves members_;
    std::shared_ptr<const config::Config> loaded_for_;

    mutable std::mutex mutex_;
    std::shared_ptr<const WaveTable> current_ = std::make_shared<const WaveTable>();
    std::map<std::string, std::vector<Time>> walks_;  // by domain: when rows are to follow
};

}  // namespace siding::relay
