#include "tests/relay/verifier_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

TEST_F(VerifierTest, ExistsIfAnyServerSaysSo) {
    servers_.says("old", "*", no_such_user);
    servers_.says("new", "*", no_such_user);
    servers_.says("new", "joe@example.com", taken);
    EXPECT_EQ(existence("joe@example.com"), Existence::exists);
    EXPECT_EQ(existence("sue@example.com"), Existence::unknown);
    servers_.says("old", "max@example.com", taken);
    EXPECT_EQ(existence("max@example.com"), Existence::exists);
    EXPECT_EQ(servers_.calls[0].sender, "double-bounce@hold.example.net");
}

TEST_F(VerifierTest, UnknownOnlyIfAllServersSaySo) {
    servers_.says("old", "*", no_such_user);
    servers_.says("new", "*", not_now);
    EXPECT_EQ(existence("joe@example.com"), Existence::undecided);
    servers_.says("new", "*", {554, {5, 7, 1}, "Relay access denied"});
    EXPECT_EQ(existence("joe@example.com"), Existence::undecided);
    servers_.dies("new");
    const VerifyAnswer answer = verify("joe@example.com");
    EXPECT_EQ(answer.existence, Existence::undecided);
    EXPECT_NE(answer.detail.find("new: undecided (connection refused)"), std::string::npos)
        << answer.detail;
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::unknown);
    EXPECT_EQ(existence("joe@example.com", {}), Existence::undecided);
}

TEST_F(VerifierTest, OneProbeAnswersAllWhoAskMeanwhile) {
    servers_.says("old", "*", no_such_user);
    servers_.hold("old");
    std::array<Answer, 3> answers;
    for (Answer& one : answers) {
        ask("joe@example.com", one, {"old"});
    }
    run_until([&] { return servers_.under_way == 1; });
    servers_.release();
    run_until([&] { return answers[0] && answers[1] && answers[2]; });
    EXPECT_EQ(servers_.calls.size(), 1U);
    for (const Answer& one : answers) {
        EXPECT_EQ(one->existence, Existence::unknown);
    }
}

TEST_F(VerifierTest, ASlowServerDelaysNoYesOfAnother) {
    servers_.hold("old");
    servers_.says("new", "joe@example.com", taken);
    servers_.says("new", "*", no_such_user);
    EXPECT_EQ(existence("joe@example.com"), Existence::exists);
    EXPECT_EQ(servers_.under_way, 1U);
}

TEST_F(VerifierTest, NoQuestionWaitsLongerThanItsTime) {
    change([](config::Verify& verify) { verify.timeout = 30ms; });
    servers_.hold("old");
    const VerifyAnswer answer = verify("joe@example.com", {"old"});
    EXPECT_EQ(answer.existence, Existence::undecided);
    run_until([&] { return servers_.cut_off == 1; });
}

TEST_F(VerifierTest, ADeadServerIsLeftAloneForAMoment) {
    servers_.dies("old");
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::undecided);
    EXPECT_EQ(servers_.calls.size(), 1U);
    const VerifyAnswer next = verify("sue@example.com", {"old"});
    EXPECT_EQ(next.existence, Existence::undecided);
    EXPECT_NE(next.detail.find("has just failed: connection refused"), std::string::npos);
    EXPECT_EQ(servers_.calls.size(), 1U);

    // One question tries it again; who asks meanwhile does not wait for that.
    clock_.advance(5s);
    servers_.hold("old");
    servers_.says("old", "*", no_such_user);
    Answer trial;
    ask("joe@example.com", trial, {"old"});
    run_until([&] { return servers_.under_way == 1; });
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::undecided);
    EXPECT_EQ(servers_.calls.size(), 2U);
    servers_.release();
    run_until([&] { return trial.has_value(); });
    EXPECT_EQ(trial->existence, Existence::unknown);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::unknown);
}

TEST_F(VerifierTest, AfterAFlushADeadServerIsAskedAtOnce) {
    servers_.dies("old");
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::undecided);
    servers_.says("old", "*", taken);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::undecided);
    flush("joe@example.com");
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::exists);

    // What was asked before and fails after it says nothing about the server as it is now.
    servers_.dies("old");
    servers_.hold("old");
    Answer before;
    ask("sue@other.example", before, {"old"});
    run_until([&] { return servers_.under_way == 1; });
    flush("");
    servers_.release();
    run_until([&] { return before.has_value(); });
    EXPECT_EQ(before->existence, Existence::undecided);
    servers_.says("old", "*", taken);
    EXPECT_EQ(existence("sue@other.example", {"old"}), Existence::exists);
}

TEST_F(VerifierTest, AnAddressThatCannotBeSentPausesNoServer) {
    smtp::Verdict never_sent = smtp::refuse_to_send("no SMTPUTF8");
    never_sent.kind = smtp::VerdictKind::transient;
    servers_.cannot_take("old", "j\xc3\xb6@example.com", never_sent);
    servers_.says("old", "*", no_such_user);
    EXPECT_EQ(existence("j\xc3\xb6@example.com", {"old"}), Existence::undecided);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::unknown);
}

TEST_F(VerifierTest, AClockSetBackDoesNotProlongThePause) {
    servers_.dies("old");
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::undecided);
    clock_.advance(-10h);
    servers_.says("old", "*", no_such_user);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::unknown);
}

TEST_F(VerifierTest, ProbesOfOneServerAreBounded) {
    change([](config::Verify& verify) { verify.connections = 2; });
    servers_.says("old", "*", no_such_user);
    servers_.hold("old");
    std::array<Answer, 5> answers;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        ask("joe" + std::to_string(i) + "@example.com", answers.at(i), {"old"});
    }
    Answer other;
    servers_.says("new", "*", no_such_user);
    ask("joe0@example.com", other, {"new"});
    run_until([&] { return servers_.under_way == 2 && other.has_value(); });
    EXPECT_EQ(servers_.calls_to("old"), 2U);
    servers_.release();
    run_until([&] {
        return std::ranges::all_of(answers, [](const Answer& one) { return one.has_value(); });
    });
    for (const Answer& one : answers) {
        EXPECT_EQ(one->existence, Existence::unknown);
    }
    EXPECT_EQ(servers_.calls_to("old"), 5U);
}

TEST_F(VerifierTest, StopAnswersOpenQuestions) {
    servers_.hold("old");
    Answer open;
    ask("joe@example.com", open, {"old"});
    run_until([&] { return servers_.under_way == 1; });
    loop_.run(verifier_->stop());
    run_until([&] { return open.has_value(); });
    EXPECT_EQ(open->existence, Existence::undecided);
    EXPECT_EQ(servers_.cut_off, 1U);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::undecided);
    EXPECT_TRUE(get(verifier_->flush("")).error().is(Errc::unavailable));
}

TEST_F(VerifierTest, AReportTellsWhatEachServerSaid) {
    servers_.says("old", "*", no_such_user);
    servers_.says("old", "joe@example.com", taken);
    servers_.says("new", "*", not_now);
    existence("joe@example.com", {"old"});
    clock_.advance(3min);
    const auto report = get(verifier_->report(Address::parse("joe@example.com").value()));
    EXPECT_EQ(report.address, "joe@example.com");
    EXPECT_FALSE(report.accepts_any);
    EXPECT_EQ(report.existence, Existence::exists);
    ASSERT_EQ(report.servers.size(), 2U);
    EXPECT_EQ(report.servers[0].server, "old");
    EXPECT_TRUE(report.servers[0].from_cache);
    EXPECT_EQ(report.servers[0].age, std::chrono::milliseconds{3min});
    EXPECT_EQ(report.servers[0].reply, "250 2.1.5 Ok");
    EXPECT_EQ(report.servers[1].existence, Existence::undecided);
    EXPECT_FALSE(report.servers[1].from_cache);
    EXPECT_EQ(report.servers[1].reply, "451 4.3.0 directory is down");

    const auto other = get(verifier_->report(Address::parse("joe@other.example").value()));
    EXPECT_TRUE(other.servers.empty());
}

TEST_F(VerifierTest, ACallerOfAnotherThreadResumesThere) {
    const auto guard = net::asio::make_work_guard(loop_.context());  // work comes from elsewhere
    servers_.says("old", "*", no_such_user);
    auto body = [](Verifier& verifier) -> net::awaitable<std::pair<Existence, bool>> {
        const auto thread = std::this_thread::get_id();
        Address address = Address::parse("joe@example.com").value();
        std::vector<std::string> servers{"old"};
        const auto answer = co_await verifier.verify(std::move(address), std::move(servers));
        co_return std::pair{answer.existence, std::this_thread::get_id() == thread};
    };
    auto outcome = net::asio::co_spawn(runtime_.io(0), body(*verifier_), net::asio::use_future);
    run_until([&] { return outcome.wait_for(0s) == std::future_status::ready; });
    EXPECT_EQ(outcome.get(), std::pair(Existence::unknown, true));
}

}  // namespace
}  // namespace siding::relay
