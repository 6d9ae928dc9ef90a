#include "relay/lane_jobs.hpp"

#include <gtest/gtest.h>

#include <map>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{1'000'000'000ms};

queue::Recipient row(
    std::uint64_t message, const std::string& address = "joe@example.com", std::uint32_t number = 0
) {
    queue::Recipient out{
        .id = {MessageId{message}, number},
        .domain = Domain::parse(address.substr(address.find('@') + 1)).value(),
        .wave = "default",
        .address = address,
        .sender = "",
        .lane = "new",
        .pinned_server = "",
        .last_reply = "",
    };
    return out;
}

std::vector<std::uint64_t> messages(const std::vector<LaneJob>& jobs) {
    std::vector<std::uint64_t> out;
    for (const LaneJob& job : jobs) {
        out.push_back(job.message.value());
    }
    return out;
}

using Messages = std::vector<std::uint64_t>;

class LaneJobsTest : public testing::Test {
protected:
    Messages take(std::size_t max = 100, WallTime now = start) {
        auto taken = jobs_.take(max, 0, now);
        const Messages out = messages(taken);
        for (LaneJob& job : taken) {
            out_.push_back(std::move(job));
        }
        return out;
    }
    void finish(std::uint64_t message) {
        for (const LaneJob& job : out_) {
            if (job.message.value() == message) {
                jobs_.finish(job.recipients.front());
            }
        }
    }

    LaneJobs jobs_;
    std::vector<LaneJob> out_;
};

TEST_F(LaneJobsTest, InTheOrderTheyCameAMessageAtATime) {
    jobs_.add({row(1, "a@example.com", 0), row(1, "b@example.com", 1), row(2), row(3)});
    EXPECT_EQ(jobs_.ready_at(start), start);
    EXPECT_EQ(take(2), (Messages{1, 2}));
    EXPECT_EQ(out_[0].recipients.size(), 2U);
    EXPECT_EQ(take(), (Messages{3}));
    EXPECT_TRUE(jobs_.empty());
    EXPECT_EQ(jobs_.ready_at(start), std::nullopt);
}

TEST_F(LaneJobsTest, NoMoreRecipientsThanATransactionMayHave) {
    std::vector<queue::Recipient> rows;
    for (std::uint32_t n = 0; n < 5; ++n) {
        rows.push_back(row(1, "u" + std::to_string(n) + "@example.com", n));
    }
    jobs_.add(std::move(rows));
    const auto taken = jobs_.take(10, 2, start);
    ASSERT_EQ(taken.size(), 3U);
    EXPECT_EQ(taken[0].recipients.size(), 2U);
    EXPECT_EQ(taken[2].recipients.size(), 1U);
    EXPECT_EQ(taken[2].recipients[0].id.number, 4U);
}

TEST_F(LaneJobsTest, OneDomainInATransactionWhereTheProfileSaysSo) {
    LaneLimits limits;
    limits.one_domain = true;
    jobs_.set_limits(limits);
    jobs_.add({row(1, "a@example.com", 0), row(1, "b@example.org", 1), row(1, "c@example.com", 2)});
    const auto taken = jobs_.take(10, 0, start);
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[0].recipients.size(), 2U);
    EXPECT_EQ(taken[0].recipients[1].address, "c@example.com");
    EXPECT_EQ(taken[1].recipients[0].address, "b@example.org");
}

TEST_F(LaneJobsTest, OneRecipientAtOnceKeepsItsOrderAndStopsNobodyElse) {
    LaneLimits limits;
    limits.recipient_connections = 1;
    jobs_.set_limits(limits);
    jobs_.add({row(1), row(2, "Joe@example.com"), row(3, "ann@example.com"), row(4)});
    EXPECT_EQ(take(), (Messages{1, 3}));
    EXPECT_EQ(jobs_.waiting(), 2U);
    EXPECT_EQ(take(), Messages{});
    EXPECT_EQ(jobs_.ready_at(start), WallTime::max());
    jobs_.add({row(5)});
    EXPECT_EQ(take(), Messages{}) << "behind those that wait already";
    finish(1);
    EXPECT_EQ(take(), (Messages{2}));
    finish(2);
    EXPECT_EQ(take(), (Messages{4}));
    finish(4);
    EXPECT_EQ(take(), (Messages{5}));
    EXPECT_TRUE(jobs_.empty());
}

TEST_F(LaneJobsTest, ARecipientsRateIsKeptOldestFirst) {
    LaneLimits limits;
    limits.recipient_rate = 20;
    jobs_.set_limits(limits);
    std::vector<queue::Recipient> rows;
    for (std::uint64_t message = 10; message > 0; --message) {
        rows.push_back(row(message));
    }
    rows.push_back(row(11, "ann@example.com"));
    jobs_.add(std::move(rows));
    EXPECT_EQ(take(), (Messages{10, 9, 11})) << "the reserve, then the others";
    EXPECT_EQ(jobs_.ready_at(start), start + 3s);
    EXPECT_EQ(take(100, start + 2s), Messages{});
    EXPECT_EQ(take(100, start + 3s), (Messages{1}));
    EXPECT_EQ(take(100, start + 9s), (Messages{2, 3}));
}

TEST_F(LaneJobsTest, ADomainsRateAndTheLanesRate) {
    LaneLimits limits;
    limits.rate = 60;
    limits.domain_rate = 20;
    jobs_.set_limits(limits);
    std::vector<queue::Recipient> rows;
    for (std::uint64_t message = 1; message <= 4; ++message) {
        rows.push_back(row(message, "u" + std::to_string(message) + "@example.com"));
    }
    for (std::uint64_t message = 5; message <= 12; ++message) {
        rows.push_back(row(message, "joe@d" + std::to_string(message) + ".example"));
    }
    jobs_.add(std::move(rows));
    EXPECT_EQ(take(), (Messages{1, 2, 5, 6, 7, 8}));
    EXPECT_EQ(jobs_.ready_at(start), start + 1s);
    EXPECT_EQ(take(100, start + 1s), (Messages{9}));
    EXPECT_EQ(take(100, start + 4s), (Messages{3, 10, 11}));
    EXPECT_EQ(take(100, start + 20s), (Messages{4, 12}));
}

TEST_F(LaneJobsTest, WhatIsPutBackHasCostNothing) {
    LaneLimits limits;
    limits.rate = 10;
    limits.recipient_rate = 10;
    limits.domain_rate = 10;
    limits.recipient_connections = 1;
    jobs_.set_limits(limits);
    jobs_.add({row(1)});
    EXPECT_EQ(take(), (Messages{1}));
    jobs_.put_back(out_[0]);
    jobs_.add({row(1)});
    EXPECT_EQ(take(), (Messages{1}));
}

TEST_F(LaneJobsTest, ABlockedRecipientWaitsWithoutAnyLimit) {
    jobs_.block("JOE@example.com", start, start + 1min);
    jobs_.add({row(1), row(2, "ann@example.com")});
    EXPECT_EQ(take(), (Messages{2}));
    EXPECT_EQ(jobs_.ready_at(start), start + 1min);
    EXPECT_EQ(take(100, start + 1min), (Messages{1}));
}

TEST_F(LaneJobsTest, ALineIsBoundedAndKeepsTheOldest) {
    LaneLimits limits;
    limits.recipient_connections = 1;
    jobs_.set_limits(limits);
    std::vector<queue::Recipient> rows;
    for (std::uint64_t message = 1000; message > 0; --message) {
        rows.push_back(row(message));
    }
    jobs_.add(std::move(rows));
    EXPECT_EQ(take(), (Messages{1000}));
    EXPECT_EQ(jobs_.waiting(), LaneJobs::line_max);
    EXPECT_EQ(jobs_.take_overflow().size(), 999 - LaneJobs::line_max);
    finish(1000);
    EXPECT_EQ(take(), (Messages{1}));
    EXPECT_EQ(jobs_.clear().size(), LaneJobs::line_max - 1);
    EXPECT_TRUE(jobs_.empty());
}

TEST_F(LaneJobsTest, ALimitThatGoesLetsItsLineGo) {
    LaneLimits limits;
    limits.recipient_rate = 1;
    jobs_.set_limits(limits);
    jobs_.add({row(1), row(2), row(3)});
    EXPECT_EQ(take(), (Messages{1}));
    jobs_.set_limits({});
    EXPECT_EQ(take(), (Messages{2, 3}));
}

}  // namespace
}  // namespace siding::relay
