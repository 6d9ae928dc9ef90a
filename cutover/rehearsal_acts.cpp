// What happens in each act of a rehearsal; their order stands in rehearsal_story.cpp.
#include "cutover/rehearsal_story.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace siding::cutover {
namespace {

namespace json = boost::json;
using std::chrono_literals::operator""s;
using Steady = std::chrono::steady_clock;

constexpr auto start_timeout = 30s;
constexpr auto stop_timeout = 20s;
constexpr double crash_after = 0.6;  // of the messages that are held

double seconds_since(Steady::time_point start, Steady::time_point end = Steady::now()) {
    return std::max(std::chrono::duration<double>(end - start).count(), 0.001);
}

}  // namespace

// -----------------------------------------------------------------------------------------

RehearsalStory::Played RehearsalStory::start() {
    SIDING_CO_TRY(old_.start());
    SIDING_CO_TRY(new_.start());
    PrivateDaemon::Options options;
    options.program = options_.sidingd;
    options.directory = options_.directory;
    options.hostname = hostname;
    options.domain = Proof::domain;
    options.phase = "pass_old";
    options.old_server = old_.address();
    options.new_server = new_.address();
    options.message_octets_max =
        std::max<std::uint64_t>(mail_.octets_max() + mail_.octets_max() / 8, 1024 * 1024);
    SIDING_CO_ASSIGN(daemon_, PrivateDaemon::create(std::move(options)));
    SIDING_CO_TRY(daemon_->start());
    auto listening = [this] { return daemon_->wait_until_listening(start_timeout); };
    SIDING_CO_ASSIGN(address_, co_await off_thread(listening));
    daemon_must_run_ = true;
    co_return Told{fmt::format(
        "sidingd :{} between the servers old :{} and new :{}",
        address_.port,
        old_.address().port,
        new_.address().port
    )};
}

RehearsalStory::Played RehearsalStory::pass_old() {
    co_return co_await pass_through(passed_old_, NextHop::old_server, "old");
}

RehearsalStory::Played RehearsalStory::hold() {
    SIDING_CO_TRY(co_await move_to("hold"));
    messages_before_hold_ = proof_.acknowledged();
    recipients_before_hold_ = proof_.acknowledged_recipients();
    octets_before_hold_ = proof_.acknowledged_octets();
    co_return Told{"flipped; from here on mail is stored and stays"};
}

RehearsalStory::Played RehearsalStory::crash() {
    const auto threshold = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(crash_after * static_cast<double>(held_.size()))
    );
    bool killed = false;
    const auto start = Steady::now();
    auto on_acknowledged = [this, threshold, start, &killed] {
        if (!killed && proof_.acknowledged() - messages_before_hold_ >= threshold) {
            killed = true;
            daemon_->kill();
            accept_seconds_ += seconds_since(start);
        }
    };
    daemon_must_run_ = false;
    SIDING_CO_TRY(sender_.start(open_in(held_), address_, on_acknowledged));
    expect_news();
    while (!sender_.is_done()) {
        view_.on_progress(proof_.acknowledged() - messages_before_hold_, held_.size());
        SIDING_CO_TRY(co_await pause());
    }
    if (!killed) {
        co_return Error{
            Errc::unavailable,
            fmt::format(
                "only {} of {} messages were taken before the last session ended",
                proof_.acknowledged() - messages_before_hold_,
                held_.size()
            )};
    }
    auto gone = [this] { return daemon_->wait_until_gone(stop_timeout); };
    SIDING_CO_TRY(co_await off_thread(gone));
    co_return Told{fmt::format(
        "in the middle of sending, after {} of {}",
        proof_.acknowledged() - messages_before_hold_,
        counted(held_.size(), "message")
    )};
}

RehearsalStory::Played RehearsalStory::restart() {
    const auto start = Steady::now();
    SIDING_CO_TRY(daemon_->start());
    auto listening = [this] { return daemon_->wait_until_listening(start_timeout); };
    SIDING_CO_ASSIGN(address_, co_await off_thread(listening));
    report_.restart = std::chrono::floor<std::chrono::milliseconds>(Steady::now() - start);
    daemon_must_run_ = true;
    SIDING_CO_ASSIGN(const std::uint64_t held, co_await count_held());
    if (!is_plausible(held)) {
        add_problem("restart: " + describe_held(held));
        co_return Told{describe_held(held), false};
    }
    co_return Told{fmt::format(
        "listens after {} ms; all that was acknowledged is there", report_.restart.count()
    )};
}

RehearsalStory::Played RehearsalStory::resend() {
    const std::size_t open = open_in(held_).size();
    const std::uint64_t before = proof_.acknowledged();
    const auto start = Steady::now();
    SIDING_CO_TRY(co_await send(held_));
    accept_seconds_ += seconds_since(start);
    const auto held = static_cast<double>(proof_.acknowledged() - messages_before_hold_);
    const auto octets = static_cast<double>(proof_.acknowledged_octets() - octets_before_hold_);
    report_.accepted_per_second = held / accept_seconds_;
    report_.accepted_octets_per_second = octets / accept_seconds_;
    co_return Told{
        fmt::format("the other {}, as a sender does that got no answer", counted(open, "message")),
        proof_.acknowledged() - before == open};
}

RehearsalStory::Played RehearsalStory::check_held() {
    SIDING_CO_ASSIGN(const std::uint64_t held, co_await count_held());
    const std::uint64_t left = proof_.arrivals(NextHop::new_server) +
                               proof_.arrivals(NextHop::old_server) - recipients_before_hold_;
    if (left > 0) {
        add_problem(fmt::format("held: {} copies left while mail was held", left));
    }
    if (!is_plausible(held)) {
        add_problem("held: " + describe_held(held));
    }
    const bool ok = left == 0 && is_plausible(held);
    co_return Told{
        ok ? fmt::format("{} in the queue, and nothing has left it", counted(held, "recipient"))
           : describe_held(held),
        ok};
}

RehearsalStory::Played RehearsalStory::release() {
    const json::object order{{"filter", json::object{}}, {"to", "new"}};
    const auto start = Steady::now();
    auto ordering = [this, &order] { return daemon_->post("/v1/releases", order); };
    SIDING_CO_ASSIGN(const json::object ordered, co_await off_thread(ordering));
    SIDING_CO_TRY(co_await wait_for_release(number_of(ordered, "release")));
    released_ = true;
    const double seconds = seconds_since(start, proof_.last_arrival().value_or(Steady::now()));
    if (proof_.arrivals(NextHop::new_server) > 0) {
        const auto messages = proof_.acknowledged() - messages_before_hold_;
        report_.released_per_second = static_cast<double>(messages) / seconds;
    }
    co_return Told{fmt::format("all that was held to the new server, in {:.1f} s", seconds)};
}

RehearsalStory::Played RehearsalStory::pass_new() {
    SIDING_CO_TRY(co_await move_to("release"));
    SIDING_CO_TRY(co_await move_to("pass_new"));
    co_return co_await pass_through(passed_new_, NextHop::new_server, "new");
}

RehearsalStory::Played RehearsalStory::compare() {
    SIDING_CO_TRY(co_await save_changed_copies());
    ProofSummary found = proof_.summary();
    report_.lost = found.lost;
    report_.changed = found.changed;
    report_.misrouted = found.misrouted;
    report_.refused = found.refused;
    report_.duplicates = found.duplicates;
    report_.surplus = found.surplus;
    report_.bare_newlines = found.bare_newlines;
    const bool ok = found.problems.empty() && found.changed == 0;
    if (found.changed > 0) {
        add_problem(fmt::format("{} arrived changed", counted(found.changed, "copy")));
    }
    std::ranges::move(found.problems, std::back_inserter(report_.problems));
    co_return Told{
        ok ? "every octet as it was sent, behind one Received line of ours"
           : "what arrived is not what was sent",
        ok};
}

RehearsalStory::Played RehearsalStory::audit() {
    const json::object deep{{"deep", true}};
    auto auditing = [this, &deep] { return daemon_->post("/v1/audit", deep); };
    SIDING_CO_ASSIGN(const json::object books, co_await off_thread(auditing));
    report_.balanced = flag_of(books, "balanced") && flag_of(books, "chain_ok");
    report_.accepted = number_of(books, "accepted");
    report_.delivered = number_of(books, "delivered");
    for (const char* state : {"held", "due", "in_flight", "parked", "discarded"}) {
        report_.elsewhere += number_of(books, state);
    }
    report_.ledger_entries = number_of(books, "ledger_entries");
    const auto arrived =
        proof_.arrivals(NextHop::old_server) + proof_.arrivals(NextHop::new_server);
    if (!report_.balanced) {
        add_problem("audit: the books do not balance");
        if (const json::value* problems = books.if_contains("problems");
            problems != nullptr && problems->is_array()) {
            for (const json::value& problem : problems->get_array()) {
                add_problem(
                    problem.is_string() ? "audit: " + std::string{problem.get_string()}
                                        : "audit: a problem without words"
                );
            }
        }
    } else if (report_.delivered != report_.accepted || report_.delivered != arrived) {
        add_problem(fmt::format(
            "audit: accepted {}, delivered {}, but {} arrived",
            report_.accepted,
            report_.delivered,
            arrived
        ));
    } else {
        co_return Told{fmt::format(
            "the books balance, and the chain of {} is whole",
            counted(report_.ledger_entries, "ledger line")
        )};
    }
    co_return Told{report_.problems.back(), false};
}

RehearsalStory::Played RehearsalStory::stop() {
    daemon_must_run_ = false;
    auto stopping = [this] { return daemon_->stop(stop_timeout); };
    SIDING_CO_TRY(co_await off_thread(stopping));
    co_return Told{"sidingd has drained and gone"};
}

}  // namespace siding::cutover
