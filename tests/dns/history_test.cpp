#include "dns/history.hpp"

#include "base/limits.hpp"
#include "dns/record.hpp"
#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::served;

TEST(History, the_same_answer_is_one_epoch) {
    History history;
    EXPECT_TRUE(history.note(served("ns1", "10 old.example", 3600s, at(0s))));
    EXPECT_FALSE(history.note(served("ns1", "10 old.example", 3600s, at(20s))));
    ASSERT_EQ(history.epochs().size(), 1U);
    EXPECT_EQ(history.epochs()[0].first, at(0s));
    EXPECT_EQ(history.epochs()[0].last, at(20s));
}

TEST(History, another_set_ttl_server_or_type_is_another_epoch) {
    History history;
    EXPECT_TRUE(history.note(served("ns1", "10 old.example", 3600s, at(0s))));
    EXPECT_TRUE(history.note(served("ns1", "10 old.example", 300s, at(1s))));
    EXPECT_TRUE(history.note(served("ns1", "10 new.example", 300s, at(2s))));
    EXPECT_TRUE(history.note(served("ns2", "10 new.example", 300s, at(2s))));
    Served soa = served("ns1", "x", 300s, at(2s));
    soa.type = static_cast<std::uint16_t>(RecordType::soa);
    EXPECT_TRUE(history.note(soa));
    EXPECT_TRUE(history.note(served("ns1", "10 old.example", 3600s, at(3s)))) << "back again";
    EXPECT_EQ(history.epochs().size(), 6U);
    const auto mx = history.by_server("example.com", static_cast<std::uint16_t>(RecordType::mx));
    ASSERT_EQ(mx.size(), 2U);
    EXPECT_EQ(mx.at("ns1").size(), 4U);
    EXPECT_EQ(mx.at("ns1").back().ttl, 3600s);
}

TEST(History, a_new_serial_alone_is_the_same_epoch) {
    History history;
    Served first = served("ns1", "10 old.example", 60s, at(0s));
    first.serial = 7;
    history.note(first);
    first.serial = 8;
    first.at = at(5s);
    EXPECT_FALSE(history.note(first));
    EXPECT_EQ(history.epochs()[0].first_serial, 7U);
    EXPECT_EQ(history.epochs()[0].serial, 8U);
}

TEST(History, what_is_older_than_the_last_word_is_passed_over) {
    History history;
    history.note(served("ns1", "10 new.example", 60s, at(10s)));
    EXPECT_FALSE(history.note(served("ns1", "10 old.example", 60s, at(5s))));
    EXPECT_EQ(history.epochs().size(), 1U);
}

TEST(History, prune_keeps_each_servers_last_word) {
    History history;
    history.note(served("ns1", "10 old.example", 60s, at(0s)));
    history.note(served("ns1", "10 new.example", 60s, at(100s)));
    history.note(served("ns2", "10 old.example", 60s, at(0s)));
    history.prune(at(1000s));
    ASSERT_EQ(history.epochs().size(), 2U);
    EXPECT_EQ(history.epochs()[0].data, "10 new.example");
    EXPECT_EQ(history.epochs()[1].server, "ns2");
}

TEST(History, is_bounded_and_lets_soa_records_go_first) {
    History history;
    history.note(served("ns1", "10 old.example", 60s, at(0s)));
    for (int i = 0; i < 3000; ++i) {
        Served soa = served("ns1", "ns1 admin " + std::to_string(i), 60s, at(1s + i * 1s));
        soa.type = static_cast<std::uint16_t>(RecordType::soa);
        history.note(soa);
    }
    EXPECT_LE(history.epochs().size(), limits::dns_epochs_max);
    EXPECT_EQ(history.epochs().front().data, "10 old.example");
    for (int i = 0; i < 200; ++i) {
        history.note(served("ns1", std::string(2000, 'x') + std::to_string(i), 60s, at(1h + i * 1s))
        );
    }
    EXPECT_LT(history.save().size(), limits::value_octets_max);
}

TEST(History, comes_back_as_it_was_saved) {
    History history;
    history.note(served("ns1.example 192.0.2.1", "10 a.example; 20 b.example", 3600s, at(0s)));
    history.note(served("ns1.example 192.0.2.1", "", 300s, at(5s)));
    history.note(served("odd\tname%41\n", "\"v=x; y\" \xff", 1s, at(6s)));
    const auto loaded = History::load(history.save());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(*loaded, history);
    EXPECT_EQ(History::load(History{}.save()).value(), History{});
}

TEST(History, what_is_damaged_is_refused) {
    History history;
    history.note(served("ns1", "10 old.example", 3600s, at(0s)));
    const std::string good = history.save();
    for (const std::string& bad :
         {std::string{},
          std::string{"x\n"},
          good + "1\t2\n",
          good + good,
          good.substr(0, good.size() - 30)}) {
        const auto loaded = History::load(bad);
        ASSERT_FALSE(loaded.has_value()) << bad;
        EXPECT_TRUE(loaded.error().is(Errc::corrupt));
    }
}

TEST(History, of_other_names_the_newest_few_are_kept_and_never_instead_of_the_mx) {
    History history;
    history.note(served("ns1", "10 old.example", 60s, at(0s)));
    for (int host = 0; host < 100; ++host) {
        for (int i = 0; i < 20; ++i) {
            Served answer =
                served("ns1", "192.0.2." + std::to_string(i), 60s, at(1s * (20 * host + i + 1)));
            answer.name = "mx" + std::to_string(host) + ".example";
            answer.type = static_cast<std::uint16_t>(RecordType::a);
            history.note(answer);
        }
    }
    EXPECT_LE(history.epochs().size(), limits::dns_epochs_max);
    EXPECT_EQ(history.epochs().front().data, "10 old.example");
    const auto last = history.by_server("mx99.example", static_cast<std::uint16_t>(RecordType::a));
    ASSERT_EQ(last.at("ns1").size(), 8U);
    EXPECT_EQ(last.at("ns1").back().data, "192.0.2.19");
    EXPECT_EQ(History::load(history.save()).value(), history);
}

}  // namespace
}  // namespace siding::dns
