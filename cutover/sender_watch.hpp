// Who sends to the watched domains, kept up to date: reads what Siding accepts from the ledger and
// what still comes to the old servers from their logs, into one book for each domain. Nothing of
// the relay waits for it. Lives on the executor of its watch.
#pragma once

#include "config/live.hpp"
#include "cutover/sender_feed.hpp"
#include "cutover/senders.hpp"
#include "cutover/straggler_tail.hpp"
#include "dns/prober.hpp"
#include "net/asio.hpp"
#include "queue/queue.hpp"

#include <map>
#include <memory>
#include <string>

namespace siding::cutover {

class SenderWatch {
public:
    SenderWatch(
        queue::Queue& queue,
        const config::Live& config,
        dns::Prober& prober,
        net::asio::any_io_executor blocking
    );

    // Until it is cancelled.
    static net::awaitable<void> run(SenderWatch& self);

    // The domain's book, loaded where it has not been.
    net::awaitable<std::shared_ptr<SenderBook>> book(Domain domain);

    // Durable when it answers. Errc::not_found: no domain of ours.
    net::awaitable<Result<void>> import(Domain domain, SenderBaseline baseline, ImportMode mode);

    // What has not been kept yet; at the end.
    net::awaitable<void> keep();

private:
    struct Tail {
        explicit Tail(const std::string& path) : tail{path} {}

        StragglerTail tail;
        bool is_resumed = false;
        bool has_failed = false;
        std::string kept{};
    };

    net::awaitable<void> start_feed();
    net::awaitable<bool> read_feed(const config::Config& config);
    net::awaitable<void> read_logs(const config::Config& config);
    net::awaitable<void> read_log(const config::Config& config, std::string path);
    net::awaitable<void> find_names(const config::Config& config);
    net::awaitable<bool> commit(queue::PutValues values);

    queue::Queue& queue_;
    const config::Live& config_;
    dns::Prober& prober_;
    net::asio::any_io_executor blocking_;
    std::shared_ptr<SenderFeed> feed_;
    std::uint64_t kept_sequence_ = 0;
    std::map<Domain, std::shared_ptr<SenderBook>> books_;
    std::map<std::string, std::shared_ptr<Tail>> tails_;  // by path
};

}  // namespace siding::cutover
