#include "dns/ttl_caps.hpp"

#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::new_mx;
using test::old_mx;
using test::served;

constexpr std::chrono::seconds ttl{600};

class Caps : public testing::Test {
protected:
    // A round in which "One" shows that much of the new MX.
    void show(std::initializer_list<std::chrono::seconds> left, WallTime when, bool stale = false) {
        PanelRound round;
        round.at = when;
        OperatorView& view = round.operators.emplace_back();
        view.name = "One with a blank";
        for (const auto each : left) {
            SampleView& sample = view.samples.emplace_back();
            sample.mx = {new_mx};
            sample.ttl_left = each;
            sample.stale = stale;
        }
        caps.note(round, served_now(history, "example.com"));
    }

    std::optional<std::chrono::seconds> cap() const { return caps.cap_of("One with a blank"); }

    History history;
    TtlCaps caps;
};

TEST_F(Caps, an_answer_of_a_minute_ago_has_most_of_its_ttl_left) {
    history.note(served("ns1", old_mx, ttl, at(0s)));
    history.note(served("ns1", new_mx, ttl, at(20s)));
    show({60s}, at(60s));
    show({30s, 10s}, at(90s));
    EXPECT_FALSE(cap()) << "not after two rounds";
    show({110s, 60s}, at(120s));
    EXPECT_EQ(cap(), 110s);
    show({120s}, at(180s));
    EXPECT_EQ(cap(), 120s) << "what it shows at most";
    show({600s}, at(240s));
    EXPECT_FALSE(cap()) << "after all it keeps them to the end";
}

TEST_F(Caps, an_honest_resolver_counts_down) {
    history.note(served("ns1", old_mx, ttl, at(0s)));
    history.note(served("ns1", new_mx, ttl, at(20s)));
    for (int minute = 1; minute <= 40; ++minute) {
        const auto age = std::chrono::seconds{60 * minute} % ttl;
        show({ttl - age}, at(20s + 60s * minute));
        ASSERT_FALSE(cap()) << minute;
    }
}

TEST_F(Caps, without_a_change_it_takes_a_whole_ttl_to_know) {
    history.note(served("ns1", new_mx, ttl, at(0s)));
    for (int minute = 0; minute < 10; ++minute) {
        show({60s, 120s}, at(60s * minute));
        ASSERT_FALSE(cap()) << minute;
    }
    show({100s}, at(600s));
    EXPECT_EQ(cap(), 120s);
}

TEST_F(Caps, a_resolver_that_others_use_too_is_no_capper) {
    history.note(served("ns1", new_mx, ttl, at(0s)));
    for (int minute = 0; minute <= 30; ++minute) {
        show({ttl - 55s}, at(60s * minute));
    }
    EXPECT_FALSE(cap()) << "somebody has it fetched always just before us";
}

TEST_F(Caps, what_has_expired_or_is_old_says_nothing) {
    history.note(served("ns1", new_mx, ttl, at(0s)));
    for (int minute = 0; minute <= 30; ++minute) {
        show({30s}, at(60s * minute), true);
    }
    EXPECT_FALSE(cap());
    history.note(served("ns2", old_mx, ttl, at(0s)));
    EXPECT_TRUE(served_now(history, "example.com").data.empty()) << "they differ";
    EXPECT_TRUE(served_now({}, "example.com").data.empty());
}

TEST_F(Caps, another_ttl_is_another_beginning) {
    history.note(served("ns1", old_mx, ttl, at(0s)));
    history.note(served("ns1", new_mx, ttl, at(20s)));
    for (int minute = 1; minute <= 4; ++minute) {
        show({60s}, at(60s * minute));
    }
    EXPECT_EQ(cap(), 60s);
    history.note(served("ns1", new_mx, 1200s, at(300s)));
    EXPECT_FALSE(served_now(history, "example.com").none_before);
    show({60s}, at(360s));
    EXPECT_FALSE(cap());
}

TEST_F(Caps, are_kept) {
    history.note(served("ns1", old_mx, ttl, at(0s)));
    history.note(served("ns1", new_mx, ttl, at(20s)));
    for (int minute = 1; minute <= 4; ++minute) {
        show({60s}, at(60s * minute));
    }
    TtlCaps again;
    for (const std::string& line : caps.save()) {
        again.resume(line);
    }
    again.resume("");
    again.resume("1 2 x");
    EXPECT_EQ(again, caps);
    EXPECT_EQ(again.cap_of("One with a blank"), 60s);
}

}  // namespace
}  // namespace siding::dns
