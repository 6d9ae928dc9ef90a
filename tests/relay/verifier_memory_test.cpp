// What the verifier remembers, for how long, and what it takes for no knowledge.
#include "tests/relay/verifier_fixture.hpp"

#include <chrono>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

const smtp::Reply greylisted{450, {4, 2, 0}, "greylisted"};

TEST_F(VerifierTest, AnswersAreRememberedForTheirTimes) {
    servers_.says("old", "*", no_such_user);
    servers_.says("old", "joe@example.com", taken);
    EXPECT_FALSE(verify("joe@example.com", {"old"}).from_cache);
    EXPECT_FALSE(verify("sue@example.com", {"old"}).from_cache);
    EXPECT_TRUE(verify("Joe@Example.com", {"old"}).from_cache);
    EXPECT_TRUE(verify("sue@example.com", {"old"}).from_cache);
    EXPECT_EQ(servers_.calls.size(), 2U);

    clock_.advance(5min);
    servers_.says("old", "sue@example.com", taken);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::exists);
    EXPECT_TRUE(verify("joe@example.com", {"old"}).from_cache);
    EXPECT_EQ(servers_.calls.size(), 3U);

    clock_.advance(96h);
    servers_.says("old", "joe@example.com", no_such_user);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::unknown);
    EXPECT_EQ(metric("siding_verify_cache_total{result=\"hit\"}").back(), '3');
    EXPECT_EQ(metric("siding_verify_probes_total{server=\"old\",verdict=\"exists\"}").back(), '2');
}

TEST_F(VerifierTest, AnswersSurviveARestart) {
    servers_.says("old", "*", no_such_user);
    servers_.says("old", "joe@example.com", taken);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::exists);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::unknown);
    wait_stored("verify/old/joe@example.com");
    wait_stored("verify/old/sue@example.com");
    restart();
    servers_.dies("old");
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::exists);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::unknown);
    EXPECT_EQ(servers_.calls.size(), 2U);
}

TEST_F(VerifierTest, ARandomAddressGoesWithTheFirstOfADomain) {
    servers_.says("old", "*", no_such_user);
    existence("joe@example.com", {"old"});
    existence("sue@example.com", {"old"});
    existence("joe@other.example", {"old"});
    ASSERT_EQ(servers_.calls.size(), 3U);
    ASSERT_EQ(servers_.calls[0].recipients.size(), 2U);
    EXPECT_EQ(servers_.calls[0].recipients[0], "joe@example.com");
    EXPECT_TRUE(servers_.calls[0].recipients[1].ends_with("@example.com"));
    EXPECT_EQ(servers_.calls[1].recipients.size(), 1U);
    ASSERT_EQ(servers_.calls[2].recipients.size(), 2U);
    clock_.advance(1h);
    existence("max@example.com", {"old"});
    ASSERT_EQ(servers_.calls[3].recipients.size(), 2U);
    EXPECT_NE(servers_.calls[3].recipients[1], servers_.calls[0].recipients[1]);
}

TEST_F(VerifierTest, ACatchAllIsNoKnowledge) {
    servers_.says("old", "*", taken);
    servers_.says("old", "gone@example.com", no_such_user);
    const VerifyAnswer joe = verify("joe@example.com", {"old"});
    EXPECT_EQ(joe.existence, Existence::exists);
    EXPECT_TRUE(joe.catch_all);
    EXPECT_EQ(existence("gone@example.com", {"old"}), Existence::unknown);
    EXPECT_TRUE(verify("joe@example.com", {"old"}).from_cache);
    wait_stored("verify/old/gone@example.com");
    EXPECT_TRUE(stored("verify/old/@example.com").value().starts_with("1 accepts_all "));
    EXPECT_EQ(stored("verify/old/joe@example.com"), std::nullopt);

    // The server that tells addresses apart decides whether it is proven.
    servers_.says("new", "*", no_such_user);
    servers_.says("new", "sue@example.com", taken);
    EXPECT_TRUE(verify("max@example.com").catch_all);
    existence("sue@example.com", {"new"});
    EXPECT_FALSE(verify("sue@example.com").catch_all);
}

TEST_F(VerifierTest, CatchAllsAreNotLookedForWhereThatIsOff) {
    change([](config::Verify& verify) { verify.detect_catch_all = false; });
    servers_.says("old", "*", taken);
    EXPECT_FALSE(verify("joe@example.com", {"old"}).catch_all);
    EXPECT_EQ(servers_.calls[0].recipients.size(), 1U);
    wait_stored("verify/old/joe@example.com");
}

TEST_F(VerifierTest, AGreylistedRandomAddressProvesNothing) {
    servers_.says("old", "*", greylisted);
    servers_.says("old", "joe@example.com", taken);
    servers_.says("old", "gone@example.com", no_such_user);
    const VerifyAnswer joe = verify("joe@example.com", {"old"});
    EXPECT_EQ(joe.existence, Existence::exists);
    EXPECT_FALSE(joe.catch_all);
    existence("gone@example.com", {"old"});
    wait_stored("verify/old/gone@example.com");
    EXPECT_EQ(stored("verify/old/joe@example.com"), std::nullopt);
    EXPECT_EQ(stored("verify/old/@example.com"), std::nullopt);
    clock_.advance(5min);
    EXPECT_FALSE(verify("joe@example.com", {"old"}).from_cache);
}

TEST_F(VerifierTest, TheLastKnownAnswerStandsInForASilentServer) {
    servers_.says("old", "*", no_such_user);
    servers_.says("new", "*", no_such_user);
    servers_.says("old", "joe@example.com", taken);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::exists);
    EXPECT_EQ(existence("sue@example.com", {"old"}), Existence::unknown);
    wait_stored("verify/old/sue@example.com");
    restart();
    clock_.advance(20 * 24h);
    servers_.dies("old");
    servers_.dies("new");
    const VerifyAnswer joe = verify("joe@example.com");
    EXPECT_EQ(joe.existence, Existence::exists);
    EXPECT_TRUE(joe.from_cache);
    EXPECT_EQ(existence("sue@example.com"), Existence::undecided);
    EXPECT_EQ(metric("siding_verify_last_known_total").back(), '1');

    change([](config::Verify& verify) {
        verify.when_unreachable = config::Verify::Unreachable::defer;
    });
    EXPECT_EQ(existence("joe@example.com"), Existence::undecided);
}

TEST_F(VerifierTest, AFlushForgets) {
    servers_.says("old", "*", no_such_user);
    for (const char* text : {"joe@example.com", "sue@example.com", "joe@other.example"}) {
        existence(text, {"old"});
        wait_stored(std::string{"verify/old/"} + text);
    }
    EXPECT_EQ(flush("joe@example.com"), 1U);
    EXPECT_FALSE(verify("joe@example.com", {"old"}).from_cache);
    EXPECT_TRUE(verify("sue@example.com", {"old"}).from_cache);
    wait_stored("verify/old/joe@example.com");
    EXPECT_EQ(flush("@example.com"), 3U);  // two addresses, and that it is no catch-all
    EXPECT_TRUE(verify("joe@other.example", {"old"}).from_cache);
    EXPECT_EQ(stored("verify/old/sue@example.com"), std::nullopt);
    EXPECT_EQ(flush(""), 2U);
    EXPECT_FALSE(verify("joe@other.example", {"old"}).from_cache);
    EXPECT_TRUE(get(verifier_->flush("no such thing")).error().is(Errc::invalid_argument));
}

TEST_F(VerifierTest, WhatWasAskedBeforeAFlushIsNotRemembered) {
    servers_.says("old", "*", no_such_user);
    servers_.hold("old");
    Answer before;
    ask("joe@example.com", before, {"old"});
    run_until([&] { return servers_.under_way == 1; });
    flush("");
    servers_.release();
    run_until([&] { return before.has_value(); });
    EXPECT_EQ(before->existence, Existence::unknown);
    servers_.says("old", "joe@example.com", taken);
    EXPECT_EQ(existence("joe@example.com", {"old"}), Existence::exists);
}

TEST_F(VerifierTest, AnAnswerFromTheFutureAges) {
    servers_.says("old", "*", no_such_user);
    servers_.says("old", "joe@example.com", taken);
    existence("joe@example.com", {"old"});
    wait_stored("verify/old/joe@example.com");
    clock_.advance(-1000h);
    restart();
    EXPECT_TRUE(verify("joe@example.com", {"old"}).from_cache);
    clock_.advance(97h);
    EXPECT_FALSE(verify("joe@example.com", {"old"}).from_cache);
}

TEST_F(VerifierTest, WhatNobodyCanUseAnyMoreIsSweptOut) {
    servers_.says("old", "*", no_such_user);
    existence("gone@example.com", {"old"});
    wait_stored("verify/old/gone@example.com");
    restart();
    queue::PutValues junk;
    junk.values.push_back({"verify/old/junk@example.com", "from another version"});
    commit(std::move(junk));
    clock_.advance(5min);
    existence("new@example.com", {"old"});
    run_until([&] { return !stored("verify/old/junk@example.com"); });
    EXPECT_EQ(stored("verify/old/gone@example.com"), std::nullopt);
    EXPECT_TRUE(stored("verify/old/new@example.com"));
}

}  // namespace
}  // namespace siding::relay
