// Release jobs and flips as records.
#include "queue/frame.hpp"
#include "queue/record.hpp"
#include "tests/support/queue_workload.hpp"

#include <gtest/gtest.h>

#include <set>

namespace siding::queue {
namespace {

const std::string octets("\0\x01\xff\xc3(", 5);  // not UTF-8, and with a NUL

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        out.push_back(static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
    }
    return out;
}

TEST(RecordRelease, ReleaseJobComesBack) {
    ReleaseJob job;
    job.id = 3;
    Filter& filter = job.filter;
    filter.domain = test::domain_of("example.com");
    filter.wave = "pilot";
    filter.recipient = octets;
    filter.sender = "";
    filter.state = State::held;
    filter.since = test::test_epoch;
    filter.before = test::test_epoch;
    filter.larger_octets = 0;
    filter.message = MessageId{4};
    filter.recipient_number = 0;
    filter.limit = 0;
    filter.up_to = MessageId{5};
    filter.kept = false;
    filter.tag = octets;
    filter.not_tag = "";
    filter.cause = "";
    filter.server = octets;
    filter.copy = false;
    job.server = "new";
    job.pinned = false;
    job.ordered_at = test::test_epoch;
    job.who = "uid:0 root";
    job.chosen = 6;
    job.state = ReleaseState::paused;
    job.why = octets;
    job.changed_at = test::test_epoch;
    job.canary = 10;
    job.rate_per_minute = 11;
    job.order = ReleaseOrder::small_first;
    job.first = {octets, "vip@example.com"};
    job.pause_percent = 5;
    job.total = 12;
    job.total_octets = 13;
    job.of_phase = true;
    const auto back = decode_release(encode(job));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(encode(*back), encode(job));
    EXPECT_EQ(back->filter.recipient, octets);
    EXPECT_EQ(back->filter.sender, "");
    EXPECT_EQ(back->filter.state, State::held);
    EXPECT_EQ(back->filter.recipient_number, 0U);
    EXPECT_EQ(back->filter.limit, 0U);
    EXPECT_EQ(back->filter.up_to, MessageId{5});
    EXPECT_EQ(back->filter.kept, false);
    EXPECT_EQ(back->filter.tag, octets);
    EXPECT_EQ(back->filter.not_tag, "");
    EXPECT_EQ(back->filter.cause, "");
    EXPECT_EQ(back->filter.server, octets);
    EXPECT_EQ(back->filter.copy, false);
    EXPECT_FALSE(back->pinned);
    EXPECT_EQ(back->state, ReleaseState::paused);
    EXPECT_EQ(back->why, octets);
    EXPECT_EQ(back->changed_at, test::test_epoch);
    EXPECT_EQ(back->canary, 10U);
    EXPECT_EQ(back->rate_per_minute, 11U);
    EXPECT_EQ(back->order, ReleaseOrder::small_first);
    EXPECT_EQ(back->first, job.first);
    EXPECT_EQ(back->pause_percent, 5U);
    EXPECT_EQ(back->total, 12U);
    EXPECT_EQ(back->total_octets, 13U);
    EXPECT_TRUE(back->of_phase);

    const ReleaseJob any = decode_release(encode(ReleaseJob{})).value();
    EXPECT_FALSE(any.filter.sender);
    EXPECT_FALSE(any.filter.state);
    EXPECT_FALSE(any.filter.limit);
    EXPECT_FALSE(any.filter.tag);
    EXPECT_FALSE(any.filter.not_tag);
    EXPECT_FALSE(any.filter.cause || any.filter.server || any.filter.copy);
}

TEST(RecordRelease, ReleaseJobOfVersionOneIsRunningOrComplete) {
    // id 1; id 1 and complete.
    const auto running = decode_release(seal(from_hex("0801")));
    const auto complete = decode_release(seal(from_hex("08014001")));
    ASSERT_TRUE(running && complete);
    EXPECT_EQ(running->state, ReleaseState::running);
    EXPECT_EQ(complete->state, ReleaseState::complete);
    EXPECT_EQ(running->order, ReleaseOrder::oldest);
    // A state, an order that this version does not know.
    EXPECT_FALSE(decode_release(seal(from_hex("08014806"))));
    EXPECT_FALSE(decode_release(seal(from_hex("08017002"))));
}

TEST(RecordRelease, ReleaseStatesAndOrdersHaveNames) {
    std::set<std::string_view> names;
    for (int state = 0; state <= static_cast<int>(ReleaseState::cancelled); ++state) {
        names.insert(format_release_state(static_cast<ReleaseState>(state)));
    }
    EXPECT_EQ(names.size(), 5U);
    EXPECT_FALSE(names.contains("unknown"));
    for (const ReleaseOrder order : {ReleaseOrder::oldest, ReleaseOrder::small_first}) {
        EXPECT_EQ(parse_release_order(format_release_order(order)).value(), order);
    }
    EXPECT_TRUE(parse_release_order("newest").error().is(Errc::invalid_argument));
}

TEST(RecordRelease, FlipComesBack) {
    FlipRecord flip;
    flip.epoch = 3;
    flip.at = test::test_epoch;
    flip.who = octets;
    flip.why = octets;
    flip.undone_by = 4;
    flip.undoes = 2;
    flip.moves = {
        {test::domain_of("example.com"), "pilot", Phase::hold, Phase::pass_old, "", "new"},
        {test::domain_of("example.org"), octets, Phase::pass_old, Phase::pass_old, "new", ""}};
    const auto back = decode_flip(encode(flip));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->epoch, 3U);
    EXPECT_EQ(back->at, test::test_epoch);
    EXPECT_EQ(back->who, octets);
    EXPECT_EQ(back->why, octets);
    EXPECT_EQ(back->undone_by, 4U);
    EXPECT_EQ(back->undoes, 2U);
    EXPECT_EQ(back->moves, flip.moves);
    EXPECT_FALSE(decode_flip(seal("\xff")));
}

}  // namespace
}  // namespace siding::queue
