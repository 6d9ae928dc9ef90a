#include "backfill/connection_limit.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds doubling_window = 500ms;
constexpr std::chrono::milliseconds window = 5s;
// What a message costs beside its octets: a small one takes as long as so many octets.
constexpr double message_octets = 16 * 1024;
// Of what as many more connections would bring if the server were idle: less is no gain.
constexpr double gain_worth = 0.3;
constexpr std::chrono::milliseconds rest_without_gain = 30s;
constexpr std::chrono::milliseconds rest_after_throttling = 1min;
constexpr std::chrono::milliseconds rest_after_refusal = 10min;
constexpr std::chrono::milliseconds rest_after_refusal_max = 4h;
// Several answers about one burst of ours are one answer.
constexpr std::chrono::milliseconds one_shrinking = 5s;

}  // namespace

ConnectionLimit::ConnectionLimit(std::size_t start, std::size_t ceiling)
    : limit_{std::clamp<std::size_t>(start, 1, std::max<std::size_t>(ceiling, 1))},
      ceiling_{std::max<std::size_t>(ceiling, 1)},
      refusal_rest_{rest_after_refusal} {}

void ConnectionLimit::on_let_in(std::size_t open) {
    limit_ = std::max(limit_, std::min(open, ceiling_));
}

void ConnectionLimit::on_too_many(std::size_t open, WallTime now) {
    has_been_refused_ = true;
    const bool is_same_burst = shrunk_at_ != WallTime{} && now - shrunk_at_ < one_shrinking;
    shrink(std::min(open, limit_), now, is_same_burst ? 0ms : refusal_rest_);
    if (!is_same_burst) {
        refusal_rest_ = std::min(2 * refusal_rest_, rest_after_refusal_max);
    }
}

void ConnectionLimit::on_throttled(WallTime now) {
    if (shrunk_at_ == WallTime{} || now - shrunk_at_ >= one_shrinking) {
        shrink(limit_ / 2, now, rest_after_throttling);
    }
}

void ConnectionLimit::shrink(std::size_t to, WallTime now, std::chrono::milliseconds rest) {
    limit_ = std::max<std::size_t>(to, 1);
    is_doubling_ = false;
    before_.reset();
    shrunk_at_ = now;
    next_try_ = std::max(next_try_, now + rest);
    window_began_ = now;
    work_ = 0;
    was_binding_ = false;
}

void ConnectionLimit::on_time(WallTime now) {
    if (limit_ < ceiling_ && shrunk_at_ != WallTime{} && now >= next_try_) {
        next_try_ = now + rest_without_gain;
        before_.reset();
        ++limit_;
    }
}

void ConnectionLimit::on_wanted(WallTime now) {
    if (is_doubling_ && now - worked_at_ >= window && now >= next_try_) {
        grow();
        next_try_ = now + doubling_window;
    }
}

void ConnectionLimit::on_work(
    std::uint64_t octets, std::uint64_t messages, bool is_binding, WallTime now
) {
    if (window_began_ == WallTime{}) {
        window_began_ = now;
        was_binding_ = is_binding;
    }
    if (octets + messages > 0) {
        worked_at_ = now;
    }
    work_ += static_cast<double>(octets) + message_octets * static_cast<double>(messages);
    const auto passed = now - window_began_;
    if (passed < (is_doubling_ ? doubling_window : window)) {
        return;
    }
    if (was_binding_ && is_binding && work_ > 0) {
        evaluate(std::chrono::duration<double>(passed).count(), now);
    } else {
        before_.reset();
    }
    window_began_ = now;
    work_ = 0;
    was_binding_ = is_binding;
}

void ConnectionLimit::evaluate(double seconds, WallTime now) {
    const double rate = work_ / seconds;
    if (before_ && before_->limit < limit_) {
        const double more = static_cast<double>(limit_) / static_cast<double>(before_->limit) - 1;
        if (rate < before_->rate * (1 + gain_worth * more)) {
            limit_ = before_->limit;
            is_doubling_ = false;
            before_.reset();
            next_try_ = now + rest_without_gain;
            return;
        }
    }
    if (limit_ < ceiling_ && now >= next_try_) {
        before_ = Measured{limit_, rate};
        grow();
    }
}

void ConnectionLimit::grow() {
    limit_ = std::min(ceiling_, is_doubling_ ? 2 * limit_ : limit_ + 1);
}

}  // namespace siding::backfill
