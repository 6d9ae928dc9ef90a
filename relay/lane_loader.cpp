// Lane, the part between claims and connections: messages are read and their attempts recorded,
// for as many at once as the connections can take, so that neither costs each of them a wait.
#include "base/digest.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/lane.hpp"
#include "relay/lane_line.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

using std::chrono::milliseconds;

constexpr milliseconds quiet_wait = std::chrono::seconds{60};
constexpr milliseconds store_pause = std::chrono::seconds{1};  // before a busy store is asked again
// Transactions that stand ready beside those that a connection's window has room for.
constexpr std::size_t ahead_max = 8;
// Of stored octets, for all connections of the lane.
constexpr std::uint64_t held_octets_max = 32ULL * 1024 * 1024;

}  // namespace

net::awaitable<void> Lane::load() {
    while (!stopping_) {
        refresh();
        co_await take_back_unsent();
        std::vector<LaneJob> batch = choose_batch();
        staff();
        if (!batch.empty()) {
            co_await load_batch(std::move(batch));
            continue;
        }
        milliseconds wait = quiet_wait;
        const auto ready = jobs_.ready_at(now());
        if (ready && *ready > now()) {
            wait = std::min<milliseconds>(wait, *ready - now());
        }
        // Connections may be missing then, and nobody else would notice.
        if (concurrency_.is_cooling(now())) {
            wait = std::min<milliseconds>(wait, concurrency_.cool_until() - now());
        }
        co_await loader_.wait(wait);
    }
    std::ranges::move(staged_, std::back_inserter(unsent_));
    staged_.clear();
    std::deque<Started> rest = std::exchange(unsent_, {});
    std::string why = "Siding stops";
    co_await take_back(std::move(rest), std::move(why));
}

net::awaitable<void> Lane::take_back_unsent() {
    if (!unsent_.empty()) {
        std::deque<Started> unsent = std::exchange(unsent_, {});
        std::string why = "its route has changed";
        co_await take_back(std::move(unsent), std::move(why));
    }
    if (!staged_.empty() && !may_go_on()) {
        std::deque<Started> unsent = std::exchange(staged_, {});
        std::string why = "the server is left alone for a while";
        co_await take_back(std::move(unsent), std::move(why));
    }
}

// How many transactions more can be under way soon. Without a pipeline nothing is begun before its
// turn has come.
std::size_t Lane::demand() const {
    if (stopping_ || !may_go_on()) {
        return 0;
    }
    std::size_t under_way = staged_.size() + loading_;
    if (is_probing()) {
        for (const Line* line : lines_) {
            under_way += line->under_way;
        }
        const bool is_open =
            std::ranges::any_of(lines_, [&](const Line* line) { return room(*line) > 0; });
        return is_open && under_way == 0 ? 1 : 0;
    }
    std::size_t wanted = 0;
    for (const Line* line : lines_) {
        wanted += room(*line);
        const std::size_t window = is_good(*line) && line->session ? line->session->window() : 1;
        wanted += window > 1 ? std::min(window, ahead_max) : 0;
    }
    return wanted > under_way ? wanted - under_way : 0;
}

// Of one transaction, as the configuration and every server that is connected want it; 0: any.
std::size_t Lane::recipients_max() const {
    std::size_t out = limits_.recipients_per_transaction;
    for (const Line* line : lines_) {
        if (line->session != nullptr) {
            const std::size_t theirs = line->session->recipients_max();
            out = out == 0 ? theirs : std::min(out, theirs);
        }
    }
    return out;
}

std::vector<LaneJob> Lane::choose_batch() {
    std::vector<LaneJob> batch;
    std::uint64_t octets = octets_held_;
    const std::size_t wanted = demand();
    while (batch.size() < wanted && octets < held_octets_max) {
        std::vector<LaneJob> next = jobs_.take(1, recipients_max(), now());
        if (next.empty()) {
            break;
        }
        if (!is_still_ours(next.front())) {
            jobs_.put_back(next.front());
            give_back(next.front().recipients);
            continue;
        }
        octets += std::min<std::uint64_t>(next.front().octets(), limits::body_chunk_octets);
        batch.push_back(std::move(next.front()));
    }
    leave(jobs_.take_overflow());
    if (wants_jobs() && (jobs_.size() == 0 || !cursor_.empty())) {
        feed_.nudge();
    }
    return batch;
}

net::awaitable<void> Lane::load_batch(std::vector<LaneJob> batch) {
    loading_ = batch.size();
    std::vector<Started> readable = co_await read_batch(std::move(batch));
    // The server may have failed, a flip may have come, while the disk was asked.
    std::erase_if(readable, [this](const Started& one) {
        const bool goes = may_go_on() && !stopping_ && is_still_ours(one.job);
        if (!goes) {
            jobs_.put_back(one.job);
            give_back(one.job.recipients);
        }
        return !goes;
    });
    if (!readable.empty()) {
        co_await start_batch(std::move(readable));
    }
    loading_ = 0;
    nudge_lines();
}

net::awaitable<std::vector<Lane::Started>> Lane::read_batch(std::vector<LaneJob> batch) {
    std::vector<MessageId> ids;
    for (const LaneJob& job : batch) {
        ids.push_back(job.message);
    }
    const auto read_one = [](const queue::Store& store, MessageId id) -> Reading {
        auto out = std::make_shared<Prepared>();
        SIDING_ASSIGN(out->envelope, store.read_envelope(id));
        SIDING_ASSIGN(out->first_chunk, store.read_body_chunk(id, 0));
        if (out->envelope.body.chunks == 1 &&
            sha256(out->first_chunk) != out->envelope.body.sha256) {
            return Error{Errc::corrupt, "stored octets do not match their SHA-256"};
        }
        return std::shared_ptr<const Prepared>{std::move(out)};
    };
    auto read_all = [ids, read_one](const queue::Store& store) {
        std::vector<Reading> out;
        for (const MessageId id : ids) {
            // Neighbours are often parts of one message.
            const bool is_same = !out.empty() && out.back() && ids[out.size() - 1] == id;
            out.push_back(is_same ? out.back() : read_one(store, id));
        }
        return out;
    };
    std::vector<Reading> readings = co_await context_.queue.read(std::move(read_all));
    std::vector<Started> readable;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (readings[i]) {
            readable.emplace_back(std::move(batch[i]), std::move(*readings[i]));
            continue;
        }
        jobs_.put_back(batch[i]);
        std::vector<queue::Recipient> recipients = std::move(batch[i].recipients);
        Error error = readings[i].error();
        co_await park_unreadable(std::move(recipients), std::move(error));
    }
    co_return readable;
}

net::awaitable<void> Lane::start_batch(std::vector<Started> batch) {
    queue::StartAttempt change;
    change.server = name_;
    for (const Started& one : batch) {
        for (const queue::Recipient& recipient : one.job.recipients) {
            change.recipients.push_back(recipient.id);
        }
    }
    queue::Change attempts{std::move(change)};
    const auto applied = co_await context_.queue.commit(std::move(attempts));
    if (applied) {
        stage(std::move(batch), applied->started);
        co_return;
    }
    log.error("attempts_not_recorded", {{"route", name_}, {"reason", applied.error()}});
    for (const Started& one : batch) {
        jobs_.put_back(one.job);
        give_back(one.job.recipients);
    }
    Wakeup pause{context_.tasks.executor()};  // a busy store is not asked in a tight loop
    co_await pause.wait(store_pause);
}

// Of one job, outside of the batches. Gives those that are in flight now.
net::awaitable<std::vector<queue::Recipient>> Lane::start_attempt(LaneJob job) {
    queue::StartAttempt change;
    change.server = name_;
    for (const queue::Recipient& recipient : job.recipients) {
        change.recipients.push_back(recipient.id);
    }
    queue::Change attempts{std::move(change)};
    const auto applied = co_await context_.queue.commit(std::move(attempts));
    if (!applied) {
        log.error("attempts_not_recorded", {{"route", name_}, {"reason", applied.error()}});
        jobs_.put_back(job);
        give_back(job.recipients);
        co_return std::vector<queue::Recipient>{};
    }
    std::vector<queue::Recipient> gone;
    std::erase_if(job.recipients, [&](const queue::Recipient& recipient) {
        if (std::ranges::find(applied->started, recipient.id) != applied->started.end()) {
            return false;
        }
        jobs_.finish(recipient);
        gone.push_back(recipient);
        return true;
    });
    leave(gone);
    co_return std::move(job.recipients);
}

// Those that were discarded or held meanwhile are left out.
void Lane::stage(std::vector<Started> batch, std::vector<RecipientId> started) {
    std::ranges::sort(started);
    for (Started& one : batch) {
        std::vector<queue::Recipient> gone;
        std::erase_if(one.job.recipients, [&](const queue::Recipient& recipient) {
            const bool is_started = std::ranges::binary_search(started, recipient.id);
            if (!is_started) {
                jobs_.finish(recipient);
                gone.push_back(recipient);
            }
            return !is_started;
        });
        leave(gone);
        if (!one.job.recipients.empty()) {
            octets_held_ += one.prepared->first_chunk.size();
            staged_.push_back(std::move(one));
        }
    }
}

// Attempts that were recorded and never made: they are due again, and it is no fault of theirs.
net::awaitable<void> Lane::take_back(std::deque<Started> unsent, std::string why) {
    if (unsent.empty()) {
        co_return;
    }
    queue::RecordOutcome change;
    change.server = name_;
    std::vector<queue::Recipient> rows;
    const WallTime again = std::max(now(), paused_until());
    for (const Started& one : unsent) {
        octets_held_ -= one.prepared->first_chunk.size();
        jobs_.put_back(one.job);
        for (const queue::Recipient& recipient : one.job.recipients) {
            queue::RecipientOutcome outcome;
            outcome.recipient = recipient.id;
            outcome.kind = queue::OutcomeKind::deferred;
            outcome.reply = "not sent: " + why;
            outcome.next_attempt_at = again;
            change.outcomes.push_back(std::move(outcome));
            excuse(recipient.id);
            rows.push_back(recipient);
        }
    }
    queue::Change outcomes{std::move(change)};
    const auto recorded = co_await commit_outcome(std::move(outcomes));
    if (!recorded) {
        log.error("outcome_not_recorded", {{"route", name_}, {"reason", recorded.error()}});
    }
    settle(rows);
    wake(again);
}

}  // namespace siding::relay
