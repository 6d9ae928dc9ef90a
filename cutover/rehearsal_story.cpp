#include "cutover/rehearsal_story.hpp"

#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fstream>

namespace siding::cutover {
namespace {

namespace json = boost::json;
using net::awaitable;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Steady = std::chrono::steady_clock;

constexpr const char* hostname = "siding.rehearsal.example";
constexpr const char* domain = "rehearsal.example";

constexpr auto poll_interval = 5ms;
constexpr auto patience = 30s;  // without a single event
constexpr auto start_timeout = 30s;
constexpr auto stop_timeout = 20s;
constexpr std::size_t send_rounds_max = 5;
constexpr double crash_after = 0.6;  // of the messages that are held

// A twentieth each shows what it is like before and after; the rest is held.
constexpr std::size_t passed_part = 20;
constexpr std::size_t passed_max = 25;

double seconds_since(Steady::time_point start, Steady::time_point end = Steady::now()) {
    return std::max(std::chrono::duration<double>(end - start).count(), 0.001);
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

Sink::Options sink_options(const char* name, const MailSource& mail) {
    Sink::Options options;
    options.hostname = name;
    options.message_octets_max = 2 * mail.octets_max() + 1024 * 1024;
    return options;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view octets) {
    std::ofstream file{path, std::ios::binary};
    file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    file.close();
    if (!file) {
        return Error{Errc::internal, "cannot write " + path.string()};
    }
    return {};
}

}  // namespace

RehearsalStory::RehearsalStory(
    net::asio::any_io_executor executor,
    net::asio::any_io_executor blocking,
    Options options,
    const MailSource& mail,
    RehearsalView& view
)
    : executor_{std::move(executor)},
      blocking_{std::move(blocking)},
      options_{std::move(options)},
      mail_{mail},
      view_{view},
      proof_{hostname, mail.size()},
      old_{
          executor_,
          [&] {
              auto made = sink_options("old.rehearsal.example", mail);
              made.on_arrival = [this](const Arrival& arrival) {
                  proof_.on_arrival(NextHop::old_server, arrival);
              };
              return made;
          }()},
      new_{
          executor_,
          [&] {
              auto made = sink_options("new.rehearsal.example", mail);
              made.on_arrival = [this](const Arrival& arrival) {
                  proof_.on_arrival(NextHop::new_server, arrival);
              };
              return made;
          }()},
      sender_{executor_, blocking_, mail, proof_} {
    const std::size_t all = mail.size();
    const std::size_t part =
        all < 3 ? 0 : std::clamp<std::size_t>(all / passed_part, 1, passed_max);
    passed_old_ = {0, part};
    held_ = {part, all - part};
    passed_new_ = {all - part, all};
    for (std::size_t number = 0; number < part; ++number) {
        proof_.expect_at(number, NextHop::old_server);
    }
}

awaitable<RehearsalReport> RehearsalStory::play() {
    using Self = RehearsalStory;
    static constexpr std::array acts{
        Act{"start", &Self::start},
        Act{"pass_old", &Self::pass_old},
        Act{"hold", &Self::hold},
        Act{"kill -9", &Self::crash},
        Act{"restart", &Self::restart},
        Act{"resend", &Self::resend},
        Act{"held", &Self::check_held},
        Act{"release", &Self::release},
        Act{"pass_new", &Self::pass_new},
        Act{"compare", &Self::compare, true},
        Act{"audit", &Self::audit, true},
        Act{"stop", &Self::stop},
    };
    const auto started = Steady::now();
    bool failed = false;
    for (const Act& act : acts) {
        if (!failed || (act.is_verdict && released_ && !interrupted_)) {
            failed = !co_await play_one(act) || failed;
        }
    }
    report_.took = std::chrono::floor<std::chrono::milliseconds>(Steady::now() - started);
    report_.interrupted = interrupted_;
    report_.messages = proof_.acknowledged();
    report_.recipients = proof_.acknowledged_recipients();
    report_.octets = proof_.acknowledged_octets();
    co_await sender_.stop();
    daemon_.reset();
    co_await old_.stop();
    co_await new_.stop();
    co_return std::move(report_);
}

// Whether the next act can be played.
awaitable<bool> RehearsalStory::play_one(Act act) {
    view_.on_step(act.name);
    const auto told = co_await (this->*act.play)();
    if (told) {
        view_.on_step_end(told->text, told->ok);
        co_return true;
    }
    const std::string reason = interrupted_ ? "interrupted" : told.error().message();
    if (!interrupted_) {
        add_problem(fmt::format("{}: {}", act.name, reason));
    }
    view_.on_step_end(reason, false);
    co_return false;
}

// --- acts
// -----------------------------------------------------------------------------------------

RehearsalStory::Played RehearsalStory::start() {
    SIDING_CO_TRY(old_.start());
    SIDING_CO_TRY(new_.start());
    PrivateDaemon::Options options;
    options.program = options_.sidingd;
    options.directory = options_.directory;
    options.hostname = hostname;
    options.domain = domain;
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

// --- what the acts share
// --------------------------------------------------------------------------

std::vector<std::size_t> RehearsalStory::open_in(Range range) const {
    std::vector<std::size_t> open;
    for (std::size_t number = range.begin; number < range.end; ++number) {
        if (proof_.is_open(number)) {
            open.push_back(number);
        }
    }
    return open;
}

// Until none is open, with a few tries for each.
awaitable<Result<void>> RehearsalStory::send(Range range) {
    for (std::size_t round = 0; round < send_rounds_max; ++round) {
        std::vector<std::size_t> open = open_in(range);
        if (open.empty()) {
            break;
        }
        const std::size_t before = open.size();
        const std::uint64_t acknowledged = proof_.acknowledged();
        SIDING_CO_TRY(sender_.start(std::move(open), address_));
        expect_news();
        while (!sender_.is_done()) {
            view_.on_progress(proof_.acknowledged() - acknowledged, before);
            SIDING_CO_TRY(co_await pause());
        }
    }
    co_return Result<void>{};
}

awaitable<Result<RehearsalStory::Told>> RehearsalStory::pass_through(
    Range range, NextHop hop, std::string_view server
) {
    if (range.size() == 0) {
        co_return Told{"left out: too few messages"};
    }
    const std::uint64_t arrived = proof_.arrivals(hop);
    const std::uint64_t acknowledged = proof_.acknowledged_recipients();
    SIDING_CO_TRY(co_await send(range));
    const std::uint64_t expected = proof_.acknowledged_recipients() - acknowledged;
    expect_news();
    while (proof_.arrivals(hop) - arrived < expected) {
        view_.on_progress(proof_.arrivals(hop) - arrived, expected);
        SIDING_CO_TRY(co_await pause());
    }
    co_return Told{
        fmt::format(
            "{} straight through to the {} server", counted(range.size(), "message"), server
        ),
        open_in(range).empty()};
}

awaitable<Result<void>> RehearsalStory::move_to(std::string phase) {
    const json::object body{{"phase", phase}, {"why", "rehearsal"}};
    auto moving = [this, &body] { return daemon_->put(std::string{"/v1/phases/"} + domain, body); };
    SIDING_CO_TRY(co_await off_thread(moving));
    co_return Result<void>{};
}

awaitable<Result<std::uint64_t>> RehearsalStory::count_held() {
    auto counting = [this] { return daemon_->get("/v1/queue/count", {{"state", "held"}}); };
    SIDING_CO_ASSIGN(const json::object counts, co_await off_thread(counting));
    co_return number_of(counts, "recipients");
}

awaitable<Result<void>> RehearsalStory::wait_for_release(std::uint64_t id) {
    const std::string path = fmt::format("/v1/releases/{}", id);
    const std::uint64_t before = proof_.arrivals(NextHop::new_server);
    expect_news();
    for (;;) {
        auto asking = [this, &path] { return daemon_->get(path); };
        SIDING_CO_ASSIGN(const json::object state, co_await off_thread(asking));
        if (flag_of(state, "done")) {
            co_return Result<void>{};
        }
        view_.on_progress(
            proof_.arrivals(NextHop::new_server) - before, number_of(state, "chosen")
        );
        SIDING_CO_TRY(co_await pause());
    }
}

awaitable<Result<void>> RehearsalStory::save_changed_copies() {
    const auto directory = options_.directory / "changed";
    for (const ChangedCopy& copy : proof_.changed_copies()) {
        auto saving = [this, &directory, &copy]() -> Result<std::string> {
            std::error_code ignored;
            std::filesystem::create_directory(directory, ignored);
            SIDING_ASSIGN(const RehearsalMail mail, mail_.load(copy.number));
            const std::string sent = as_stored(mail.octets);
            const std::string name = fmt::format("message-{}", copy.number);
            SIDING_TRY(write_file(directory / (name + ".sent.eml"), sent));
            SIDING_TRY(write_file(directory / (name + ".arrived.eml"), copy.arrived));
            const auto octets = without_trace(copy.arrived, hostname);
            return describe_difference(octets.value_or(copy.arrived), sent);
        };
        SIDING_CO_ASSIGN(const std::string difference, co_await off_thread(saving));
        add_problem(fmt::format("message {}: {}", copy.number, difference));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> RehearsalStory::pause() {
    net::asio::steady_timer timer{executor_, poll_interval};
    static_cast<void>(co_await timer.async_wait(net::use_result));
    if (interrupted_) {
        co_return Error{Errc::unavailable, "interrupted"};
    }
    if (daemon_must_run_ && !daemon_->is_running()) {
        co_return Error{
            Errc::unavailable, "sidingd has ended; see " + daemon_->log_file().string()};
    }
    if (proof_.events() != events_seen_) {
        expect_news();
    } else if (Steady::now() - news_at_ > patience) {
        co_return Error{
            Errc::unavailable,
            fmt::format(
                "nothing has moved for {} s; see {}",
                std::chrono::seconds{patience}.count(),
                daemon_->log_file().string()
            )};
    }
    co_return Result<void>{};
}

void RehearsalStory::expect_news() {
    events_seen_ = proof_.events();
    news_at_ = Steady::now();
}

template <typename Call>
awaitable<std::invoke_result_t<Call&>> RehearsalStory::off_thread(Call call) {
    co_return co_await net::run_on(blocking_, std::move(call));
}

// A try that the crash cut off may have been stored or not; an acknowledged one must have been.
bool RehearsalStory::is_plausible(std::uint64_t held) const {
    const std::uint64_t least = proof_.acknowledged_recipients() - recipients_before_hold_;
    return held >= least && held <= least + proof_.doubtful_recipients();
}

std::string RehearsalStory::describe_held(std::uint64_t held) const {
    return fmt::format(
        "{} held, where {} were acknowledged and {} more may have been stored",
        counted(held, "recipient"),
        proof_.acknowledged_recipients() - recipients_before_hold_,
        proof_.doubtful_recipients()
    );
}

}  // namespace siding::cutover
