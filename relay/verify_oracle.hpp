// What one server says of one address: remembered, or by a probe. Decides what an answer is worth:
// an acceptance by a server that takes any address is no knowledge about this one.
//
// Only probes write the cache. ask(), forget() and last_known() belong on `executor`; recall() may
// be called from any thread.
#pragma once

#include "base/address.hpp"
#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/prober.hpp"
#include "relay/recipient_report.hpp"
#include "relay/verify_cache.hpp"
#include "relay/verify_store.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

class VerifyOracle {
public:
    VerifyOracle(
        queue::Queue& queue,
        const config::Live& config,
        Prober prober,
        Metrics& metrics,
        net::TaskGroup& tasks
    );
    ~VerifyOracle();

    // A fresh answer out of memory.
    std::optional<ServerReport> recall(const std::string& server, const Address& address) const;

    // A fresh answer from memory or the queue, or a probe that gets its turn before `give_up_at`
    // and then `verify.timeout`.
    net::awaitable<ServerReport> ask(
        std::string server, Address address, std::chrono::steady_clock::time_point give_up_at
    );

    // What stands in for an `open` answer, where the configuration wants that: the expired one.
    ServerReport last_known(const Address& address, ServerReport open) const;

    // What probes under way will learn is not remembered either.
    net::awaitable<Result<std::uint64_t>> forget(KeyFilter filter);

private:
    using Verdicts = std::vector<smtp::Verdict>;
    struct Question;
    struct Line;
    struct Known {
        std::optional<Knowledge> address;
        std::optional<Knowledge> domain;
    };

    net::awaitable<Known> look_up(const Question& question);
    std::optional<Knowledge> adopt(
        const Question& question, const std::string& key, std::optional<Knowledge> stored
    );
    net::awaitable<ServerReport> probe(const Question& question, const Known& known);
    net::awaitable<Verdicts> talk(const Question& question, bool with_random);
    ServerReport learn(const Question& question, const Known& known, const Verdicts& verdicts);
    Knowledge::Kind weigh_acceptance(std::optional<Knowledge::Kind> domain) const;
    std::optional<Knowledge::Kind> learn_domain(
        const Question& question, const smtp::Verdict& random, Existence beside
    );
    void remember(const Question& question, const std::string& key, const Knowledge& knowledge);
    void leave(Line& line, const Question& question, const smtp::Verdict& verdict);
    Line& line_of(const std::string& server);

    config::Verify settings() const { return config_.get()->verify; }
    bool is_fresh_now(const std::optional<Knowledge>& knowledge) const;
    WallTime now() const { return queue_.clock().now(); }

    queue::Queue& queue_;
    const config::Live& config_;
    Prober prober_;
    Metrics& metrics_;
    net::asio::any_io_executor executor_;
    mutable VerifyCache cache_;
    VerifyStore store_;
    std::map<std::string, std::unique_ptr<Line>> lines_;  // by server
    std::uint64_t generation_ = 0;                        // grows with each forget()
    Counter hits_;
    Counter misses_;
    Counter last_known_;
    Histogram probe_seconds_;
};

}  // namespace siding::relay
