#include "queue/committer.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <pthread.h>

namespace siding::queue {
namespace {

namespace asio = boost::asio;

constexpr auto settle_interval = std::chrono::seconds{1};
// A read or a flush in the background may fail while nothing is to be written.
constexpr auto failure_look_interval = std::chrono::seconds{1};

std::size_t octets_of(const Change& change) {
    if (const auto* accept = std::get_if<AcceptMessage>(&change)) {
        return accept->inline_body ? accept->inline_body->size() : 0;
    }
    std::size_t octets = 0;
    if (const auto* put = std::get_if<PutValues>(&change)) {
        for (const Value& one : put->values) {
            octets += one.key.size() + (one.value ? one.value->size() : 0);
        }
    }
    return octets;
}

}  // namespace

Committer::Committer(Store& store, const Clock& clock, Metrics& metrics)
    : store_{store},
      clock_{clock},
      groups_{metrics.counter("siding_commit_groups_total", "Synced batches written")},
      changes_{metrics.counter("siding_commit_changes_total", "Changes written in those batches")},
      latency_{metrics.histogram(
          "siding_commit_seconds",
          "Time of one synced batch",
          {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10}
      )},
      phases_{std::make_shared<const PhaseTable>(store.phases())},
      thread_{[this] { run(); }} {}

Committer::~Committer() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Committer::submit(Change change, Callback done) {
    const std::size_t octets = octets_of(change);
    bool full = false;
    {
        const std::lock_guard lock{mutex_};
        SIDING_CHECK(!stopping_, "commit after the committer was told to stop");
        full = waiting_.size() >= limits::commit_queue_changes_max;
        if (!full) {
            waiting_.push_back({std::move(change), std::move(done), octets});
        }
    }
    if (full) {
        done(Error{Errc::unavailable, "the commit queue is full"});
        return;
    }
    wake_.notify_one();
}

asio::awaitable<Result<Applied>> Committer::commit(Change change) {
    auto start = [this](auto handler, Change what) {
        auto back = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        // std::function wants a copyable target; the handler is not one.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        submit(std::move(what), [shared, back](Result<Applied> result) {
            asio::post(back, [shared, r = std::move(result)]() mutable {
                std::move (*shared)(std::move(r));
            });
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Applied>)>(
        start, asio::use_awaitable, std::move(change)
    );
}

std::shared_ptr<const PhaseTable> Committer::phases() const {
    const std::lock_guard lock{mutex_};
    return phases_;
}

std::uint64_t Committer::rounds() const {
    const std::lock_guard lock{mutex_};
    return rounds_;
}

bool Committer::idle() const {
    const std::lock_guard lock{mutex_};
    return waiting_.empty() && !busy_;
}

void Committer::on_failure(std::function<void(std::string)> callback) {
    const std::lock_guard lock{mutex_};
    on_failure_ = std::move(callback);
}

void Committer::run() {
    pthread_setname_np(pthread_self(), "commit");
    auto settled_at = std::chrono::steady_clock::now();
    bool settled = true;
    for (;;) {
        std::vector<Waiting> group;
        {
            std::unique_lock lock{mutex_};
            const auto has_work = [this] { return stopping_ || !waiting_.empty(); };
            if (settled) {
                wake_.wait_for(lock, failure_look_interval, has_work);
            } else {
                wake_.wait_until(lock, settled_at + settle_interval, has_work);
            }
            if (stopping_ && waiting_.empty()) {
                return;
            }
            busy_ = true;
            group = next_group();
        }
        if (!group.empty()) {
            apply_group(group);
            settled = false;
        }
        if (!settled && std::chrono::steady_clock::now() >= settled_at + settle_interval) {
            settled = store_.settle().has_value();
            settled_at = std::chrono::steady_clock::now();
        }
        if (store_.failed()) {
            report_failure();
        }
        const std::lock_guard lock{mutex_};
        busy_ = false;
        rounds_ += 1;
    }
}

// The longest prefix of what waits within the bounds of one batch, at least one.
std::vector<Committer::Waiting> Committer::next_group() {
    std::size_t count = 0;
    std::size_t octets = 0;
    while (count < waiting_.size() && count < limits::commit_group_changes_max &&
           octets < limits::commit_group_octets_max) {
        octets += waiting_[count++].octets;
    }
    if (count == waiting_.size()) {
        return std::exchange(waiting_, {});
    }
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Waiting> group{
        std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
    waiting_.erase(waiting_.begin(), end);
    return group;
}

void Committer::apply_group(std::vector<Waiting>& group) {
    std::vector<const Change*> changes;
    changes.reserve(group.size());
    bool flips = false;
    for (const Waiting& one : group) {
        changes.push_back(&one.change);
        flips = flips || std::holds_alternative<SetPhases>(one.change) ||
                std::holds_alternative<RemoveWave>(one.change);
    }
    const auto start = std::chrono::steady_clock::now();
    auto results = store_.apply(changes, clock_.now());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    latency_.observe(took.count());
    groups_.add();
    changes_.add(static_cast<double>(group.size()));
    if (flips && results) {
        auto table = std::make_shared<const PhaseTable>(store_.phases());
        const std::lock_guard lock{mutex_};
        phases_ = std::move(table);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
        group[i].done(results ? std::move((*results)[i]) : Result<Applied>{results.error()});
    }
}

void Committer::report_failure() {
    std::function<void(std::string)> callback;
    {
        const std::lock_guard lock{mutex_};
        if (failure_reported_ || !on_failure_) {
            return;
        }
        failure_reported_ = true;
        callback = on_failure_;
    }
    callback(store_.failure());
}

}  // namespace siding::queue
