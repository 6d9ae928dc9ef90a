// The acts of a rehearsal in their order, and what they share. Runs on one executor; what blocks
// goes to another one. No act waits for ever: without any news for a while it gives up.
#pragma once

#include "cutover/rehearsal.hpp"
#include "cutover/rehearsal_daemon.hpp"
#include "cutover/rehearsal_mail.hpp"
#include "cutover/rehearsal_proof.hpp"
#include "cutover/sender.hpp"
#include "cutover/sink.hpp"
#include "net/asio.hpp"
#include "net/run_on.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

class RehearsalStory {
public:
    struct Options {
        std::filesystem::path sidingd;
        std::filesystem::path directory;
    };

    // What is referred to outlives the story.
    RehearsalStory(
        net::asio::any_io_executor executor,
        net::asio::any_io_executor blocking,
        Options options,
        const MailSource& mail,
        RehearsalView& view
    );

    // To the end, or to the first act that cannot go on. Leaves nothing running.
    net::awaitable<RehearsalReport> play();
    void interrupt() { interrupted_ = true; }

private:
    struct Told {
        std::string text;
        bool ok = true;
    };
    using Played = net::awaitable<Result<Told>>;
    struct Act {
        std::string_view name;
        Played (RehearsalStory::*play)();
        bool is_verdict = false;  // worth hearing after a failure, once the mail was released
    };

    net::awaitable<bool> play_one(Act act);

    Played start();
    Played pass_old();
    Played hold();
    Played crash();
    Played restart();
    Played resend();
    Played check_held();
    Played release();
    Played pass_new();
    Played compare();
    Played audit();
    Played stop();

    // A part of the messages, by number.
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;

        std::size_t size() const { return end - begin; }
    };
    using Instant = std::chrono::steady_clock::time_point;

    static constexpr const char* hostname = "siding.rehearsal.example";

    std::vector<std::size_t> open_in(Range range) const;
    net::awaitable<Result<void>> send(Range range);
    net::awaitable<Result<Told>> pass_through(Range range, NextHop hop, std::string_view server);
    net::awaitable<Result<void>> move_to(std::string phase);
    net::awaitable<Result<std::uint64_t>> count_held();
    net::awaitable<Result<void>> wait_until_settled();
    net::awaitable<Result<void>> wait_for_release(std::uint64_t id);
    net::awaitable<Result<void>> save_changed_copies();

    // Between two looks at something.
    net::awaitable<Result<void>> pause();
    void expect_news();
    template <typename Call>
    net::awaitable<std::invoke_result_t<Call&>> off_thread(Call call) {
        co_return co_await net::run_on(blocking_, std::move(call));
    }

    static std::string counted(std::uint64_t number, std::string_view noun);
    std::string describe_held(std::uint64_t held) const;
    bool is_plausible(std::uint64_t held) const;
    void add_problem(std::string text) { report_.problems.push_back(std::move(text)); }

    net::asio::any_io_executor executor_;
    net::asio::any_io_executor blocking_;
    Options options_;
    const MailSource& mail_;
    RehearsalView& view_;
    RehearsalReport report_;
    Proof proof_;
    Sink old_;
    Sink new_;
    Sender sender_;
    std::unique_ptr<PrivateDaemon> daemon_;
    net::HostPort address_;

    Range passed_old_;
    Range held_;
    Range passed_new_;
    std::uint64_t recipients_before_hold_ = 0;
    std::uint64_t messages_before_hold_ = 0;
    std::uint64_t octets_before_hold_ = 0;
    double accept_seconds_ = 0;

    bool released_ = false;
    bool interrupted_ = false;
    bool daemon_must_run_ = false;
    std::uint64_t events_seen_ = 0;
    Instant news_at_{};
};

}  // namespace siding::cutover
