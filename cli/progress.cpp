#include "cli/progress.hpp"

#include "base/bytes.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto rate_window = 10s;
constexpr unsigned log_step_percent = 5;
constexpr std::size_t bar_columns = 20;

unsigned percent_of(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return 0;
    }
    const double share = static_cast<double>(part) / static_cast<double>(whole);
    return std::min(static_cast<unsigned>(share * 100), 100U);
}

std::string format_rate(double per_second) {
    return per_second < 9.95
               ? fmt::format("{:.1f}/s", per_second)
               : fmt::format("{}/s", human_count(static_cast<std::uint64_t>(per_second)));
}

// The daemon knows a job's rate; otherwise what was seen goes on.
std::string format_left(const ReleaseProgress& progress, std::uint64_t left, double per_second) {
    if (progress.state == "canary") {
        return "waiting for the canary";
    }
    if (per_second <= 0) {
        return "waiting; siding status says for what";
    }
    const auto seconds = static_cast<std::int64_t>(static_cast<double>(left) / per_second);
    return fmt::format(
        "{}  {} left",
        format_rate(per_second),
        human_duration(progress.time_left.value_or(std::chrono::seconds{seconds}))
    );
}

std::uint64_t all_of(const ReleaseProgress& progress) {
    return progress.complete ? progress.chosen : std::max(progress.chosen, progress.total);
}

std::string format_parked(const ReleaseProgress& progress) {
    return progress.parked == 0 ? "" : fmt::format("  {} parked", human_count(progress.parked));
}

std::optional<std::chrono::seconds> seconds_at(
    const boost::json::object& from, std::string_view key
) {
    const boost::json::value* const value = from.if_contains(key);
    return value == nullptr || value->is_null()
               ? std::nullopt
               : std::optional{std::chrono::seconds{number_at(from, key)}};
}

}  // namespace

ReleaseProgress make_progress(const boost::json::object& release) {
    const boost::json::object& counts = object_at(release, "counts");
    return ReleaseProgress{
        .release = number_at(release, "id"),
        .server = escape(text_at(release, "server")),
        .state = escape(text_at(release, "state")),
        .why = escape(text_at(release, "why")),
        .total = number_at(release, "total"),
        .chosen = number_at(release, "chosen"),
        .complete = flag_at(release, "complete"),
        .done = flag_at(release, "done"),
        .waiting = number_at(counts, "due") + number_at(counts, "in_flight"),
        .delivered = number_at(counts, "delivered"),
        .parked = number_at(counts, "parked"),
        .others = number_at(counts, "held") + number_at(counts, "discarded"),
        .time_left = seconds_at(release, "seconds_left"),
    };
}

std::string progress_text(const ReleaseProgress& progress) {
    if (progress.state == "paused") {
        return progress.why.empty() ? "paused" : "paused: " + progress.why;
    }
    if (progress.state == "cancelled" || progress.state == "canary") {
        return progress.state;
    }
    if (progress.done) {
        return progress.parked == 0 ? "done" : "done, some parked";
    }
    return progress.complete ? "under way" : "running";
}

double ProgressPrinter::rate(const ReleaseProgress& progress, WallTime now) {
    samples_.push_back({now, progress.ended()});
    while (samples_.size() > 2 && samples_[1].at <= now - rate_window) {
        samples_.pop_front();
    }
    const Sample& first = samples_.front();
    const std::chrono::duration<double> span = now - first.at;
    if (span <= 0s || progress.ended() <= first.ended) {
        return 0;
    }
    return static_cast<double>(progress.ended() - first.ended) / span.count();
}

void ProgressPrinter::show(const ReleaseProgress& progress, WallTime now) {
    const double per_second = rate(progress, now);
    if (terminal_.watched) {
        draw(progress, per_second);
    } else {
        log_line(progress, per_second);
    }
    first_ = false;
}

std::string ProgressPrinter::bar(unsigned percent) const {
    const std::size_t full = bar_columns * percent / 100;
    std::string done;
    std::string open;
    for (std::size_t i = 0; i < bar_columns; ++i) {
        (i < full ? done : open) += i < full ? "━" : "─";
    }
    return terminal_.paint(done, Colour::green) + terminal_.paint(open, Colour::dim);
}

void ProgressPrinter::draw(const ReleaseProgress& progress, double per_second) {
    const std::uint64_t all = all_of(progress);
    const std::string text = fmt::format(
        "{:3}%  {}/{}{}{}",
        percent_of(progress.ended(), all),
        human_count(progress.ended()),
        human_count(all),
        format_parked(progress),
        first_ ? ""
               : "  " + format_left(progress, all - std::min(all, progress.ended()), per_second)
    );
    // One column stays free: a full line would wrap on some terminals.
    const std::size_t room =
        terminal_.width > bar_columns + 2 ? terminal_.width - bar_columns - 2 : bar_columns;
    fmt::print(
        terminal_.out, "\r\x1b[K{} {}", bar(percent_of(progress.ended(), all)), fit(text, room)
    );
    terminal_.out.flush();
    drawn_ = true;
}

void ProgressPrinter::log_line(const ReleaseProgress& progress, double per_second) {
    const std::uint64_t all = all_of(progress);
    const unsigned percent = percent_of(progress.ended(), all);
    if (percent < next_percent_ || progress.done) {
        return;
    }
    next_percent_ = percent - percent % log_step_percent + log_step_percent;
    fmt::print(
        terminal_.out,
        "{}%  {}/{}{}{}\n",
        percent,
        human_count(progress.ended()),
        human_count(all),
        format_parked(progress),
        first_ ? "" : "  " + format_rate(per_second)
    );
    terminal_.out.flush();
}

void ProgressPrinter::close() {
    if (drawn_) {
        fmt::print(terminal_.out, "\r\x1b[K");
        drawn_ = false;
    }
}

}  // namespace siding::cli
