// Lane, the claiming half: what is due becomes jobs for the workers.
#include "relay/lane.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/redirect.hpp"
#include "relay/router.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

using std::chrono::milliseconds;

constexpr milliseconds busy_look = std::chrono::seconds{1};    // while jobs are under way
constexpr milliseconds quiet_look = std::chrono::seconds{60};  // a full search, against surprises

}  // namespace

Lane::Lane(std::string server, const LaneContext& context)
    : name_{std::move(server)},
      context_{context},
      tls_clients_{context.queue},
      feed_{context.tasks.executor()},
      delivered_{context.metrics.counter(
          "siding_outcomes_total",
          "Recipient outcomes",
          {{"server", name_}, {"outcome", "delivered"}}
      )},
      deferred_{context.metrics.counter(
          "siding_outcomes_total",
          "Recipient outcomes",
          {{"server", name_}, {"outcome", "deferred"}}
      )},
      parked_{context.metrics.counter(
          "siding_outcomes_total", "Recipient outcomes", {{"server", name_}, {"outcome", "parked"}}
      )} {}

Result<void> Lane::start() {
    return context_.tasks.spawn(feed());
}

void Lane::wake(WallTime earliest) {
    look_from_ = std::min(look_from_, earliest);
    feed_.nudge();
}

void Lane::stop() {
    stopping_ = true;
    jobs_.clear();
    feed_.nudge();
    for (Wakeup* worker : idle_) {
        worker->nudge();
    }
}

LaneStatus Lane::status() const {
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    LaneStatus status;
    status.server = name_;
    if (server != config->servers.end()) {
        status.address = config::format_endpoint(server->second.address);
        status.connections_max = server->second.connections;
    }
    status.connections_open = connections_open_;
    status.in_flight = claimed_.size();
    if (paused_until_ > now()) {
        status.paused_until = paused_until_;
    }
    status.last_error = last_error_;
    status.last_delivery_at = last_delivery_at_;
    return status;
}

net::awaitable<void> Lane::feed() {
    while (!stopping_) {
        // A clock that was set back must not make a day of a minute.
        paused_until_ = std::min(paused_until_, now() + longest_pause);
        if (const auto left = paused_until_ - now(); left.count() > 0) {
            co_await feed_.wait(left);
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
            co_await feed_.wait(co_await next_look());
        }
    }
}

// Twice the connections, so that none waits for a page; one at a time while the server is in
// trouble.
bool Lane::wants_jobs() const {
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    if (server == config->servers.end()) {
        return false;
    }
    return failures_ > 0 ? claimed_.empty() : jobs_.size() < 2 * server->second.connections;
}

// False at the end of a pass over what is due.
net::awaitable<Result<bool>> Lane::claim_page() {
    if (cursor_.empty()) {
        // What stays claimed keeps the search from skipping it, should its attempt be taken back.
        WallTime from = std::exchange(look_from_, claimed_.empty() ? now() : look_from_);
        // A lane that is never idle must find again what it has lost sight of, too.
        const auto started_at = std::chrono::steady_clock::now();
        if (started_at - searched_at_ >= quiet_look) {
            searched_at_ = started_at;
            from = WallTime{};
        }
        cursor_ = context_.queue.store().due_cursor(name_, from);
    }
    const std::size_t rows_max = failures_ > 0 ? 1 : limits::claim_page_rows;
    auto read = [this, rows_max, at = now(), cursor = cursor_](const queue::Store& store) {
        return store.due(name_, at, cursor, rows_max);
    };
    SIDING_CO_ASSIGN(queue::ListPage page, co_await context_.queue.read(std::move(read)));
    if (paused_until_ > now()) {  // the server failed meanwhile: nothing is handed out
        look_again(page.rows);
        cursor_.clear();
        co_return true;
    }
    cursor_ = page.cursor;
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
    add_jobs(std::move(ours));
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

void Lane::add_jobs(std::vector<queue::Recipient> rows) {
    for (queue::Recipient& row : rows) {
        claimed_.insert(row.id);
        // Rows of one message stand together: same due time, neighbouring ids.
        if (jobs_.empty() || jobs_.back().message != row.id.message) {
            jobs_.push_back({row.id.message, {}});
        }
        jobs_.back().recipients.push_back(std::move(row));
    }
    staff();
}

// Wakes idle workers, and starts new ones up to the connections allowed.
void Lane::staff() {
    const auto config = context_.config.get();
    const auto server = config->servers.find(name_);
    const std::size_t workers_max =
        server == config->servers.end() ? 0 : server->second.connections;
    for (std::size_t open = jobs_.size(); open > 0; --open) {
        if (!idle_.empty()) {
            idle_.back()->nudge();
            idle_.pop_back();
        } else if (workers_ < workers_max && context_.tasks.spawn(work())) {
            workers_ += 1;
        } else {
            break;
        }
    }
}

}  // namespace siding::relay
