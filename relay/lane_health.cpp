// Lane, the judging part: whether and how much may go on.
#include "base/log.hpp"
#include "relay/lane.hpp"
#include "relay/lane_line.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"lane"};

}  // namespace

WallTime Lane::paused_until() const {
    return cooling_stops_all_ ? std::max(breaker_.open_until(), concurrency_.cool_until())
                              : breaker_.open_until();
}

bool Lane::may_go_on() const {
    return paused_until() <= now();
}

bool Lane::may_connect() const {
    return may_go_on() && !concurrency_.is_cooling(now());
}

bool Lane::is_probing() const {
    return breaker_.state(now()) == Breaker::State::half_open;
}

std::size_t Lane::connections_allowed() const {
    return is_probing() ? 1 : concurrency_.allowed();
}

bool Lane::others_work(const Line& line) const {
    return std::ranges::any_of(lines_, [&line](const Line* other) {
        return other != &line && other->session != nullptr && !other->failed &&
               (other->under_way > 0 || other->session->is_usable());
    });
}

// From the configuration and the clock.
void Lane::refresh() {
    const auto config = context_.config.get();
    if (const config::Server* found = server(*config)) {
        is_proxied_ = found->proxy_protocol;
        const LaneLimits limits = resolve_limits(*found);
        if (limits != limits_) {
            limits_ = limits;
            messages_learnt_ = 0;
            concurrency_.set_limits(limits);
            jobs_.set_limits(limits);
        }
    }
    breaker_.on_clock(now());
    concurrency_.on_clock(now());
    std::size_t staying = 0;
    for (Line* line : lines_) {
        staying += line->leaving ? 0 : 1;
        if (staying > concurrency_.allowed()) {
            staying -= 1;
            line->leaving = true;
            line->wakeup.nudge();
        }
    }
    allowed_gauge_.set(static_cast<double>(connections_allowed()));
    paused_gauge_.set(may_go_on() ? 0 : 1);
}

void Lane::on_answer(bool delivered) {
    breaker_.on_success();
    if (delivered) {
        concurrency_.on_delivered();
    }
    last_error_.clear();
    hint_.clear();
}

void Lane::on_trouble(Line& line, Trouble trouble, const smtp::Verdict& verdict) {
    if (trouble == Trouble::spent) {
        messages_learnt_ = line.taken;
        line.failed = true;
        return;
    }
    const bool is_connecting = line.session == nullptr;
    const bool is_news = trouble != Trouble::failure || !line.failed;
    line.failed = line.failed || trouble == Trouble::failure || verdict.is_about_session();
    if (!is_news) {
        return;  // the other transactions of a connection that is gone
    }
    last_error_ = verdict.text;
    // One connection more than others that work: it is too much, however the server says so.
    if (trouble == Trouble::failure && is_connecting && others_work(line)) {
        trouble = Trouble::load;
    }
    hint_ = hint_of(trouble);
    if (trouble == Trouble::failure) {
        if (!breaker_.on_failure(now(), others_work(line))) {
            return;
        }
    } else {
        const auto pressure = trouble == Trouble::reputation ? Concurrency::Pressure::reputation
                                                             : Concurrency::Pressure::load;
        const bool was_cooling = concurrency_.is_cooling(now());
        const bool counted = concurrency_.on_back_pressure(pressure, now());
        // A connection that is refused beside others that work: those go on.
        const bool stops_all = !is_connecting || !others_work(line);
        cooling_stops_all_ = stops_all || (was_cooling && cooling_stops_all_);
        back_pressures_ += counted ? 1 : 0;
        pressure_.add(counted ? 1 : 0);
        if (!counted) {
            return;
        }
    }
    const WallTime until = std::max(paused_until(), concurrency_.cool_until());
    log.warn(
        trouble == Trouble::failure ? "server_failed" : "server_wants_less",
        {{"route", name_},
         {"reason", verdict.text},
         {"connections", connections_allowed()},
         {"pause_ms", std::max<std::int64_t>((until - now()).count(), 0)}}
    );
    pause();
}

// What is claimed is claimed again when it may go on; until then a flip may send it elsewhere.
void Lane::pause() {
    if (may_go_on()) {
        return;
    }
    give_back(jobs_.clear());
    abandon_pass();
    loader_.nudge();
    feed_.nudge();
    for (Line* line : lines_) {
        line->wakeup.nudge();
    }
}

}  // namespace siding::relay
