#include "relay/client_limits.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <thread>
#include <vector>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using Refusal = ClientLimits::Refusal;
using Seat = ClientLimits::Seat;

class ClientLimitsTest : public testing::Test {
protected:
    ClientLimitsTest() { limits_.connections_per_client = 2; }

    std::optional<Refusal> connect(std::string_view address, std::size_t total_cap = SIZE_MAX) {
        return keep(clients_.connect(address, limits_, total_cap));
    }
    std::optional<Refusal> keep(ClientLimits::Answer answer) {
        if (auto* seat = std::get_if<Seat>(&answer)) {
            seats_.push_back(std::move(*seat));
            return std::nullopt;
        }
        return std::get<Refusal>(answer);
    }
    void sleep(std::chrono::seconds time) { now_ += time; }

    static Network network(std::string_view text) { return Network::parse(text).value(); }

    config::Limits limits_;
    ClientLimits::Time now_{1h};
    ClientLimits clients_{[this] { return now_; }};
    std::vector<Seat> seats_;
};

TEST_F(ClientLimitsTest, ClientsAreCountedByTheirNetwork) {
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.1"), Refusal::too_many_here);
    EXPECT_EQ(connect("192.0.2.2"), std::nullopt);
    EXPECT_EQ(connect("2001:db8::1"), std::nullopt);
    EXPECT_EQ(connect("2001:db8::ffff:1"), std::nullopt);
    EXPECT_EQ(connect("2001:db8::2"), Refusal::too_many_here);
    EXPECT_EQ(connect("2001:db8:0:1::2"), std::nullopt);
    EXPECT_EQ(clients_.total(), 6U);
}

TEST_F(ClientLimitsTest, APlaceThatIsGivenUpCanBeTakenAndLeavesNothingBehind) {
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    seats_.pop_back();
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(clients_.networks(), 1U);
    seats_.clear();
    EXPECT_EQ(clients_.total(), 0U);
    EXPECT_EQ(clients_.networks(), 0U);
}

TEST_F(ClientLimitsTest, AMovedSeatIsGivenBackOnce) {
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    {
        Seat taken = std::move(seats_.front());
        seats_.clear();
        EXPECT_EQ(clients_.total(), 1U);
        Seat other;
        other = std::move(taken);
        EXPECT_EQ(clients_.total(), 1U);
    }
    EXPECT_EQ(clients_.total(), 0U);
}

TEST_F(ClientLimitsTest, InAllTheSmallerBoundCounts) {
    limits_.connections = 3;
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.2"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.3", 2), Refusal::too_many_in_all);
    EXPECT_EQ(connect("192.0.2.3"), std::nullopt);
    EXPECT_EQ(connect("192.0.2.4"), Refusal::too_many_in_all);
    EXPECT_EQ(clients_.total(), 3U);
}

TEST_F(ClientLimitsTest, ExemptNetworksCountInAllOnly) {
    limits_.exempt = {network("10.0.0.0/8")};
    limits_.connections = 4;
    limits_.connection_rate = limits_.message_rate = limits_.recipient_rate = 1;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(connect("10.1.2.3"), std::nullopt);
        EXPECT_TRUE(clients_.allow_message("10.1.2.3", limits_));
        EXPECT_TRUE(clients_.allow_recipient("10.1.2.3", limits_));
    }
    EXPECT_EQ(connect("10.1.2.3"), Refusal::too_many_in_all);
    EXPECT_EQ(clients_.networks(), 0U);
}

TEST_F(ClientLimitsTest, AProxysPlaceMovesToTheRealClient) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(keep(clients_.connect_proxy(limits_)), std::nullopt);
    }
    EXPECT_EQ(clients_.networks(), 0U);
    EXPECT_EQ(clients_.reseat(seats_[0], "192.0.2.1", limits_), std::nullopt);
    EXPECT_EQ(clients_.reseat(seats_[1], "192.0.2.1", limits_), std::nullopt);
    EXPECT_EQ(clients_.reseat(seats_[2], "192.0.2.1", limits_), Refusal::too_many_here);
    EXPECT_EQ(clients_.total(), 5U) << "the refused one is there until it is closed";
    EXPECT_EQ(clients_.reseat(seats_[2], "192.0.2.2", limits_), std::nullopt);
    seats_.clear();
    EXPECT_EQ(clients_.total(), 0U);
    EXPECT_EQ(clients_.networks(), 0U);
}

// XCLIENT may name the client twice, and the same one: its place is not in its own way.
TEST_F(ClientLimitsTest, AClientMayTakeItsOwnPlaceAgain) {
    limits_.connections_per_client = 1;
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_EQ(clients_.reseat(seats_.front(), "192.0.2.1", limits_), std::nullopt);
    EXPECT_EQ(connect("192.0.2.1"), Refusal::too_many_here);
}

TEST_F(ClientLimitsTest, ConnectionsPerMinute) {
    limits_.connection_rate = 3;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
        seats_.clear();
    }
    EXPECT_EQ(connect("192.0.2.1"), Refusal::too_fast);
    EXPECT_EQ(connect("192.0.2.2"), std::nullopt);
    sleep(2min);
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
}

TEST_F(ClientLimitsTest, TheMinuteSlides) {
    limits_.message_rate = 10;
    const auto count = [this] {
        int allowed = 0;
        while (clients_.allow_message("192.0.2.1", limits_)) {
            ++allowed;
        }
        return allowed;
    };
    struct Row {
        std::chrono::seconds wait;
        int allowed;
    };
    // Refused messages do not count; the last minute's count as far as it still reaches in.
    for (const Row& row : std::vector<Row>{
             {0s, 10}, {59s, 0}, {1s, 0}, {30s, 5}, {0s, 0}, {30s, 5}, {59s, 5}, {10min, 10}}) {
        sleep(row.wait);
        EXPECT_EQ(count(), row.allowed) << row.wait.count() << " s later";
    }
    EXPECT_TRUE(clients_.allow_recipient("192.0.2.1", limits_)) << "has no limit";
}

TEST_F(ClientLimitsTest, RecipientsPerMinuteOfTheWholeNetwork) {
    limits_.recipient_rate = 2;
    EXPECT_TRUE(clients_.allow_recipient("2001:db8::1", limits_));
    EXPECT_TRUE(clients_.allow_recipient("2001:db8::2", limits_));
    EXPECT_FALSE(clients_.allow_recipient("2001:db8::3", limits_));
    EXPECT_TRUE(clients_.allow_recipient("2001:db8:0:1::3", limits_));
}

TEST_F(ClientLimitsTest, MemoryIsBoundedAndIdleNetworksGo) {
    limits_.connection_rate = limits_.message_rate = 5;
    const auto visit = [this](std::size_t i) {
        const auto address = fmt::format("10.{}.{}.{}", i / 65536 % 256, i / 256 % 256, i % 256);
        EXPECT_EQ(connect(address), std::nullopt);
        seats_.clear();
    };
    for (std::size_t i = 0; i < ClientLimits::networks_max + 100; ++i) {
        visit(i);
    }
    EXPECT_EQ(clients_.networks(), ClientLimits::networks_max);
    EXPECT_TRUE(clients_.allow_message("192.0.2.1", limits_));
    sleep(2min);
    visit(0);
    EXPECT_EQ(clients_.networks(), 1U);
}

TEST_F(ClientLimitsTest, StressBeginsAtItsShare) {
    limits_.connections = 10;
    limits_.connections_per_client = 10;
    limits_.stress_percent = 80;
    for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    }
    EXPECT_FALSE(clients_.is_stressed(limits_));
    EXPECT_TRUE(clients_.is_stressed(limits_, 8)) << "of what the process can bear";
    EXPECT_EQ(connect("192.0.2.1"), std::nullopt);
    EXPECT_TRUE(clients_.is_stressed(limits_));
}

TEST_F(ClientLimitsTest, ManyThreadsComeAndGo) {
    limits_.connections_per_client = 3;
    limits_.connections = 1000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([this, t] {
            for (int i = 0; i < 2000; ++i) {
                const auto address = fmt::format("192.0.2.{}", (i + t) % 4);
                auto first = clients_.connect(address, limits_);
                auto second = clients_.connect(address, limits_);
                clients_.allow_message(address, limits_);
                if (auto* seat = std::get_if<Seat>(&first)) {
                    clients_.reseat(*seat, "2001:db8::1", limits_);
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(clients_.total(), 0U);
    EXPECT_EQ(clients_.networks(), 0U);
}

TEST(ClientLimitsReplies, SayWhoseFaultItIs) {
    EXPECT_TRUE(reply_to(Refusal::too_many_here).text().starts_with("421 4.7.0 "));
    EXPECT_TRUE(reply_to(Refusal::too_fast).text().starts_with("421 4.7.0 "));
    EXPECT_TRUE(reply_to(Refusal::too_many_in_all).text().starts_with("421 4.3.2 "));
    EXPECT_EQ(too_much_mail("192.0.2.1").text(), "450 4.7.1 Too much mail from 192.0.2.1");
    EXPECT_EQ(
        too_many_recipients("2001:db8::1").text(), "450 4.7.1 Too many recipients from 2001:db8::1"
    );
}

}  // namespace
}  // namespace siding::relay
