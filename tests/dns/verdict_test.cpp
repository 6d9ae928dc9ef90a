#include "dns/verdict.hpp"

#include "tests/dns/verdict_facts.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum SampleState;

TEST_F(VerdictTest, nothing_is_known_at_first) {
    const Judgement judgement = judge(evidence);
    EXPECT_EQ(judgement.verdict, Verdict::none);
    EXPECT_EQ(judgement.gates.size(), 5U);
    EXPECT_FALSE(judgement.mx);
    EXPECT_FALSE(judgement.unplanned);
    EXPECT_EQ(judgement.reason, "no authoritative server of the domain has been heard yet");
}

TEST_F(VerdictTest, one_server_lags) {
    see(at(0s), "old.example", "old.example");
    see(at(7min), "new.example", "old.example");
    const Judgement judgement = judge(evidence);
    EXPECT_EQ(judgement.verdict, Verdict::none);
    EXPECT_EQ(
        judgement.reason,
        "1 of 2 addresses of authoritative servers do not serve the new MX: ns2 192.0.2.2 serves "
        "10 "
        "old.example"
    );
    EXPECT_FALSE(judgement.unplanned);
}

TEST_F(VerdictTest, published_with_the_time_of_convergence) {
    switch_over();
    rounds({is_new, is_new});
    const Judgement judgement = judge_at(at(8min));
    EXPECT_EQ(judgement.verdict, Verdict::published);
    EXPECT_EQ(judgement.published_at, at(7min + 30s));
    EXPECT_EQ(judgement.expected_at, at(67min + 30s));
    EXPECT_EQ(
        judgement.reason,
        "no honest resolver can serve the old MX after Sat 14:07:30; ns2 192.0.2.2 served TTL 3600 "
        "until Sat 13:07:30"
    );
    EXPECT_EQ(judgement.hard->at, at(67min + 30s) + 24h);
    EXPECT_TRUE(gate(judgement, "authority").passed);
    EXPECT_TRUE(gate(judgement, "panel").passed);
}

TEST_F(VerdictTest, converged_at_the_second) {
    switch_over();
    rounds({is_new, is_new});
    EXPECT_EQ(judge_at(at(67min + 30s - 1ms)).verdict, Verdict::published);
    EXPECT_EQ(judge_at(at(67min + 30s)).verdict, Verdict::converged);
}

TEST_F(VerdictTest, slack_moves_the_deadline) {
    evidence.policy.slack = 120s;
    switch_over();
    rounds({is_new});
    EXPECT_EQ(judge_at(at(69min)).verdict, Verdict::published);
    EXPECT_EQ(judge_at(at(69min + 30s)).verdict, Verdict::converged);
}

TEST_F(VerdictTest, proven_and_quiet) {
    switch_over();
    rounds({is_new});
    EXPECT_NE(judge_at(at(2h)).reason.find("import"), std::string::npos);
    evidence.coverage.baseline_messages = 1000;
    evidence.coverage.share = 0.989;
    EXPECT_EQ(judge_at(at(2h)).verdict, Verdict::converged);
    evidence.coverage.share = 0.99;
    evidence.stragglers.since = at(67min + 30s);
    evidence.stragglers.expected = 1000;
    HourProfile profile;
    profile.per_hour.fill(1000);
    evidence.stragglers.profile = profile;
    const Judgement proven = judge_at(at(2h));
    EXPECT_EQ(proven.verdict, Verdict::proven);
    EXPECT_EQ(proven.expected_at, at(67min + 30s + 3h));
    evidence.stragglers.expected = 3000;
    EXPECT_EQ(judge_at(at(5h)).verdict, Verdict::quiet);
    evidence.stragglers.count = 1;
    EXPECT_EQ(judge_at(at(5h)).verdict, Verdict::proven);
    evidence.stragglers.has_source = false;
    const Judgement deaf = judge_at(at(5h));
    EXPECT_EQ(deaf.verdict, Verdict::proven);
    EXPECT_FALSE(gate(deaf, "stragglers").asked);
}

TEST_F(VerdictTest, a_silent_server_that_was_old_keeps_it_from_published) {
    see(at(0s), "old.example", "old.example");
    see(at(1min), "new.example", nullptr);
    const Judgement judgement = judge(evidence);
    EXPECT_EQ(judgement.verdict, Verdict::none);
    EXPECT_NE(
        judgement.reason.find("ns2 192.0.2.2 cannot be asked, and served 10 old.example when it "
                              "last answered, at Sat "
                              "13:00:00"),
        std::string::npos
    ) << judgement.reason;
}

TEST_F(VerdictTest, a_server_that_has_given_the_zone_up_does_not_keep_it_back) {
    const auto see_failing = [&](int code, WallTime when) {
        Sample failing = answer(nullptr, ttl, when);
        failing.response.rcode = code;
        failing.response.authoritative = false;
        ServerView second = server("ns2", "192.0.2.2", failing);
        second.soa = failing;
        evidence.authority =
            look(when, {server("ns1", "192.0.2.1", answer("new.example", ttl, when)), second});
        evidence.now = when;
        note_all(history, *evidence.authority);
        return judge(evidence);
    };
    see(at(0s), "old.example", "old.example");
    EXPECT_EQ(see_failing(rcode::server_failure, at(1min)).verdict, Verdict::none);
    const Judgement judgement = see_failing(rcode::refused, at(2min));
    EXPECT_EQ(judgement.verdict, Verdict::published);
    EXPECT_GE(judgement.mx->at, at(1h)) << "what it served before lives on";
}

TEST_F(VerdictTest, a_server_that_was_never_heard_does_not_count) {
    see(at(0s), "old.example", nullptr);
    see(at(1min), "new.example", nullptr);
    EXPECT_EQ(judge(evidence).verdict, Verdict::published);
}

TEST_F(VerdictTest, what_is_known_stays_while_dns_is_away) {
    switch_over();
    rounds({is_new});
    see(at(3h), nullptr, nullptr);
    const Judgement judgement = judge(evidence);
    EXPECT_EQ(judgement.verdict, Verdict::converged);
    EXPECT_NE(gate(judgement, "authority").reason.find("cannot be asked now"), std::string::npos);
    evidence.authority.reset();
    EXPECT_EQ(judge(evidence).verdict, Verdict::converged);
}

TEST_F(VerdictTest, a_server_that_answers_otherwise_over_tcp_counts) {
    switch_over();
    AuthorityView view =
        look(at(9min), {server("ns1", "192.0.2.1", answer("new.example", ttl, at(9min)))});
    view.servers[0].mx_tcp = answer("old.example", ttl, at(9min));
    const auto judge_view = [&] {
        evidence.now = view.at;
        evidence.authority = view;
        note_all(history, view);
        return judge(evidence);
    };
    EXPECT_NE(judge_view().reason.find("ns1 192.0.2.1 over TCP serves 10 old"), std::string::npos);
    view.at = view.servers[0].mx.at = at(10min);
    view.servers[0].mx_tcp = answer("new.example", ttl, at(10min));
    EXPECT_EQ(judge_view().mx->at, at(70min));
}

TEST_F(VerdictTest, a_watch_that_saw_only_the_new_mx_waits_one_ttl) {
    see(at(0s), "new.example", "new.example");
    rounds({is_new});
    EXPECT_EQ(judge_at(at(59min)).verdict, Verdict::published);
    EXPECT_EQ(judge_at(at(1h)).verdict, Verdict::converged);
}

TEST_F(VerdictTest, serve_stale_is_only_in_the_hard_deadline) {
    switch_over();
    evidence.was_unreachable = true;
    const Judgement judgement = judge_at(at(8min));
    EXPECT_EQ(judgement.mx->at, at(67min + 30s));
    EXPECT_EQ(judgement.hard->at, at(67min + 30s) + 72h + 24h);
}

TEST_F(VerdictTest, planned_switch) {
    see(at(0s), "old.example", "old.example");
    evidence.switch_at = at(1h);
    Judgement judgement = judge(evidence);
    EXPECT_EQ(judgement.expected_at, at(1h));
    EXPECT_EQ(judgement.reason, "the switch is planned for Sat 14:00:00");
    see(at(5min), "new.example", "old.example");
    judgement = judge(evidence);
    EXPECT_TRUE(judgement.unplanned);
    EXPECT_EQ(
        judgement.unplanned_text,
        "ns1 192.0.2.1 since Sat 13:05:00 serves the new MX, but the switch is planned for Sat "
        "14:00:00"
    );
    evidence.now = at(61min);
    EXPECT_FALSE(judge(evidence).unplanned);
}

TEST_F(VerdictTest, unplanned_changes) {
    see(at(0s), "old.example", "old.example");
    EXPECT_FALSE(judge(evidence).unplanned);
    see(at(1min), "old.example", "thief.example");
    EXPECT_EQ(
        judge(evidence).unplanned_text,
        "ns2 192.0.2.2 since Sat 13:01:00 serves 10 thief.example, which is neither the old nor "
        "the "
        "new MX"
    );
    see(at(2min), "new.example", "new.example");
    EXPECT_FALSE(judge(evidence).unplanned);
    see(at(3min), "new.example", "old.example");
    EXPECT_NE(judge(evidence).unplanned_text.find("again, after the new MX"), std::string::npos);
    EXPECT_EQ(judge(evidence).verdict, Verdict::none);
    AuthorityView view =
        look(at(4min), {server("ns1", "192.0.2.1", answer(nullptr, ttl, at(4min)))});
    evidence.authority = view;
    note_all(history, view);
    EXPECT_NE(judge(evidence).unplanned_text.find("no MX at all"), std::string::npos);
}

TEST_F(VerdictTest, problems_are_named_without_keeping_it_back) {
    switch_over();
    evidence.authority->problems.push_back(
        {AuthorityProblem::Kind::lame, "ns3 192.0.2.3", "ns3 192.0.2.3 is lame"}
    );
    const Judgement judgement = judge_at(at(8min));
    EXPECT_EQ(judgement.verdict, Verdict::published);
    EXPECT_NE(
        gate(judgement, "authority").reason.find("; but: ns3 192.0.2.3 is lame"), std::string::npos
    );
}

TEST(Verdict, names) {
    for (const Verdict verdict :
         {Verdict::none, Verdict::published, Verdict::converged, Verdict::proven, Verdict::quiet}) {
        EXPECT_EQ(parse_verdict(format_verdict(verdict)), verdict);
    }
    EXPECT_FALSE(parse_verdict("done"));
}

}  // namespace
}  // namespace siding::dns
