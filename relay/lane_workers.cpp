// Lane, the delivering half: workers, each with one connection at a time.
#include "base/log.hpp"
#include "queue/retry.hpp"
#include "relay/lane.hpp"
#include "relay/router.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

using std::chrono::milliseconds;

constexpr milliseconds idle_timeout = std::chrono::seconds{5};  // then the connection is closed
constexpr milliseconds store_pause = std::chrono::seconds{1};  // before a busy store is asked again
constexpr milliseconds first_pause = std::chrono::seconds{1};  // doubled at each failure …

queue::RetrySchedule make_schedule(const config::Config& config) {
    std::vector<std::chrono::seconds> steps;
    for (const milliseconds step : config.retry.schedule) {
        steps.push_back(std::chrono::ceil<std::chrono::seconds>(step));
    }
    return queue::RetrySchedule{std::move(steps)};
}

queue::OutcomeKind outcome_of(smtp::VerdictKind kind) {
    switch (kind) {
    case smtp::VerdictKind::delivered:
        return queue::OutcomeKind::delivered;
    case smtp::VerdictKind::transient:
        return queue::OutcomeKind::deferred;
    case smtp::VerdictKind::permanent:
        return queue::OutcomeKind::parked;
    case smtp::VerdictKind::in_doubt:
        return queue::OutcomeKind::in_doubt;
    }
    return queue::OutcomeKind::deferred;
}

smtp::Transaction make_transaction(
    const queue::Envelope& envelope, const std::vector<queue::Recipient>& recipients
) {
    smtp::Transaction transaction;
    transaction.reverse_path = envelope.reverse_path;
    std::string parameters;
    for (const std::string& parameter : envelope.mail_parameters) {
        parameters.append(parameters.empty() ? "" : " ").append(parameter);
    }
    // They were parsed when they came in, so they parse again.
    if (auto parsed = smtp::parse_mail_parameters(parameters)) {
        transaction.mail_parameters = std::move(*parsed);
    }
    for (const queue::Recipient& recipient : recipients) {
        const auto& to = envelope.recipients.at(recipient.id.number);
        transaction.recipients.push_back({to.address, {.verbatim = to.parameters}});
    }
    transaction.octets = envelope.trace_header.size() + envelope.body.size_octets;
    return transaction;
}

}  // namespace

net::awaitable<void> Lane::work() {
    std::unique_ptr<OutboundSession> session;
    Wakeup wakeup{context_.tasks.executor()};
    while (!stopping_) {
        if (jobs_.empty()) {
            idle_.push_back(&wakeup);
            co_await wakeup.wait(idle_timeout);
            std::erase(idle_, &wakeup);
            if (jobs_.empty()) {
                break;
            }
        }
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        co_await drop_stale(session);
        co_await run_job(session, job);
        settle(job);
        co_await drop_stale(session);
    }
    workers_ -= 1;
    if (session != nullptr) {
        co_await session->close();
        connections_open_ -= 1;
    }
}

// Closed by the server while it was idle, spent, or to a server that a reload has replaced.
net::awaitable<void> Lane::drop_stale(std::unique_ptr<OutboundSession>& session) {
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    if (session != nullptr && (!session->is_usable() || server == config->servers.end() ||
                               !session->leads_to(server->second))) {
        co_await session->close();
        session.reset();
        connections_open_ -= 1;
    }
}

void Lane::settle(const Job& job) {
    for (const queue::Recipient& recipient : job.recipients) {
        claimed_.erase(recipient.id);
    }
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    if (server == config->servers.end() || jobs_.size() <= server->second.connections) {
        feed_.nudge();
    }
}

// They are still due, and no pass may start above them.
void Lane::look_again(const std::vector<queue::Recipient>& rows) {
    for (const queue::Recipient& row : rows) {
        look_from_ = std::min(look_from_, row.due_at);
    }
}

// A flip since the page was claimed counts from here on: the next claim redirects it.
bool Lane::is_still_ours(const Job& job) const {
    const auto phases = context_.queue.phases();
    return std::ranges::all_of(job.recipients, [&](const queue::Recipient& row) {
        return route(*phases, row.domain, row.wave, row.pinned_server) == name_;
    });
}

net::awaitable<void> Lane::run_job(std::unique_ptr<OutboundSession>& session, const Job& job) {
    if (!is_still_ours(job)) {
        look_again(job.recipients);
        co_return;
    }
    auto read = [id = job.message](const queue::Store& store) -> Result<Prepared> {
        SIDING_ASSIGN(queue::Envelope envelope, store.read_envelope(id));
        SIDING_ASSIGN(std::string chunk, store.read_body_chunk(id, 0));
        if (envelope.body.chunks == 1 && sha256(chunk) != envelope.body.sha256) {
            return Error{Errc::corrupt, "stored octets do not match their SHA-256"};
        }
        return Prepared{std::move(envelope), std::move(chunk)};
    };
    auto prepared = co_await context_.queue.read(read);
    if (!prepared) {
        co_await park_unreadable(job, prepared.error());
        co_return;
    }
    co_await deliver(session, *prepared, job);
}

Lane::Job Lane::Job::take_first(std::size_t recipients_max) {
    Job first{message, std::exchange(recipients, {})};
    if (first.recipients.size() > recipients_max) {
        const auto end = first.recipients.begin() + static_cast<std::ptrdiff_t>(recipients_max);
        recipients.assign(end, first.recipients.end());
        first.recipients.erase(end, first.recipients.end());
    }
    return first;
}

// In as many transactions as the server wants (RFC 9422 RCPTMAX, MAILMAX), each an attempt of its
// own: what one of them has delivered is recorded before the next begins.
net::awaitable<void> Lane::deliver(
    std::unique_ptr<OutboundSession>& session, const Prepared& prepared, const Job& job
) {
    Job rest = job;
    for (;;) {
        if (session == nullptr) {
            const bool is_open = co_await open_session(session, rest);
            if (!is_open) {
                co_return;
            }
        }
        if (!is_still_ours(rest)) {  // to connect may take half a minute
            look_again(rest.recipients);
            co_return;
        }
        const Job part = rest.take_first(session->recipients_max());
        co_await attempt(*session, prepared, part);
        if (rest.recipients.empty()) {
            co_return;
        }
        if (stopping_ || paused_until_ > now()) {
            look_again(rest.recipients);
            co_return;
        }
        co_await drop_stale(session);
    }
}

net::awaitable<void> Lane::attempt(
    OutboundSession& session, const Prepared& prepared, const Job& job
) {
    const auto started = co_await start_attempt(job);
    if (!started || started->empty()) {
        co_return;  // discarded or held meanwhile, or the store has failed
    }
    const Job now_in_flight{job.message, *started};
    smtp::Transaction transaction = make_transaction(prepared.envelope, *started);
    const auto verdicts =
        co_await session.send(prepared.envelope, prepared.first_chunk, std::move(transaction));
    if (session.body_error()) {
        // The server got no terminator, so it has dropped the message.
        co_await park_unreadable(now_in_flight, *session.body_error());
        co_return;
    }
    // Any of them: the recipients before it may have had answers of their own.
    const auto failure = std::ranges::find_if(verdicts, [](const smtp::Verdict& verdict) {
        return verdict.is_about_session() && verdict.kind == smtp::VerdictKind::transient;
    });
    if (failure != verdicts.end()) {
        on_session_failure(*failure);
    } else {
        failures_ = 0;
        last_error_.clear();
    }
    co_await record(now_in_flight, verdicts, session.peer());
}

// On failure the job's recipients hear of it, so that every listing says why they wait.
net::awaitable<bool> Lane::open_session(std::unique_ptr<OutboundSession>& session, const Job& job) {
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    if (server == config->servers.end()) {
        co_return false;
    }
    auto fresh = std::make_unique<OutboundSession>(context_.queue, tls_clients_, config->hostname);
    connections_open_ += 1;
    const auto failure = co_await fresh->open(server->second);
    if (!failure) {
        session = std::move(fresh);
        co_return true;
    }
    connections_open_ -= 1;
    on_session_failure(*failure);
    const auto started = co_await start_attempt(job);
    if (started && !started->empty()) {
        const std::vector<smtp::Verdict> verdicts(started->size(), *failure);
        const Job now_in_flight{job.message, *started};
        co_await record(now_in_flight, verdicts, fresh->peer());
    }
    co_return false;
}

void Lane::on_session_failure(const smtp::Verdict& verdict) {
    last_error_ = verdict.text;
    if (paused_until_ > now()) {
        return;  // another connection that was opened before the pause: the same failure
    }
    failures_ += 1;
    const auto doubled = first_pause * (1 << std::min(failures_ - 1, 6U));
    paused_until_ = now() + std::min<milliseconds>(doubled, longest_pause);
    log.warn(
        "server_failed",
        {{"route", name_}, {"reason", verdict.text}, {"pause_ms", (paused_until_ - now()).count()}}
    );
    // The others are claimed again after the pause; until then a flip may send them elsewhere.
    for (const Job& job : std::exchange(jobs_, {})) {
        look_again(job.recipients);
        for (const queue::Recipient& recipient : job.recipients) {
            claimed_.erase(recipient.id);
        }
    }
    cursor_.clear();
}

net::awaitable<Result<std::vector<queue::Recipient>>> Lane::start_attempt(const Job& job) {
    queue::StartAttempt change;
    change.message = job.message;
    change.server = name_;
    for (const queue::Recipient& recipient : job.recipients) {
        change.recipients.push_back(recipient.id.number);
    }
    const auto applied = co_await context_.queue.commit(std::move(change));
    if (!applied) {
        log.error("attempt_not_recorded", {{"mid", job.message}, {"reason", applied.error()}});
        look_again(job.recipients);
        Wakeup pause{context_.tasks.executor()};  // a busy store is not asked in a tight loop
        co_await pause.wait(store_pause);
        co_return applied.error();
    }
    std::vector<queue::Recipient> started;
    for (const queue::Recipient& recipient : job.recipients) {
        if (std::ranges::find(applied->recipients, recipient.id.number) !=
            applied->recipients.end()) {
            started.push_back(recipient);
        }
    }
    co_return started;
}

net::awaitable<void> Lane::record(
    const Job& job, const std::vector<smtp::Verdict>& verdicts, const std::string& peer
) {
    const queue::RetrySchedule schedule = make_schedule(*context_.config.get());
    queue::RecordOutcome change;
    change.message = job.message;
    change.server = name_;
    change.peer = peer;
    WallTime earliest = WallTime::max();
    for (std::size_t i = 0; i < job.recipients.size(); ++i) {
        const queue::Recipient& recipient = job.recipients[i];
        const smtp::Verdict& verdict = verdicts.at(i);
        queue::RecipientOutcome outcome;
        outcome.recipient = recipient.id.number;
        outcome.kind = outcome_of(verdict.kind);
        outcome.reply = verdict.text;
        // A server in trouble is the lane's to wait for; a recipient's 4xx has its own schedule.
        outcome.next_attempt_at =
            verdict.is_about_session() && paused_until_ > now()
                ? paused_until_
                : schedule.next_attempt(recipient.attempts + 1, recipient.id, now());
        if (outcome.kind == queue::OutcomeKind::delivered) {
            delivered_.add();
            last_delivery_at_ = now();
        } else if (outcome.kind == queue::OutcomeKind::parked) {
            parked_.add();
        } else {
            deferred_.add();
            earliest = std::min(earliest, outcome.next_attempt_at);
        }
        log.info(
            smtp::to_text(verdict.kind),
            {{"mid", recipient.id.text()},
             {"rcpt", recipient.address},
             {"route", name_},
             {"peer", peer},
             {"reply", verdict.text}}
        );
        change.outcomes.push_back(std::move(outcome));
    }
    const auto recorded = co_await commit_outcome(std::move(change));
    if (!recorded) {
        log.error("outcome_not_recorded", {{"mid", job.message}, {"reason", recorded.error()}});
    }
    if (earliest != WallTime::max()) {
        wake(earliest);
    }
}

// The record is named and kept; the rest of the queue goes on.
net::awaitable<void> Lane::park_unreadable(const Job& job, const Error& error) {
    queue::MoveRecipients move;
    move.event = queue::Event::park;
    for (const queue::Recipient& recipient : job.recipients) {
        move.recipients.push_back(recipient.id);
    }
    move.who = "sidingd";
    move.why = "unreadable: " + error.message();
    const auto parked = co_await commit_outcome(std::move(move));
    if (!parked) {
        look_again(job.recipients);
    } else if (parked->moved == 0) {
        co_return;  // discarded meanwhile: nothing is left to read
    }
    log.error("message_unreadable", {{"mid", job.message}, {"reason", error}});
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
