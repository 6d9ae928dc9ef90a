#include "cutover/rehearsal_story.hpp"

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

constexpr auto poll_interval = 5ms;
constexpr auto patience = 30s;  // without a single event
constexpr std::size_t send_rounds_max = 5;

// A twentieth each shows what it is like before and after; the rest is held.
constexpr std::size_t passed_part = 20;
constexpr std::size_t passed_max = 25;

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

// --- what the acts share
// --------------------------------------------------------------------------

std::string RehearsalStory::counted(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

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
    SIDING_CO_TRY(co_await wait_until_settled());
    co_return Told{
        fmt::format(
            "{} straight through to the {} server", counted(range.size(), "message"), server
        ),
        open_in(range).empty()};
}

awaitable<Result<void>> RehearsalStory::move_to(std::string phase) {
    const json::object body{{"phase", phase}, {"why", "rehearsal"}};
    auto moving = [this, &body] {
        return daemon_->put(fmt::format("/v1/phases/{}", Proof::domain), body);
    };
    SIDING_CO_TRY(co_await off_thread(moving));
    co_return Result<void>{};
}

awaitable<Result<std::uint64_t>> RehearsalStory::count_held() {
    auto counting = [this] { return daemon_->get("/v1/queue/count", {{"state", "held"}}); };
    SIDING_CO_ASSIGN(const json::object counts, co_await off_thread(counting));
    co_return number_of(counts, "recipients");
}

// A next hop has a message a moment before the queue knows that it has.
awaitable<Result<void>> RehearsalStory::wait_until_settled() {
    expect_news();
    for (;;) {
        auto asking = [this] { return daemon_->get("/v1/status"); };
        SIDING_CO_ASSIGN(const json::object status, co_await off_thread(asking));
        const json::value* const queue = status.if_contains("queue");
        if (queue == nullptr || !queue->is_object()) {
            co_return Error{Errc::internal, "the status names no queue"};
        }
        const json::object& counts = queue->get_object();
        if (number_of(counts, "due") + number_of(counts, "in_flight") == 0) {
            co_return Result<void>{};
        }
        SIDING_CO_TRY(co_await pause());
    }
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
