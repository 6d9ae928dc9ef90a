#include "backfill/governor.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using Use = Governor::Use;

const Place ann{Side::source, "old.example:993", "ann"};
const Place ann_new{Side::destination, "new.example:993", "ann"};
const Place bob{Side::source, "old.example:993", "bob"};

Judged no(Trouble trouble, std::string words) {
    Judged judged;
    judged.trouble = trouble;
    judged.is_retryable = true;
    judged.words = std::move(words);
    return judged;
}

class GovernorTest : public testing::Test {
protected:
    ManualClock clock_{WallTime{std::chrono::sys_days{std::chrono::days{20'000}}}};
    Governor governor_{clock_, [](Side side) { return side == Side::source ? 16U : 3U; }};
};

TEST_F(GovernorTest, both_sides_or_none) {
    Governor::Taken first = governor_.take({ann, ann_new}, Use::first);
    Governor::Taken second = governor_.take({ann, ann_new}, Use::more);
    Governor::Taken third = governor_.take({ann, ann_new}, Use::more);
    ASSERT_TRUE(first.permit && second.permit && third.permit);
    // The destination has no more; then the source must not be taken either.
    EXPECT_FALSE(governor_.take({ann, ann_new}, Use::more).permit);
    EXPECT_EQ(governor_.status().size(), 2U);
    EXPECT_EQ(governor_.status()[0].permits, 3U);
    third.permit.give_back();
    EXPECT_TRUE(governor_.take({ann, ann_new}, Use::more).permit);
}

TEST_F(GovernorTest, whoever_has_none_comes_first) {
    Governor::Taken first = governor_.take({ann, ann_new}, Use::first);
    Governor::Taken second = governor_.take({ann, ann_new}, Use::more);
    Governor::Taken third = governor_.take({ann, ann_new}, Use::more);
    EXPECT_FALSE(second.permit.is_wanted_elsewhere());
    const Place bob_new{Side::destination, "new.example:993", "bob"};
    const Governor::Taken denied = governor_.take({bob, bob_new}, Use::first);
    EXPECT_FALSE(denied.permit);
    EXPECT_FALSE(denied.denial.until);
    EXPECT_TRUE(second.permit.is_wanted_elsewhere());
    third.permit.give_back();
    EXPECT_FALSE(governor_.take({ann, ann_new}, Use::more).permit);
    EXPECT_TRUE(governor_.take({bob, bob_new}, Use::first).permit);
    clock_.advance(10s);
    EXPECT_FALSE(second.permit.is_wanted_elsewhere());
}

TEST_F(GovernorTest, settles_at_what_a_user_may_have) {
    std::vector<Governor::Taken> taken;
    std::vector<Governor::Connection> connections;
    for (int pair = 0; pair < 4; ++pair) {
        taken.push_back(governor_.take({ann}, pair == 0 ? Use::first : Use::more));
        ASSERT_TRUE(taken.back().permit);
    }
    connections.push_back(governor_.on_let_in(ann));
    // Two of the others are refused before the one that is taken is known of.
    const auto words =
        "[UNAVAILABLE] Maximum number of connections from user+IP exceeded "
        "(mail_max_userip_connections=2)";
    governor_.on_login_refused(ann, Trouble::too_many_connections, words);
    connections.push_back(governor_.on_let_in(ann));
    governor_.on_login_refused(ann, Trouble::too_many_connections, words);
    taken.resize(2);
    EXPECT_FALSE(governor_.take({ann}, Use::more).permit);
    EXPECT_FALSE(governor_.rest(std::vector{ann}));  // it goes on with what it has
    EXPECT_TRUE(governor_.take({bob}, Use::first).permit);
    EXPECT_EQ(governor_.status()[0].users_limited, 1U);
    // It may be otherwise later.
    clock_.advance(11min);
    EXPECT_TRUE(governor_.take({ann}, Use::more).permit);
}

TEST_F(GovernorTest, settles_at_what_a_server_has_for_all) {
    Governor::Taken first = governor_.take({ann}, Use::first);
    const Governor::Connection connection = governor_.on_let_in(ann);
    Governor::Taken second = governor_.take({bob}, Use::first);
    ASSERT_TRUE(second.permit);
    governor_.on_login_refused(bob, Trouble::too_many_connections, "Too many connections");
    second.permit.give_back();
    const Governor::Taken denied = governor_.take({bob}, Use::first);
    EXPECT_FALSE(denied.permit);
    EXPECT_EQ(
        denied.denial.words, "waits for its turn: old.example:993 takes 1 connection at once"
    );
    first.permit.give_back();
    EXPECT_TRUE(governor_.take({bob}, Use::first).permit);
}

TEST_F(GovernorTest, one_user_rests_as_long_as_the_server_says) {
    const auto words = "Request is throttled. Suggested Backoff Time: 300000 milliseconds";
    governor_.on_trouble(ann, no(Trouble::throttled, words), ImapStage::fetch);
    const Governor::Taken denied = governor_.take({ann, ann_new}, Use::first);
    EXPECT_FALSE(denied.permit);
    ASSERT_TRUE(denied.denial.until);
    EXPECT_EQ(*denied.denial.until, clock_.now() + 5min);
    EXPECT_EQ(
        denied.denial.words, "throttled by old.example:993 until 00:05 UTC: " + std::string{words}
    );
    EXPECT_TRUE(governor_.take({bob}, Use::first).permit);
    clock_.advance(5min);
    EXPECT_TRUE(governor_.take({ann, ann_new}, Use::first).permit);
}

TEST_F(GovernorTest, rests_longer_each_time_where_nobody_says_how_long) {
    const auto ask = [&] {
        governor_.on_trouble(
            ann, no(Trouble::throttled, "[THROTTLED] slow down"), ImapStage::fetch
        );
        return governor_.rest(std::vector{ann})->until - clock_.now();
    };
    EXPECT_EQ(ask(), 1min);
    EXPECT_EQ(ask(), 1min);  // another word about the same
    clock_.advance(2min);
    EXPECT_EQ(ask(), 2min);
    clock_.advance(3min);
    EXPECT_EQ(ask(), 4min);
    clock_.advance(1h);
    EXPECT_EQ(ask(), 1min);
}

TEST_F(GovernorTest, the_whole_server_has_too_much_where_several_are_throttled) {
    const std::size_t before = [&] {
        static_cast<void>(governor_.take({ann}, Use::first));
        return governor_.status()[0].limit;
    }();
    governor_.on_trouble(ann, no(Trouble::throttled, "throttled"), ImapStage::fetch);
    EXPECT_EQ(governor_.status()[0].limit, before);
    governor_.on_trouble(bob, no(Trouble::throttled, "throttled"), ImapStage::fetch);
    EXPECT_EQ(governor_.status()[0].limit, before / 2);
    EXPECT_EQ(governor_.status()[0].throttles, 2U);
}

TEST_F(GovernorTest, one_message_that_fails_is_no_wish) {
    governor_.on_trouble(
        ann, no(Trouble::unavailable, "[UNAVAILABLE] UID FETCH Server error"), ImapStage::fetch
    );
    EXPECT_FALSE(governor_.rest(std::vector{ann}));
}

// The same words for a wrong password and for too many connections: whoever is logged in has the
// right one.
TEST_F(GovernorTest, microsoft_says_the_same_for_two_things) {
    const auto words = "User is authenticated but not connected.";
    EXPECT_EQ(
        governor_.on_login_refused(ann, Trouble::authentication, words), Trouble::authentication
    );
    const Governor::Connection connection = governor_.on_let_in(ann);
    EXPECT_EQ(
        governor_.on_login_refused(ann, Trouble::authentication, words),
        Trouble::too_many_connections
    );
    EXPECT_EQ(
        governor_.on_login_refused(ann, Trouble::authentication, "Invalid credentials"),
        Trouble::authentication
    );
}

}  // namespace
}  // namespace siding::backfill
