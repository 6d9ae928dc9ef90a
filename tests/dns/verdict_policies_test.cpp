// The gates of MTA-STS and DANE.
#include "dns/host_names.hpp"
#include "dns/mta_sts.hpp"
#include "dns/verdict.hpp"
#include "tests/dns/verdict_facts.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using namespace test;

class PolicyGates : public VerdictTest {
protected:
    void say(
        const std::string& name,
        std::uint16_t type,
        const std::string& data,
        std::chrono::seconds life,
        WallTime when
    ) {
        Served answer = served("ns1", data, life, when);
        answer.name = name;
        answer.type = type;
        history.note(answer);
    }

    void announce(const std::string& id, WallTime when) {
        const std::string text = id.empty() ? "" : "v=STSv1; id=" + id;
        say("_mta-sts.example.com", static_cast<std::uint16_t>(RecordType::txt), text, 300s, when);
    }

    void serve_policy(
        StsPolicy::Mode mode,
        std::vector<std::string> hosts,
        std::chrono::seconds max_age,
        WallTime when
    ) {
        const StsPolicy policy{mode, max_age, std::move(hosts)};
        say("mta-sts.example.com", policy_type, format_sts_policy(policy), max_age, when);
    }

    void sign(const std::string& data, std::chrono::seconds life, WallTime when) {
        const auto type = static_cast<std::uint16_t>(RecordType::tlsa);
        say("_25._tcp.new.example", type, data, life, when);
    }

    std::optional<Gate> find(std::string_view name, WallTime when) {
        const Judgement judgement = judge_at(when);
        const auto found = std::ranges::find(judgement.gates, name, &Gate::name);
        return found == judgement.gates.end() ? std::nullopt : std::optional{*found};
    }

    Gate sts(WallTime when) { return find("mta-sts", when).value(); }
    Gate dane(WallTime when) { return find("dane", when).value(); }

    static constexpr auto enforce = StsPolicy::Mode::enforce;
};

TEST_F(PolicyGates, a_domain_without_policies_shows_none) {
    announce("", at(0s));
    sign("", 60s, at(0s));
    EXPECT_FALSE(find("mta-sts", at(1h)));
    EXPECT_FALSE(find("dane", at(1h)));
}

TEST_F(PolicyGates, the_verdict_does_not_hang_on_them) {
    switch_over();
    rounds({SampleState::is_new, SampleState::is_new});
    const Judgement before = judge_at(at(2h));
    announce("1", at(0s));
    serve_policy(enforce, {"old.example"}, 604800s, at(0s));
    EXPECT_EQ(before.verdict, Verdict::converged);
    EXPECT_EQ(judge_at(at(2h)).verdict, before.verdict);
    EXPECT_EQ(judge_at(at(2h)).reason, before.reason);
    EXPECT_EQ(judge_at(at(2h)).gates.size(), 6U);
}

TEST_F(PolicyGates, a_policy_that_refuses_the_new_mx) {
    announce("1", at(0s));
    serve_policy(enforce, {"old.example", "*.example"}, 604800s, at(0s));
    EXPECT_FALSE(sts(at(1h)).passed) << "it has not been there for long";
    history = {};
    announce("1", at(0s));
    serve_policy(enforce, {"old.example"}, 604800s, at(0s));
    EXPECT_FALSE(sts(at(9h)).passed);
    EXPECT_EQ(
        sts(at(9h)).reason,
        "the policy (mode enforce, max_age 7 d) does not allow new.example: senders that hold it "
        "do not deliver there; add it, give the record another id, and wait for max_age before "
        "the switch"
    );
}

TEST_F(PolicyGates, the_old_policy_may_be_held_for_its_max_age) {
    announce("1", at(0s));
    serve_policy(enforce, {"old.example"}, 86400s, at(0s));
    serve_policy(enforce, {"old.example", "new.example"}, 600s, at(1h));
    announce("2", at(2h));
    EXPECT_FALSE(sts(at(26h - 1s)).passed);
    EXPECT_EQ(
        sts(at(3h)).reason,
        "the policy takes the new MX since Sat 15:00:00; the one before it may be held until Sun "
        "15:00:00, and until Sat 15:05:00 by senders that look at its id again before they give up"
    );
    EXPECT_TRUE(sts(at(26h)).passed);
}

TEST_F(PolicyGates, a_later_change_that_refuses_nobody_is_no_new_beginning) {
    announce("1", at(0s));
    serve_policy(enforce, {"old.example"}, 86400s, at(0s));
    announce("2", at(1h));
    serve_policy(enforce, {"old.example", "new.example"}, 86400s, at(1h));
    announce("3", at(24h));
    serve_policy(enforce, {"new.example"}, 86400s, at(24h));
    EXPECT_FALSE(sts(at(25h - 1s)).passed);
    EXPECT_TRUE(sts(at(25h)).passed);
}

TEST_F(PolicyGates, without_another_id_no_sender_notices) {
    announce("1", at(0s));
    serve_policy(enforce, {"old.example"}, 86400s, at(0s));
    serve_policy(enforce, {"old.example"}, 86400s, at(59min));
    serve_policy(enforce, {"new.example"}, 86400s, at(1h));
    EXPECT_FALSE(sts(at(2h)).passed);
    EXPECT_NE(sts(at(2h)).reason.find("id has not changed with it"), std::string::npos)
        << sts(at(2h)).reason;
    EXPECT_TRUE(sts(at(25h)).passed) << "what they hold has run out";
}

TEST_F(PolicyGates, a_policy_that_was_always_good_counts_from_the_first_look) {
    announce("1", at(0s));
    serve_policy(enforce, {"new.example"}, 86400s, at(0s));
    EXPECT_FALSE(sts(at(24h - 1s)).passed);
    EXPECT_TRUE(sts(at(24h)).passed);
    EXPECT_NE(sts(at(1h)).reason.find("since the first look at Sat 13:00:00"), std::string::npos);
}

TEST_F(PolicyGates, testing_refuses_nobody) {
    announce("1", at(0s));
    serve_policy(StsPolicy::Mode::testing, {"old.example"}, 3600s, at(0s));
    EXPECT_TRUE(sts(at(1h)).passed);
}

TEST_F(PolicyGates, a_policy_that_cannot_be_fetched_is_not_asked) {
    announce("1", at(0s));
    EXPECT_FALSE(sts(at(1h)).asked);
    EXPECT_EQ(
        sts(at(1h)).reason,
        "not asked: a policy is announced (v=STSv1; id=1), but it has not been fetched yet; "
        "senders that hold an older one go by it"
    );
    evidence.sts_problem = "it cannot be fetched: refused";
    EXPECT_NE(sts(at(1h)).reason.find("but it cannot be fetched: refused;"), std::string::npos);
}

TEST_F(PolicyGates, new_digests_count_after_twice_their_ttl) {
    sign("3 1 1 aa", 600s, at(0s));
    sign("3 1 1 aa; 3 1 1 bb", 300s, at(1h));
    EXPECT_FALSE(dane(at(1h + 600s - 1s)).passed);
    EXPECT_EQ(
        dane(at(1h)).reason,
        "new.example: TLSA records with TTL 300 are there since Sat 14:00:00; twice that must pass "
        "(until Sat 14:10:00)"
    );
    EXPECT_TRUE(dane(at(1h + 600s)).passed);
}

TEST_F(PolicyGates, digests_that_are_gone_may_be_insisted_on) {
    sign("3 1 1 aa", 600s, at(0s));
    sign("", 60s, at(1h));
    EXPECT_FALSE(dane(at(1h + 660s - 1s)).passed);
    EXPECT_TRUE(dane(at(1h + 660s)).passed);
}

TEST_F(PolicyGates, digests_of_others_are_nobodys_business) {
    Served other = served("ns1", "3 1 1 aa", 600s, at(0s));
    other.name = "_25._tcp.old.example";
    other.type = static_cast<std::uint16_t>(RecordType::tlsa);
    history.note(other);
    EXPECT_FALSE(find("dane", at(1s)));
}

}  // namespace
}  // namespace siding::dns
