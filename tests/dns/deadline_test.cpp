#include "dns/deadline.hpp"

#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::expected;
using test::new_mx;
using test::old_mx;
using test::served;

History history_of(const std::vector<Served>& answers) {
    History history;
    for (const Served& answer : answers) {
        history.note(answer);
    }
    return history;
}

Served name_servers(const std::string& names, std::chrono::seconds ttl, WallTime when) {
    Served answer = served("delegation at example", names, ttl, when);
    answer.type = static_cast<std::uint16_t>(RecordType::ns);
    return answer;
}

TEST(Deadline, of_the_server_that_was_last) {
    const History history = history_of({
        served("ns1", old_mx, 3600s, at(0s)),
        served("ns2", old_mx, 3600s, at(0s)),
        served("ns1", new_mx, 3600s, at(7min)),
        served("ns2", old_mx, 3600s, at(7min + 10s)),
        served("ns2", new_mx, 3600s, at(7min + 30s)),
    });
    const auto deadline = mx_deadline(history, expected(), at(8min));
    ASSERT_TRUE(deadline);
    EXPECT_EQ(deadline->at, at(67min + 30s));
    EXPECT_EQ(deadline->why, "ns2 served TTL 3600 until Sat 13:07:30");
    EXPECT_EQ(published_at(history, expected()), at(7min + 30s));
}

// The TTL was lowered too late: answers with the long one outlive the switch.
TEST(Deadline, of_a_ttl_that_was_lowered_less_than_itself_before) {
    const History history = history_of({
        served("ns1", old_mx, 86400s, at(0s)),
        served("ns1", old_mx, 300s, at(1h)),
        served("ns1", new_mx, 300s, at(2h)),
    });
    const auto deadline = mx_deadline(history, expected(), at(2h));
    EXPECT_EQ(deadline->at, at(1h + 24h));
    EXPECT_EQ(deadline->why, "ns1 served TTL 86400 until Sat 14:00:00");
}

TEST(Deadline, of_a_ttl_that_was_lowered_in_time) {
    const History history = history_of({
        served("ns1", old_mx, 3600s, at(0s)),
        served("ns1", old_mx, 300s, at(1h)),
        served("ns1", new_mx, 300s, at(3h)),
    });
    EXPECT_EQ(mx_deadline(history, expected(), at(3h))->at, at(3h + 5min));
}

TEST(Deadline, moves_while_a_server_still_serves_the_old_one) {
    const History history = history_of({
        served("ns1", old_mx, 60s, at(0s)),
        served("ns2", old_mx, 60s, at(0s)),
        served("ns1", new_mx, 60s, at(10s)),
        served("ns2", old_mx, 60s, at(10s)),
    });
    const auto deadline = mx_deadline(history, expected(), at(15s));
    EXPECT_EQ(deadline->at, at(75s));
    EXPECT_EQ(deadline->why, "ns2 still serves TTL 60");
    EXPECT_FALSE(published_at(history, expected()));
    const auto silent = mx_deadline(history, expected(), at(2h));
    EXPECT_EQ(silent->at, at(2h + 60s)) << "nobody knows what it serves";
    EXPECT_EQ(silent->why, "ns2 served TTL 60 when it last answered, at Sat 13:00:10");
}

TEST(Deadline, slack_comes_on_top) {
    const History history =
        history_of({served("ns1", old_mx, 60s, at(0s)), served("ns1", new_mx, 60s, at(10s))});
    DeadlineOptions options;
    options.slack = 120s;
    EXPECT_EQ(mx_deadline(history, expected(), at(10s), options)->at, at(190s));
    EXPECT_EQ(published_at(history, expected(), options), at(130s));
}

TEST(Deadline, is_rounded_up_to_the_second) {
    const History history =
        history_of({served("ns1", old_mx, 60s, at(0s)), served("ns1", new_mx, 60s, at(10001ms))});
    EXPECT_EQ(mx_deadline(history, expected(), at(11s))->at, at(71s));
}

TEST(Deadline, counts_all_that_is_not_the_new_mx) {
    for (const char* const before :
         {"10 old.example; 20 new.example", "10 other.example", "0 .", ""}) {
        const History history =
            history_of({served("ns1", before, 60s, at(0s)), served("ns1", new_mx, 60s, at(10s))});
        const auto deadline = mx_deadline(history, expected(), at(11s));
        ASSERT_TRUE(deadline) << before;
        EXPECT_EQ(deadline->at, at(70s)) << before;
    }
    const History absent =
        history_of({served("ns1", "", 60s, at(0s)), served("ns1", new_mx, 60s, at(10s))});
    EXPECT_EQ(
        mx_deadline(absent, expected(), at(11s))->why,
        "ns1 said for 60 s that there is none until Sat 13:00:10"
    );
}

TEST(Deadline, there_is_none_without_an_old_mx) {
    EXPECT_FALSE(mx_deadline({}, expected(), at(0s)));
    const History history = history_of({served("ns1", new_mx, 60s, at(0s))});
    EXPECT_FALSE(mx_deadline(history, expected(), at(1s)));
    EXPECT_EQ(published_at(history, expected()), at(0s));
    EXPECT_FALSE(published_at({}, expected()));
}

TEST(Deadline, a_ttl_that_changes_after_the_switch_is_no_new_publication) {
    const History history = history_of({
        served("ns1", old_mx, 60s, at(0s)),
        served("ns1", new_mx, 60s, at(10s)),
        served("ns1", new_mx, 3600s, at(20s)),
    });
    EXPECT_EQ(published_at(history, expected()), at(10s));
}

TEST(Deadline, starts_over_when_the_old_mx_comes_back) {
    const History history = history_of({
        served("ns1", old_mx, 60s, at(0s)),
        served("ns1", new_mx, 60s, at(10s)),
        served("ns1", old_mx, 60s, at(100s)),
        served("ns1", new_mx, 60s, at(200s)),
    });
    EXPECT_EQ(published_at(history, expected()), at(200s));
    EXPECT_EQ(mx_deadline(history, expected(), at(200s))->at, at(260s));
}

TEST(Deadline, a_server_that_left_is_asked_for_as_long_as_the_delegation_lives) {
    const History history = history_of({
        name_servers("ns1; ns9", 7200s, at(0s)),
        served("ns1 192.0.2.1", old_mx, 60s, at(0s)),
        served("ns9 192.0.2.9", old_mx, 300s, at(0s)),
        served("ns9 192.0.2.9", old_mx, 300s, at(50s)),
        name_servers("ns1", 7200s, at(60s)),
        served("ns1 192.0.2.1", new_mx, 60s, at(60s)),
    });
    DeadlineOptions options;
    options.servers = {"ns1 192.0.2.1"};
    const auto deadline = mx_deadline(history, expected(), at(10h), options);
    EXPECT_EQ(deadline->at, at(60s + 7200s + 300s));
    EXPECT_EQ(
        deadline->why,
        "ns9 192.0.2.9 served TTL 300 until Sat 13:01:00, and may be asked for 7200 s more"
    );
    EXPECT_EQ(published_at(history, expected(), options), at(60s));
    EXPECT_FALSE(published_at(history, expected()));
}

TEST(Deadline, of_an_address_behind_the_same_name) {
    const auto address = [](const char* data, std::chrono::seconds ttl, WallTime when) {
        Served answer = served("ns1", data, ttl, when);
        answer.name = "mx.example.com";
        answer.type = static_cast<std::uint16_t>(RecordType::a);
        return answer;
    };
    const History history = history_of({
        address("192.0.2.1", 600s, at(0s)),
        address("192.0.2.1; 192.0.2.2", 60s, at(1min)),
        address("192.0.2.2", 60s, at(5min)),
    });
    const auto deadline = address_deadline(history, "mx.example.com", {"192.0.2.2"}, at(6min));
    EXPECT_EQ(deadline->at, at(11min)) << "the first set with its TTL of 600";
    EXPECT_FALSE(address_deadline(history, "mx.example.com", {"192.0.2.1", "192.0.2.2"}, at(6min)));
    EXPECT_FALSE(address_deadline(history, "other.example.com", {}, at(6min)));
}

TEST(Deadline, formulas) {
    EXPECT_EQ(nameserver_move({at(0s), 172800s, 3600s, 300s}).at, at(172800s + 300s));
    EXPECT_EQ(nameserver_move({at(0s), 300s, 3600s, 300s}).at, at(3900s));
    EXPECT_EQ(negative_deadline({at(0s), 3600s, 900s}).at, at(900s));
    EXPECT_EQ(negative_deadline({at(0s), 60s, 900s}).at, at(60s));
    EXPECT_EQ(floor_deadline({at(0s), 300s, 3600s}).at, at(3600s));
    EXPECT_EQ(floor_deadline({at(0s), 7200s, 3600s}).at, at(7200s));
    const Deadline mx{at(600s), "ns1"};
    EXPECT_EQ(stale_deadline(mx, false), mx);
    EXPECT_EQ(stale_deadline(mx, true).at, at(600s) + 72h);
    EXPECT_EQ(hard_deadline(mx, std::nullopt, 24h).at, at(600s) + 24h);
    EXPECT_EQ(hard_deadline(mx, Deadline{at(3600s), "floor"}, 24h).at, at(3600s) + 24h);
    EXPECT_EQ(hard_deadline(mx, Deadline{at(60s), "floor"}, 24h).at, at(600s) + 24h);
    const StsChange sts{at(0s), 300s, 604800s};
    EXPECT_EQ(sts_deadline(sts, StsCaches::lenient).at, at(300s));
    EXPECT_EQ(sts_deadline(sts, StsCaches::strict).at, at(604800s));
    EXPECT_EQ(sts_deadline({at(0s), 300s, 60s}, StsCaches::strict).at, at(300s));
    const DaneChange dane{at(0s), 3600s, 900s};
    EXPECT_EQ(dane_deadline(dane, DaneStep::added).at, at(7200s));
    EXPECT_EQ(dane_deadline(dane, DaneStep::removed).at, at(4500s));
}

TEST(Deadline, words) {
    EXPECT_EQ(show_utc(at(67min + 30s)), "Sat 14:07:30");
    EXPECT_EQ(show_utc(WallTime{}), "Thu 00:00:00");
    EXPECT_EQ(show_duration(45s), "45 s");
    EXPECT_EQ(show_duration(5min), "5 min");
    EXPECT_EQ(show_duration(65min), "1 h 5 min");
    EXPECT_EQ(show_duration(48h), "2 d");
    EXPECT_EQ(show_duration(-5s), "0 s");
}

}  // namespace
}  // namespace siding::dns
