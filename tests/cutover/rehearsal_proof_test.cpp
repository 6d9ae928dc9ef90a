#include "cutover/rehearsal_proof.hpp"

#include <gtest/gtest.h>

namespace siding::cutover {
namespace {

constexpr std::string_view trace =
    "Received: from sender.example (unknown [127.0.0.1])\r\n"
    "\tby siding.example (Siding) with ESMTP id 1\r\n"
    "\tfor <m0.0@rehearsal.example>; Sat, 21 Nov 2026 14:07:30 +0000 (UTC)\r\n";
constexpr std::string_view octets = "Received: from elsewhere\r\n\tby x\r\n\r\n.\r\nbody\r\n";

class RehearsalProofTest : public testing::Test {
protected:
    RehearsalProofTest() { proof.on_sending(0, {"ann@sender.example", 1, std::string{octets}}); }

    void answer(smtp::VerdictKind kind) {
        smtp::Verdict verdict;
        verdict.kind = kind;
        verdict.text = "550 no";
        proof.on_answer(0, std::span{&verdict, 1});
    }
    void acknowledge() { answer(smtp::VerdictKind::delivered); }

    void arrive(
        std::string_view text,
        NextHop hop = NextHop::new_server,
        std::string from = "ann@sender.example"
    ) {
        proof.on_arrival(hop, {std::move(from), {Proof::address_of(0, 0)}, std::string{text}});
    }

    static std::string relayed(std::string_view text) {
        return std::string{trace} + std::string{text};
    }

    Proof proof{"siding.example", 1};
};

TEST_F(RehearsalProofTest, IsContentWithOneUnchangedCopy) {
    EXPECT_TRUE(proof.is_open(0));
    acknowledge();
    arrive(relayed(octets));
    const ProofSummary found = proof.summary();
    EXPECT_TRUE(found.problems.empty()) << testing::PrintToString(found.problems);
    EXPECT_EQ(found.messages, 1U);
    EXPECT_EQ(found.octets, octets.size());
    EXPECT_EQ(found.changed + found.lost + found.duplicates, 0U);
    EXPECT_FALSE(proof.is_open(0));
}

TEST_F(RehearsalProofTest, SeesAChangedOctet) {
    acknowledge();
    std::string changed = relayed(octets);
    changed[changed.size() - 4] = 'Y';
    arrive(changed);
    EXPECT_EQ(proof.summary().changed, 1U);
    ASSERT_EQ(proof.changed_copies().size(), 1U);
    EXPECT_EQ(proof.changed_copies()[0].arrived, changed);
}

TEST_F(RehearsalProofTest, WantsExactlyOneTraceHeader) {
    acknowledge();
    arrive(octets);
    EXPECT_EQ(proof.summary().changed, 1U);
    arrive(relayed(relayed(octets)));
    EXPECT_EQ(proof.summary().changed, 2U);
}

TEST_F(RehearsalProofTest, SeesAChangedSender) {
    acknowledge();
    arrive(relayed(octets), NextHop::new_server, "");
    EXPECT_EQ(proof.summary().changed, 1U);
}

TEST_F(RehearsalProofTest, SeesALostMessage) {
    acknowledge();
    const ProofSummary found = proof.summary();
    EXPECT_EQ(found.lost, 1U);
    ASSERT_EQ(found.problems.size(), 1U);
    EXPECT_EQ(found.problems[0], "message 0: acknowledged, but m0.0@rehearsal.example got nothing");
}

TEST_F(RehearsalProofTest, ExcusesOneDuplicateForEachDoubt) {
    answer(smtp::VerdictKind::in_doubt);
    EXPECT_TRUE(proof.is_open(0));
    EXPECT_EQ(proof.doubtful_recipients(), 1U);
    acknowledge();
    arrive(relayed(octets));
    arrive(relayed(octets));
    EXPECT_EQ(proof.summary().duplicates, 1U);
    EXPECT_EQ(proof.summary().surplus, 0U);
    EXPECT_TRUE(proof.summary().problems.empty());

    arrive(relayed(octets));
    EXPECT_EQ(proof.summary().surplus, 1U);
    EXPECT_FALSE(proof.summary().problems.empty());
}

TEST_F(RehearsalProofTest, DoesNotExcuseADuplicateWithoutDoubt) {
    answer(smtp::VerdictKind::transient);
    acknowledge();
    arrive(relayed(octets));
    arrive(relayed(octets));
    EXPECT_EQ(proof.summary().surplus, 1U);
    EXPECT_EQ(proof.summary().duplicates, 0U);
}

TEST_F(RehearsalProofTest, SeesTheWrongServer) {
    acknowledge();
    arrive(relayed(octets), NextHop::old_server);
    EXPECT_EQ(proof.summary().misrouted, 1U);
    EXPECT_EQ(proof.summary().lost, 0U);
}

TEST_F(RehearsalProofTest, ReportsARefusalWithItsWords) {
    answer(smtp::VerdictKind::permanent);
    EXPECT_FALSE(proof.is_open(0));
    const ProofSummary found = proof.summary();
    EXPECT_EQ(found.refused, 1U);
    ASSERT_EQ(found.problems.size(), 1U);
    EXPECT_EQ(found.problems[0], "message 0: refused: 550 no");
}

TEST_F(RehearsalProofTest, SeesMailThatNobodySent) {
    acknowledge();
    arrive(relayed(octets));
    proof.on_arrival(NextHop::new_server, {"", {"m0.1@rehearsal.example"}, "x"});
    proof.on_arrival(NextHop::new_server, {"", {"joe@rehearsal.example"}, "x"});
    EXPECT_EQ(proof.summary().problems.size(), 2U);
}

TEST(AsStored, MakesALoneCrCrlf) {
    EXPECT_EQ(as_stored("a\rb\r\n"), "a\r\nb\r\n");
    EXPECT_EQ(as_stored("a\r\r\n"), "a\r\n\r\n");
    EXPECT_EQ(as_stored("a\r\n"), "a\r\n");
    EXPECT_EQ(as_stored(""), "");
}

TEST(DescribeDifference, NamesTheFirstOctet) {
    EXPECT_EQ(
        describe_difference("abXd", "abcd"),
        "4 octets instead of 4, the first difference at octet 2: \"abXd\" instead of \"abcd\""
    );
}

}  // namespace
}  // namespace siding::cutover
