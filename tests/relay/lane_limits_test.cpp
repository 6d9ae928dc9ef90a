#include "relay/lane_limits.hpp"

#include <gtest/gtest.h>

#include <array>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using config::Profile;

constexpr std::array all_profiles{
    Profile::generic, Profile::postfix, Profile::exchange, Profile::m365, Profile::google};

TEST(LaneLimitsTest, EveryProfileIsSound) {
    for (const Profile profile : all_profiles) {
        SCOPED_TRACE(profile_name(profile));
        const LaneLimits limits = profile_limits(profile);
        EXPECT_GE(limits.connections_start, 1U);
        EXPECT_LE(limits.connections_start, limits.connections);
        EXPECT_GT(limits.growth_deliveries, 0U);
        EXPECT_GT(limits.cool_down.count(), 0);
        EXPECT_LE(limits.cool_down, limits.cool_down_longest);
    }
}

// cutover.md: a mailbox there takes 60 a minute, here 3600 an hour of which one sender has a third.
TEST(LaneLimitsTest, MailboxesOfTheBigOnesAreSpared) {
    EXPECT_EQ(profile_limits(Profile::google).recipient_rate, 20U);
    EXPECT_TRUE(profile_limits(Profile::google).one_domain);
    EXPECT_EQ(profile_limits(Profile::m365).recipient_rate, 30U);
    EXPECT_EQ(profile_limits(Profile::m365).reputation_cool_down, 10min);
    EXPECT_LE(profile_limits(Profile::exchange).connections, 20U);
}

TEST(LaneLimitsTest, WhatIsConfiguredCountsInsteadZeroIncluded) {
    config::Server server;
    server.profile = Profile::google;
    EXPECT_EQ(resolve_limits(server), profile_limits(Profile::google));
    server.connections = 3;
    server.messages_per_connection = 0;
    server.recipients_per_transaction = 7;
    server.recipient_connections = 0;
    server.rate = 600;
    server.domain_rate = 60;
    server.recipient_rate = 0;
    const LaneLimits limits = resolve_limits(server);
    EXPECT_EQ(limits.connections, 3U);
    EXPECT_EQ(limits.connections_start, 2U);
    EXPECT_EQ(limits.messages_per_connection, 0U);
    EXPECT_EQ(limits.recipients_per_transaction, 7U);
    EXPECT_EQ(limits.recipient_connections, 0U);
    EXPECT_EQ(limits.rate, 600U);
    EXPECT_EQ(limits.domain_rate, 60U);
    EXPECT_EQ(limits.recipient_rate, 0U);
    EXPECT_TRUE(limits.one_domain);
    server.connections = 1;
    EXPECT_EQ(resolve_limits(server).connections_start, 1U);
}

}  // namespace
}  // namespace siding::relay
