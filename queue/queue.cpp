#include "queue/queue.hpp"

#include "queue/rocks_store.hpp"

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
      committer_{std::make_unique<Committer>(*store_, clock, metrics)} {}

Queue::~Queue() = default;

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
