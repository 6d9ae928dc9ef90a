// Lane, the recording part: verdicts become outcomes, as many in one change as came while the last
// one was being written.
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "queue/retry.hpp"
#include "relay/lane.hpp"
#include "relay/lane_line.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

using std::chrono::milliseconds;

constexpr milliseconds store_pause = std::chrono::seconds{1};  // before a busy store is asked again
constexpr milliseconds short_wait = std::chrono::seconds{1};  // after a loss that stops nobody else
// A message that has met so many losses may be what they come from.
constexpr std::uint32_t losses_suspicious = 3;
constexpr std::size_t remembered_max = 100'000;

queue::RetrySchedule make_schedule(const config::Config& config) {
    std::vector<std::chrono::seconds> steps;
    for (const milliseconds step : config.retry.schedule) {
        steps.push_back(std::chrono::ceil<std::chrono::seconds>(step));
    }
    return queue::RetrySchedule{std::move(steps)};
}

// Up to a tenth more, so that what was told to wait does not come back as one.
milliseconds scattered(milliseconds wait, RecipientId id) {
    const std::uint64_t scatter = (id.message.value() + id.number) * 0x9E3779B97F4A7C15ULL >> 32;
    const auto spread = static_cast<std::uint64_t>(wait.count() / 10 + 1);
    return wait + milliseconds{static_cast<milliseconds::rep>(scatter % spread)};
}

std::string_view event_of(queue::OutcomeKind kind) {
    switch (kind) {
    case queue::OutcomeKind::delivered:
        return "delivered";
    case queue::OutcomeKind::deferred:
        return "transient";
    case queue::OutcomeKind::in_doubt:
        return "in_doubt";
    case queue::OutcomeKind::parked:
        return "permanent";
    }
    return "transient";
}

bool is_taken(const smtp::Verdict& verdict) {
    return verdict.kind == smtp::VerdictKind::delivered;
}

// The server would have had the message for somebody.
bool is_past_recipients(const smtp::Verdict& verdict) {
    return verdict.stage == smtp::Stage::data || verdict.stage == smtp::Stage::body ||
           verdict.stage == smtp::Stage::end_of_data;
}

}  // namespace

net::awaitable<void> Lane::conclude(
    Line& line,
    std::vector<queue::Recipient> recipients,
    std::vector<smtp::Verdict> verdicts,
    std::vector<std::string> sent_as
) {
    const bool is_first_loss = !line.failed;
    const std::vector<Trouble> troubles = judge(line, verdicts);
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        const queue::Recipient& recipient = recipients[i];
        const smtp::Verdict& verdict = verdicts.at(i);
        queue::RecipientOutcome outcome;
        outcome.recipient = recipient.id;
        outcome.kind = outcome_of(verdict, troubles[i]);
        outcome.reply = verdict.text;
        if (outcome.kind == queue::OutcomeKind::parked) {
            outcome.cause = verdict.cause();
        }
        if (i < sent_as.size()) {
            outcome.sent_as = sent_as[i];
        }
        outcome.next_attempt_at = next_attempt_at(recipient, verdict, troubles[i], is_first_loss);
        note(recipient, verdict, troubles[i]);
        jobs_.finish(recipient);
        line.outcomes.push_back(std::move(outcome));
        line.rows.push_back(recipient);
    }
    line.wakeup.nudge();
    loader_.nudge();
    if (!line.recording) {
        line.recording = true;
        co_await record(line);
        line.recording = false;
    }
}

// What each verdict means; the lane hears of it at once.
std::vector<Trouble> Lane::judge(Line& line, const std::vector<smtp::Verdict>& verdicts) {
    const bool delivered = std::ranges::any_of(verdicts, is_taken);
    const bool others_fine = std::ranges::any_of(verdicts, is_past_recipients);
    std::vector<Trouble> out;
    const smtp::Verdict* worst = nullptr;
    Trouble trouble = Trouble::none;
    for (const smtp::Verdict& verdict : verdicts) {
        Trouble one = trouble_of(verdict, line.taken > 0);
        if (one == Trouble::separate && !others_fine) {
            one = Trouble::none;  // alone it is not wanted either
        }
        out.push_back(one);
        // Any of them: the recipients before it may have had answers of their own.
        if (one > trouble) {
            trouble = one;
            worst = &verdict;
        }
    }
    line.taken += delivered ? 1 : 0;
    const auto taken = static_cast<std::size_t>(std::ranges::count_if(verdicts, is_taken));
    line.refused += verdicts.size() - taken;
    if (trouble == Trouble::separate && worst->text.find("omain") != std::string::npos) {
        jobs_.set_one_domain();
    }
    if (trouble >= Trouble::spent && trouble != Trouble::mailbox) {
        on_trouble(line, trouble, *worst);
    } else {
        on_answer(delivered);
    }
    return out;
}

WallTime Lane::next_attempt_at(
    const queue::Recipient& recipient,
    const smtp::Verdict& verdict,
    Trouble trouble,
    bool is_culprit
) {
    const auto by_schedule = [&] {
        const auto found = uncounted_.find(recipient.id);
        const std::uint32_t free = found == uncounted_.end() ? 0 : found->second;
        const std::uint32_t attempts = recipient.attempts + 1;
        return make_schedule(*context_.config.get())
            .next_attempt(attempts > free ? attempts - free : 1, recipient.id, now());
    };
    switch (trouble) {
    case Trouble::none:
        return by_schedule();
    case Trouble::separate:
    case Trouble::spent:
        return now();
    case Trouble::mailbox: {
        const std::string address = to_lower(recipient.address);
        if (mailbox_pressures_.size() >= remembered_max) {
            mailbox_pressures_.clear();
        }
        const milliseconds wait = mailbox_wait(++mailbox_pressures_[address]);
        jobs_.block(address, now(), now() + wait);
        return now() + scattered(wait, recipient.id);
    }
    case Trouble::load:
    case Trouble::reputation: {
        const milliseconds wait = std::max(concurrency_.cool_until() - now(), short_wait);
        return now() + (paused_until() > now() ? wait : scattered(wait, recipient.id));
    }
    case Trouble::failure: {
        // A server in trouble is the lane's to wait for.
        const WallTime soon = paused_until() > now() ? paused_until() : now() + short_wait;
        const bool is_suspect = is_culprit && verdict.stage >= smtp::Stage::mail &&
                                recipient.attempts + 1 >= losses_suspicious;
        return is_suspect ? std::max(soon, by_schedule()) : soon;
    }
    }
    return by_schedule();
}

void Lane::note(const queue::Recipient& recipient, const smtp::Verdict& verdict, Trouble trouble) {
    const queue::OutcomeKind kind = outcome_of(verdict, trouble);
    if (kind == queue::OutcomeKind::delivered) {
        delivered_.add();
        delivered_rate_.count(now());
        last_delivery_at_ = now();
        if (!mailbox_pressures_.empty()) {
            mailbox_pressures_.erase(to_lower(recipient.address));
        }
    } else if (kind == queue::OutcomeKind::parked) {
        parked_.add();
    } else {
        deferred_.add();
    }
    if (kind == queue::OutcomeKind::delivered || kind == queue::OutcomeKind::parked) {
        uncounted_.erase(recipient.id);
    } else if (!counts_as_attempt(trouble)) {
        excuse(recipient.id);
    }
}

// An attempt that does not count for its recipient.
void Lane::excuse(RecipientId id) {
    if (uncounted_.size() >= remembered_max) {
        uncounted_.clear();  // the worst of it: a longer wait for some
    }
    uncounted_[id] += 1;
}

// Whatever has gathered on the line, until nothing comes any more.
net::awaitable<void> Lane::record(Line& line) {
    while (!line.outcomes.empty()) {
        queue::RecordOutcome change;
        change.outcomes = std::exchange(line.outcomes, {});
        change.server = name_;
        change.peer = line.peer;
        change.tls = line.tls;
        const std::vector<queue::Recipient> rows = std::exchange(line.rows, {});
        WallTime earliest = WallTime::max();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const queue::RecipientOutcome& outcome = change.outcomes[i];
            const bool is_due = outcome.kind == queue::OutcomeKind::deferred ||
                                outcome.kind == queue::OutcomeKind::in_doubt;
            if (is_due) {
                earliest = std::min(earliest, outcome.next_attempt_at);
            }
            log.info(
                event_of(outcome.kind),
                {{"mid", rows[i].id.text()},
                 {"rcpt", rows[i].address},
                 {"route", name_},
                 {"peer", change.peer},
                 {"reply", outcome.reply}}
            );
        }
        queue::Change outcomes{std::move(change)};
        const auto recorded = co_await commit_outcome(std::move(outcomes));
        if (!recorded) {
            log.error("outcome_not_recorded", {{"route", name_}, {"reason", recorded.error()}});
        }
        settle(rows);
        if (earliest != WallTime::max()) {
            wake(earliest);
        }
    }
}

void Lane::settle(const std::vector<queue::Recipient>& rows) {
    for (const queue::Recipient& row : rows) {
        claimed_.erase(row.id);
    }
    if (claimed_.empty()) {
        feed_.nudge();
    }
}

// The record is named and kept; the rest of the queue goes on.
net::awaitable<void> Lane::park_unreadable(std::vector<queue::Recipient> recipients, Error error) {
    queue::MoveRecipients move;
    move.event = queue::Event::park;
    for (const queue::Recipient& recipient : recipients) {
        move.recipients.push_back(recipient.id);
        jobs_.finish(recipient);
    }
    move.who = "sidingd";
    move.why = "unreadable: " + error.message();
    queue::Change parking{std::move(move)};
    const auto parked = co_await commit_outcome(std::move(parking));
    settle(recipients);
    if (!parked) {
        look_again(recipients);
    } else if (parked->moved == 0) {
        co_return;  // discarded meanwhile: nothing is left to read
    }
    log.error("message_unreadable", {{"mid", recipients.front().id.message}, {"reason", error}});
    parked_.add(parked ? static_cast<double>(parked->moved) : 0);
}

// Until it is on disk its recipients are in flight, and nobody else would ever take them up before
// a restart. So a store that is only busy is asked again, as long as we may.
net::awaitable<Result<queue::Applied>> Lane::commit_outcome(queue::Change change) {
    Wakeup pause{context_.tasks.executor()};
    for (;;) {
        queue::Change copy = change;
        auto applied = co_await context_.queue.commit(std::move(copy));
        const auto state = co_await net::asio::this_coro::cancellation_state;
        const bool aborted = (state.cancelled() & net::asio::cancellation_type::terminal) !=
                             net::asio::cancellation_type::none;
        if (applied || !applied.error().is(Errc::unavailable) || aborted) {
            co_return applied;
        }
        log.warn("outcome_waits", {{"route", name_}, {"reason", applied.error()}});
        co_await pause.wait(store_pause);
    }
}

}  // namespace siding::relay
