// Lane, the sending part: workers, each with one connection at a time and as many transactions
// under way on it as it takes.
#include "relay/lane.hpp"
#include "relay/lane_line.hpp"
#include "relay/lane_transaction.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds idle_timeout = std::chrono::seconds{5};  // then the connection is closed
constexpr milliseconds barren_wait = std::chrono::seconds{1};
constexpr milliseconds quiet_wait = std::chrono::seconds{60};

}  // namespace

// Something could begin now, had it a connection.
bool Lane::has_work() {
    if (stopping_ || !may_go_on()) {
        return false;
    }
    return !staged_.empty() || loading_ > 0 || jobs_ready() > 0;
}

// Starts workers for what those that there are have no room for, up to the connections allowed.
void Lane::staff() {
    if (!has_work()) {
        return;
    }
    const std::size_t ready = staged_.size() + jobs_ready();
    std::size_t spare = workers_ - lines_.size();
    for (Line* line : lines_) {
        spare += line->session == nullptr && !is_proxied_ ? 1 : room(*line);
        if (line->session != nullptr && line->holders == 0 && !is_good(*line)) {
            line->wakeup.nudge();  // it has to connect again
            spare += 1;
        }
    }
    while (may_connect() && ready > spare && workers_ < connections_allowed() &&
           context_.tasks.spawn(work())) {
        workers_ += 1;
        spare += 1;
    }
}

std::size_t Lane::jobs_ready() {
    const auto ready_at = jobs_.ready_at(now());
    return ready_at && *ready_at <= now() ? std::max<std::size_t>(jobs_.size(), 1) : 0;
}

net::awaitable<void> Lane::work() {
    Line line{context_.tasks.executor()};
    lines_.push_back(&line);
    co_await serve(line);
    while (line.holders > 0) {
        co_await line.wakeup.wait(quiet_wait);
    }
    co_await hang_up(line);
    std::erase(lines_, &line);
    workers_ -= 1;
    loader_.nudge();
}

net::awaitable<void> Lane::serve(Line& line) {
    auto busy_at = steady_clock::now();
    while (!stopping_) {
        const bool is_ready = co_await prepare(line);
        if (!is_ready) {
            co_return;
        }
        if (is_proxied_) {
            co_await pump_for_clients(line);
        } else {
            pump(line);
        }
        const auto now_at = steady_clock::now();
        if (line.holders > 0) {
            busy_at = now_at;
            co_await line.wakeup.wait(quiet_wait);
            continue;
        }
        const auto left = std::chrono::ceil<milliseconds>(busy_at + idle_timeout - now_at);
        if (left.count() <= 0) {
            co_return;
        }
        co_await line.wakeup.wait(left);
    }
}

// Sees to the connection; false when the worker may go. What was closed by the server while it was
// idle, is spent, or leads to a server that a reload has replaced, is left.
net::awaitable<bool> Lane::prepare(Line& line) {
    const auto config = context_.config.get();
    const config::Server* target = server(*config);
    if (line.session != nullptr && (target == nullptr || !line.session->leads_to(*target))) {
        line.stale = true;
    }
    if (line.holders > 0) {
        co_return true;
    }
    if (line.session != nullptr && !is_good(line)) {
        const bool is_barren = !line.session->is_usable() && line.taken == 0 && line.refused > 0;
        co_await hang_up(line);
        if (is_barren) {
            co_await rest(line);
        }
    }
    // No server that wants to be left alone is kept company.
    if (line.leaving || target == nullptr || paused_until() - now() > idle_timeout) {
        co_return false;
    }
    if (line.session != nullptr || is_proxied_) {
        co_return true;
    }
    if (!has_work() || !may_connect()) {
        co_return false;
    }
    std::optional<net::Endpoint> nobody;
    auto failure = co_await connect(line, std::move(nobody));
    if (!failure) {
        loader_.nudge();
        co_return true;
    }
    co_await pay_for(line, std::move(*failure));
    co_return false;
}

net::awaitable<std::optional<smtp::Verdict>> Lane::connect(
    Line& line, std::optional<net::Endpoint> client
) {
    const auto config = context_.config.get();
    auto fresh = std::make_unique<OutboundSession>(context_.queue, tls_clients_, config->hostname);
    auto failure = co_await open(*fresh, *config, std::move(client));
    line.peer = fresh->peer();
    line.tls = fresh->tls();
    if (failure) {
        co_return failure;
    }
    if (const auto loop = check_loop(config->hostname, fresh->greeting(), fresh->server_name())) {
        co_await fresh->close();
        co_return smtp::judge_loss(smtp::Stage::hello, *loop);
    }
    line.session = std::move(fresh);
    line.failed = false;
    line.sent = 0;
    line.taken = 0;
    line.refused = 0;
    connections_gauge_.add(1);
    co_return std::nullopt;
}

net::awaitable<std::optional<smtp::Verdict>> Lane::open(
    OutboundSession& session, const config::Config& config, std::optional<net::Endpoint> client
) {
    const config::Server* target = server(config);
    if (target == nullptr) {
        co_return smtp::judge_loss(smtp::Stage::connect, "the server is not configured any more");
    }
    if (context_.next_hops == nullptr) {
        co_return co_await session.open(*target);
    }
    const auto candidates = co_await context_.next_hops->find(*target);
    if (!candidates) {
        co_return smtp::judge_loss(smtp::Stage::connect, candidates.error().message());
    }
    co_return co_await session.open(*target, *candidates, std::move(client));
}

net::awaitable<void> Lane::hang_up(Line& line) {
    if (line.session != nullptr) {
        co_await line.session->close();
        line.session.reset();
        line.stale = false;
        connections_gauge_.add(-1);
    }
}

// Of a server that has nothing but refusals, greylisting for one, we ask on, but not as fast as it
// can answer: each of its noes costs it an error, and a few errors the connection.
net::awaitable<void> Lane::rest(Line& line) {
    const auto until = steady_clock::now() + barren_wait;
    while (!stopping_ && !line.leaving) {
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        if (left.count() <= 0) {
            co_return;
        }
        co_await line.wakeup.wait(left);
    }
}

// One message hears why it waits, so that the listings say so; the others wait unburnt.
net::awaitable<void> Lane::pay_for(Line& line, smtp::Verdict failure) {
    std::vector<LaneJob> payer;
    if (!others_work(line)) {
        payer = jobs_.take(1, recipients_max(), now());
    }
    on_trouble(line, trouble_of(failure, false), failure);
    if (payer.empty() || !is_still_ours(payer.front())) {
        for (const LaneJob& job : payer) {
            jobs_.put_back(job);
            give_back(job.recipients);
        }
        co_return;
    }
    std::vector<queue::Recipient> recipients = co_await start_attempt(std::move(payer.front()));
    if (!recipients.empty()) {
        std::vector<smtp::Verdict> verdicts(recipients.size(), failure);
        std::vector<std::string> unchanged;
        co_await conclude(line, std::move(recipients), std::move(verdicts), std::move(unchanged));
    }
}

// Good for one more transaction, when its turn comes.
bool Lane::is_good(const Line& line) const {
    if (line.failed || line.leaving || line.stale) {
        return false;
    }
    if (line.session == nullptr) {
        return is_proxied_;
    }
    const std::size_t configured = limits_.messages_per_connection;
    return line.session->is_usable() && (configured == 0 || line.sent < configured) &&
           (messages_learnt_ == 0 || line.sent < messages_learnt_);
}

std::size_t Lane::room(const Line& line) const {
    if (!is_good(line)) {
        return 0;
    }
    std::size_t window = line.session == nullptr ? 1 : line.session->window();
    if (is_probing() || is_proxied_) {
        window = 1;
    }
    if (limits_.messages_per_connection != 0) {
        window = std::min(window, line.under_way + limits_.messages_per_connection - line.sent);
    }
    if (messages_learnt_ != 0) {
        window = std::min(window, line.under_way + messages_learnt_ - line.sent);
    }
    return window > line.under_way ? window - line.under_way : 0;
}

void Lane::nudge_lines() {
    for (Line* line : lines_) {
        if (stopping_ || line->leaving || room(*line) > 0) {
            line->wakeup.nudge();
        }
    }
}

void Lane::pump(Line& line) {
    while (!stopping_ && may_go_on() && !staged_.empty() && room(line) > 0) {
        send(line, next_staged(line.session->recipients_max()));
    }
}

// To connect for somebody else's message would put its words into another's mouth: PROXY says who
// the client is, once for each connection.
net::awaitable<void> Lane::pump_for_clients(Line& line) {
    while (!stopping_ && may_go_on() && !staged_.empty() && room(line) > 0 && line.holders == 0) {
        const auto client = client_of(staged_.front().prepared->envelope);
        if (line.session != nullptr && !line.session->speaks_for(client)) {
            co_await hang_up(line);
            continue;
        }
        if (line.session != nullptr) {
            send(line, next_staged(line.session->recipients_max()));
            co_return;
        }
        Started started = next_staged(0);
        auto failure = co_await connect(line, client);
        if (!failure) {
            staged_.push_front(std::move(started));
            continue;
        }
        octets_held_ -= started.prepared->first_chunk.size();
        std::vector<smtp::Verdict> verdicts(started.job.recipients.size(), *failure);
        std::vector<std::string> unchanged;
        co_await conclude(
            line, std::move(started.job.recipients), std::move(verdicts), std::move(unchanged)
        );
        line.failed = false;  // of the attempt to connect
    }
}

// The first of those that stand ready, or as much of it as goes in one transaction: the recipients
// beyond stay in front.
Lane::Started Lane::next_staged(std::size_t recipients_max) {
    Started out = std::move(staged_.front());
    staged_.pop_front();
    std::vector<queue::Recipient>& all = out.job.recipients;
    if (recipients_max != 0 && all.size() > recipients_max) {
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(recipients_max);
        LaneJob rest{out.job.message, {std::move_iterator{end}, std::move_iterator{all.end()}}};
        all.erase(end, all.end());
        octets_held_ += out.prepared->first_chunk.size();
        staged_.emplace_front(std::move(rest), out.prepared);
    }
    return out;
}

void Lane::send(Line& line, Started started) {
    if (!is_still_ours(started.job)) {
        unsent_.push_back(std::move(started));
        loader_.nudge();
        return;
    }
    auto shared = std::make_shared<const Started>(std::move(started));
    if (!context_.tasks.spawn(deliver(line, shared))) {
        unsent_.push_back(*shared);
        line.leaving = true;
        loader_.nudge();
        return;
    }
    line.under_way += 1;
    line.holders += 1;
    line.sent += 1;
}

net::awaitable<void> Lane::deliver(Line& line, std::shared_ptr<const Started> started) {
    const auto config = context_.config.get();
    const config::Server* target = server(*config);
    const config::Server gone;
    Remapping remapping;
    if (context_.remaps != nullptr) {
        remapping = [remaps = context_.remaps](std::string_view address) {
            return remaps->find(address);
        };
    }
    LaneTransaction made = make_transaction(
        started->prepared->envelope,
        started->job.recipients,
        target == nullptr ? gone : *target,
        remapping
    );
    auto sent = co_await line.session->send(
        started->prepared->envelope, started->prepared->first_chunk, std::move(made.transaction)
    );
    octets_held_ -= started->prepared->first_chunk.size();
    line.under_way -= 1;
    std::vector<queue::Recipient> recipients = started->job.recipients;
    if (sent.body_error) {
        // The server got no end, so it has dropped the message; and it did nothing wrong.
        line.failed = true;
        Error error = *sent.body_error;
        co_await park_unreadable(std::move(recipients), std::move(error));
    } else {
        co_await conclude(
            line, std::move(recipients), std::move(sent.verdicts), std::move(made.sent_as)
        );
    }
    line.holders -= 1;
    line.wakeup.nudge();
    loader_.nudge();
}

}  // namespace siding::relay
