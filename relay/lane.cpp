// Lane, the claiming part: what is due becomes jobs.
#include "relay/lane.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/lane_line.hpp"
#include "relay/redirect.hpp"
#include "relay/router.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

using std::chrono::milliseconds;

constexpr milliseconds busy_look = std::chrono::seconds{1};    // while jobs are under way
constexpr milliseconds quiet_look = std::chrono::seconds{60};  // a full search, against surprises
// Rows that a limit keeps in the store are looked for again so often.
constexpr milliseconds overflow_look = std::chrono::seconds{30};
constexpr std::size_t jobs_min = 64;  // fewer are not worth to be waited for

Counter outcomes(Metrics& metrics, const std::string& server, const std::string& outcome) {
    return metrics.counter(
        "siding_outcomes_total", "Recipient outcomes", {{"server", server}, {"outcome", outcome}}
    );
}

}  // namespace

Lane::Lane(std::string server, const LaneContext& context)
    : name_{std::move(server)},
      context_{context},
      tls_clients_{context.queue},
      feed_{context.tasks.executor()},
      loader_{context.tasks.executor()},
      concurrency_{limits_},
      delivered_{outcomes(context.metrics, name_, "delivered")},
      deferred_{outcomes(context.metrics, name_, "deferred")},
      parked_{outcomes(context.metrics, name_, "parked")},
      pressure_{context.metrics.counter(
          "siding_lane_back_pressure_total",
          "Times that a server wanted us to go slower",
          {{"server", name_}}
      )},
      connections_gauge_{context.metrics.gauge(
          "siding_lane_connections", "Connections to a server", {{"server", name_}}
      )},
      allowed_gauge_{context.metrics.gauge(
          "siding_lane_connections_allowed",
          "Connections that a server gets for now",
          {{"server", name_}}
      )},
      paused_gauge_{context.metrics.gauge(
          "siding_lane_paused", "1 while nothing new is sent to a server", {{"server", name_}}
      )} {
    if (const config::Server* found = this->server(*context.config.get())) {
        limits_ = resolve_limits(*found);
        concurrency_ = Concurrency{limits_};
        jobs_.set_limits(limits_);
    }
}

Lane::~Lane() = default;

Result<void> Lane::start() {
    SIDING_TRY(context_.tasks.spawn(load()));
    return context_.tasks.spawn(feed());
}

void Lane::wake(WallTime earliest) {
    look_from_ = std::min(look_from_, earliest);
    feed_.nudge();
}

void Lane::stop() {
    stopping_ = true;
    give_back(jobs_.clear());
    feed_.nudge();
    loader_.nudge();
    nudge_lines();
}

const config::Server* Lane::server(const config::Config& config) const {
    const auto found = config.servers.find(name_);
    return found == config.servers.end() ? nullptr : &found->second;
}

LaneStatus Lane::status() const {
    const auto config = context_.config.get();
    LaneStatus status;
    status.server = name_;
    if (const config::Server* found = server(*config)) {
        status.address = config::format_endpoint(found->address);
        status.profile = profile_name(found->profile);
        status.connections_max = limits_.connections;
    }
    status.connections_open = static_cast<std::size_t>(
        std::ranges::count_if(lines_, [](const Line* line) { return line->session != nullptr; })
    );
    status.concurrency = connections_allowed();
    status.in_flight = claimed_.size();
    status.waiting = jobs_.waiting();
    status.breaker = format_breaker(breaker_.state(now()));
    if (paused_until() > now()) {
        status.paused_until = paused_until();
    }
    if (concurrency_.is_cooling(now())) {
        status.cool_until = concurrency_.cool_until();
    }
    status.back_pressure = back_pressures_;
    status.rate = limits_.rate;
    status.domain_rate = limits_.domain_rate;
    status.recipient_rate = limits_.recipient_rate;
    status.messages_per_minute = delivered_rate_.per_minute(now());
    status.last_error = last_error_;
    status.hint = hint_;
    status.last_delivery_at = last_delivery_at_;
    return status;
}

net::awaitable<void> Lane::feed() {
    while (!stopping_) {
        refresh();
        if (const auto left = paused_until() - now(); left.count() > 0) {
            co_await feed_.wait(std::min<milliseconds>(left, quiet_look));
            continue;
        }
        if (!wants_jobs()) {
            co_await feed_.wait(quiet_look);
            continue;
        }
        const auto more = co_await claim_page();
        if (!more) {
            log.error("claim_failed", {{"route", name_}, {"reason", more.error()}});
            co_await feed_.wait(busy_look);
        } else if (!*more) {
            const milliseconds wait = co_await next_look();
            co_await feed_.wait(wait);
        }
    }
}

// As many again as its connections can take, so that none waits for a page; one at a time while the
// server is in trouble.
bool Lane::wants_jobs() const {
    const auto config = context_.config.get();
    if (server(*config) == nullptr || stopping_) {
        return false;
    }
    if (is_probing()) {
        return claimed_.empty();
    }
    std::size_t windows = 0;
    for (const Line* line : lines_) {
        windows += line->session != nullptr ? line->session->window() : 0;
    }
    const std::size_t wanted = std::max({2 * limits_.connections, 2 * windows, jobs_min});
    return jobs_.size() < wanted && jobs_.waiting() < LaneJobs::waiting_max;
}

void Lane::begin_pass() {
    const auto started_at = std::chrono::steady_clock::now();
    WallTime from = std::exchange(look_from_, now());
    // A lane that is never idle must find again what it has lost sight of, too.
    if (started_at - searched_at_ >= quiet_look) {
        searched_at_ = started_at;
        from = WallTime{};
    }
    if (overflow_from_ != WallTime::max() && started_at - overflow_at_ >= overflow_look) {
        overflow_at_ = started_at;
        from = std::min(from, std::exchange(overflow_from_, WallTime::max()));
    }
    pass_at_ = from;
    cursor_ = context_.queue.store().due_cursor(name_, from);
}

// What it has not come to is looked for again.
void Lane::abandon_pass() {
    if (!cursor_.empty()) {
        look_from_ = std::min(look_from_, pass_at_);
        cursor_.clear();
    }
}

// False at the end of a pass over what is due.
net::awaitable<Result<bool>> Lane::claim_page() {
    if (cursor_.empty()) {
        begin_pass();
    }
    const std::size_t rows_max = is_probing() ? 1 : limits::claim_page_rows;
    auto read = [this, rows_max, at = now(), cursor = cursor_](const queue::Store& store) {
        return store.due(name_, at, cursor, rows_max);
    };
    auto found = co_await context_.queue.read(std::move(read));
    if (!found) {
        abandon_pass();
        co_return found.error();
    }
    queue::ListPage page = std::move(*found);
    if (cursor_.empty() || stopping_ || paused_until() > now()) {
        // The server failed meanwhile: nothing is handed out.
        look_again(page.rows);
        abandon_pass();
        co_return true;
    }
    cursor_ = page.cursor;
    if (!page.rows.empty()) {
        pass_at_ = page.rows.back().due_at;
    }
    const auto phases = context_.queue.phases();
    std::vector<queue::Recipient> ours;
    std::vector<queue::Recipient> others;
    for (queue::Recipient& row : page.rows) {
        if (claimed_.contains(row.id)) {
            continue;
        }
        const auto to = route(*phases, row.domain, row.wave, row.pinned_server);
        (to == name_ ? ours : others).push_back(std::move(row));
    }
    for (const queue::Recipient& row : ours) {
        claimed_.insert(row.id);
    }
    // A page without anything new wakes nobody: whoever waits for jobs would ask for the next one.
    if (!ours.empty()) {
        jobs_.add(std::move(ours));
        staff();
        loader_.nudge();
    }
    if (!others.empty()) {
        auto redirected = co_await redirect(context_.queue, others, context_.wake_lane);
        if (!redirected) {
            look_again(others);
            co_return redirected.error();
        }
    }
    co_return !cursor_.empty();
}

// How long nothing can become due, as far as is known; wake() cuts it short.
net::awaitable<milliseconds> Lane::next_look() {
    if (overflow_from_ != WallTime::max()) {
        co_return overflow_look;
    }
    if (!claimed_.empty()) {
        co_return busy_look;
    }
    auto read = [this](const queue::Store& store) { return store.first_due_at(name_); };
    const auto first = co_await context_.queue.read(read);
    if (!first || !*first) {
        co_return quiet_look;
    }
    look_from_ = std::min(look_from_, **first);
    co_return std::clamp(**first - now(), milliseconds{1}, quiet_look);
}

// They are still due, and no pass may start above them.
void Lane::look_again(const std::vector<queue::Recipient>& rows) {
    for (const queue::Recipient& row : rows) {
        look_from_ = std::min(look_from_, row.due_at);
    }
}

// The same of claimed ones.
void Lane::give_back(const std::vector<queue::Recipient>& rows) {
    look_again(rows);
    for (const queue::Recipient& row : rows) {
        claimed_.erase(row.id);
    }
    feed_.nudge();
}

// Claimed ones that cannot go now and need not be looked for at once.
void Lane::leave(const std::vector<queue::Recipient>& rows) {
    for (const queue::Recipient& row : rows) {
        claimed_.erase(row.id);
        overflow_from_ = std::min(overflow_from_, row.due_at);
    }
}

// A flip since the page was claimed counts from here on: the next claim redirects it.
bool Lane::is_still_ours(const LaneJob& job) const {
    const auto phases = context_.queue.phases();
    return std::ranges::all_of(job.recipients, [&](const queue::Recipient& row) {
        return route(*phases, row.domain, row.wave, row.pinned_server) == name_;
    });
}

}  // namespace siding::relay
