#include "queue/queue.hpp"

#include "base/limits.hpp"
#include "queue/rocks_store.hpp"

#include <algorithm>

namespace siding::queue {

Result<std::unique_ptr<Queue>> Queue::open(
    const QueueOptions& options,
    boost::asio::any_io_executor blocking,
    const Clock& clock,
    Metrics& metrics
) {
    SIDING_ASSIGN(auto store, open_store(options.directory, clock.now()));
    return std::unique_ptr<Queue>{
        new Queue{std::move(store), std::move(blocking), clock, metrics, options}};
}

Queue::Queue(
    std::unique_ptr<Store> store,
    boost::asio::any_io_executor blocking,
    const Clock& clock,
    Metrics& metrics,
    const QueueOptions& options
)
    : store_{std::move(store)},
      blocking_{std::move(blocking)},
      clock_{clock},
      ids_{clock, store_->last_id()},
      disk_{options.directory, options.reserve},
      retention_{options.retention},
      committer_{std::make_unique<Committer>(*store_, clock, metrics)} {}

Queue::~Queue() = default;

boost::asio::awaitable<Result<Applied>> Queue::commit(Change change) {
    if (auto* const accept = std::get_if<AcceptMessage>(&change)) {
        accept->retain = retention_().time.count() > 0;
    } else if (auto* const outcome = std::get_if<RecordOutcome>(&change)) {
        outcome->retain = retention_().time.count() > 0;
    }
    return committer_->commit(std::move(change));
}

boost::asio::awaitable<Result<std::uint64_t>> Queue::prune() {
    const Retained retained = store_->counters().retained;
    if (retained.messages == 0) {
        co_return std::uint64_t{0};
    }
    const Retention retention = retention_();
    PruneRetained page;
    page.messages_max = limits::prune_page_messages;
    page.octets_max = retention.octets;
    page.before = retention.time.count() > 0 ? clock_.now() - retention.time : WallTime::max();
    if (!disk_.check(0)) {
        page.octets_max = std::min(page.octets_max, retained.octets / 2);
    }
    std::uint64_t gone = 0;
    for (;;) {
        Change change = page;
        SIDING_CO_ASSIGN(const Applied applied, co_await commit(std::move(change)));
        gone += applied.moved;
        if (applied.moved < page.messages_max) {
            co_return gone;
        }
    }
}

Result<void> Queue::check_room(std::uint64_t size_octets) const {
    if (store_->failed()) {
        return Error{Errc::storage_failure, store_->failure()};
    }
    return disk_.check(size_octets);
}

boost::asio::awaitable<Result<void>> Queue::append_body_chunk(
    MessageId message, std::uint32_t chunk, std::string octets
) {
    Store& store = *store_;
    auto append = [&store, message, chunk, body = std::move(octets)] {
        return store.append_body_chunk(message, chunk, body);
    };
    co_return co_await net::run_on(blocking_, std::move(append));
}

boost::asio::awaitable<Result<void>> Queue::abort_body(MessageId message, std::uint32_t chunks) {
    Store& store = *store_;
    auto abort = [&store, message, chunks] { return store.abort_body(message, chunks); };
    co_return co_await net::run_on(blocking_, abort);
}

}  // namespace siding::queue
