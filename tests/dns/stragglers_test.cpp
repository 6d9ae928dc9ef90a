#include "dns/stragglers.hpp"

#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;

HourProfile flat(double per_hour) {
    HourProfile profile;
    profile.per_hour.fill(per_hour);
    return profile;
}

TEST(Stragglers, bound) {
    EXPECT_DOUBLE_EQ(straggler_bound(0, 3000), 0.001);
    EXPECT_DOUBLE_EQ(straggler_bound(0, 30), 0.1);
    EXPECT_NEAR(straggler_bound(3, 10000), (3 + 1.96 * 2 + 2) / 10000, 1e-12);
    EXPECT_EQ(straggler_bound(0, 0), 1);
    EXPECT_EQ(straggler_bound(5, 2), 1);
    for (std::uint64_t k = 0; k < 20; ++k) {
        EXPECT_LT(straggler_bound(k, 1e6), straggler_bound(k + 1, 1e6)) << k;
        EXPECT_NEAR(straggler_bound(k, messages_needed(k, 0.001)), 0.001, 1e-12) << k;
    }
}

TEST(Stragglers, a_weekend_is_from_friday_evening_to_monday_morning) {
    EXPECT_EQ(weekend_messages(flat(2)), 2 * (6 + 24 + 24 + 8));
    HourProfile profile;
    profile.per_hour.at(hour_of_week(at(0s))) = 5;  // a Saturday
    profile.per_hour.at(hour_of_week(at(-24h))) = 7;
    EXPECT_EQ(weekend_messages(profile), 5);
}

TEST(Stragglers, hours_of_the_week_begin_on_monday_in_utc) {
    EXPECT_EQ(hour_of_week(WallTime{}), 72U) << "a Thursday";
    EXPECT_EQ(hour_of_week(at(0s)), 5 * 24 + 13U);
    EXPECT_EQ(hour_of_week(at(35h)), 0U);
    EXPECT_EQ(hour_of_week(at(35h - 1ms)), 167U);
    EXPECT_EQ(hour_of_week(WallTime{-73h}), 167U);
}

TEST(Stragglers, expected_messages) {
    EXPECT_DOUBLE_EQ(expected_messages(flat(60), at(0s), at(90min)), 90);
    EXPECT_DOUBLE_EQ(expected_messages(flat(60), at(15min), at(30min)), 15);
    EXPECT_DOUBLE_EQ(expected_messages(flat(1), at(0s), at(3 * 168h + 1h)), 505);
    EXPECT_EQ(expected_messages(flat(60), at(1h), at(0s)), 0);
    HourProfile monday;
    monday.per_hour[9] = 100;
    EXPECT_EQ(expected_messages(monday, at(0s), at(40h)), 0);
    EXPECT_DOUBLE_EQ(expected_messages(monday, at(0s), at(44h + 30min)), 50);
}

TEST(Stragglers, when_it_is_quiet) {
    EXPECT_EQ(quiet_at({0.001, 0, at(0s)}, flat(3000)), at(1h));
    EXPECT_EQ(quiet_at({0.001, 0, at(30min)}, flat(6000)), at(1h));
    const WallTime one = *quiet_at({0.001, 1, at(0s)}, flat(3000));
    EXPECT_GT(one, at(1h + 50min));
    EXPECT_LT(one, at(2h));
    EXPECT_FALSE(quiet_at({0.001, 0, at(0s)}, flat(0)));
    EXPECT_FALSE(quiet_at({0, 0, at(0s)}, flat(10)));
    HourProfile monday;
    monday.per_hour[9] = 6000;
    EXPECT_EQ(quiet_at({0.001, 0, at(0s)}, monday), at(44h + 30min)) << "over the weekend";
}

TEST(Stragglers, classes) {
    StragglerFacts facts;
    facts.client_address = "192.0.2.1";
    facts.mx_deadline = at(1h);
    facts.hard_deadline = at(25h);
    const auto kind = [&](WallTime when) {
        facts.at = when;
        return classify(facts);
    };
    EXPECT_EQ(kind(at(30min)), StragglerClass::dns_lag);
    EXPECT_EQ(kind(at(2h)), StragglerClass::mta_cache);
    EXPECT_EQ(kind(at(25h)), StragglerClass::hard_coded);
    facts.provider_at_siding = true;
    EXPECT_EQ(kind(at(2h)), StragglerClass::dns_lag);
    EXPECT_EQ(kind(at(25h)), StragglerClass::hard_coded);
    facts.client_address = "10.1.2.3";
    EXPECT_EQ(kind(at(30min)), StragglerClass::hard_coded) << "a printer";
    facts.is_old_server = true;
    EXPECT_EQ(kind(at(30min)), StragglerClass::local_domain);
    facts.is_spam = true;
    EXPECT_EQ(kind(at(30min)), StragglerClass::spam);
    StragglerFacts early;
    early.client_address = "192.0.2.1";
    EXPECT_EQ(classify(early), StragglerClass::dns_lag) << "no deadline is known yet";
}

TEST(Stragglers, private_addresses) {
    for (const char* const address :
         {"10.0.0.1",
          "172.31.0.1",
          "192.168.1.1",
          "127.0.0.1",
          "::1",
          "fe80::1",
          "fd00::1",
          "100.64.0.1",
          "::ffff:10.0.0.1"}) {
        EXPECT_TRUE(is_private_address(address)) << address;
    }
    for (const char* const address : {"192.0.2.1", "172.32.0.1", "2001:db8::1", "", "x"}) {
        EXPECT_FALSE(is_private_address(address)) << address;
    }
}

}  // namespace
}  // namespace siding::dns
