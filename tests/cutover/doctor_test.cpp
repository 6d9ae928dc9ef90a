#include "cutover/doctor.hpp"

#include "cutover/doctor_facts.hpp"
#include "tests/net/run_loop.hpp"

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <set>

namespace siding::cutover {
namespace {

net::awaitable<CheckOutcome> is_well(const DoctorFacts& facts) {
    co_return passed("of " + facts.domain);
}

net::awaitable<CheckOutcome> is_broken(const DoctorFacts&) {
    co_return failed_as(Severity::info, "seen", "breaks", "fix");
}

net::awaitable<CheckOutcome> never_ends(const DoctorFacts&) {
    net::asio::steady_timer timer{co_await net::asio::this_coro::executor, std::chrono::hours{1}};
    auto waited = co_await timer.async_wait(net::use_result);
    static_cast<void>(waited);
    co_return passed("too late");
}

class DoctorTest : public testing::Test {
protected:
    DoctorTest() {
        options_.resolvers = {{"127.0.0.1", 1}};  // nobody, and no roots
        options_.roots.servers = {{"127.0.0.1", 1}};
        options_.check_timeout = std::chrono::milliseconds{50};
    }

    std::vector<CheckResult> examine(Checks checks) {
        Doctor doctor{loop_.executor(), loop_.executor(), clock_, options_, std::move(checks)};
        std::vector<CheckResult> results;
        loop_.run(store(results, doctor));
        return results;
    }
    static net::awaitable<void> store(std::vector<CheckResult>& results, Doctor& doctor) {
        auto found = co_await doctor.examine("Example.COM.");
        EXPECT_TRUE(found) << found.error().message();
        results = std::move(*found);
    }

    net::RunLoop loop_;
    SystemClock clock_;
    DoctorOptions options_;
};

TEST_F(DoctorTest, WhatDoesNotEndIsNotWell) {
    const auto results = examine({
        {"A1", "well", Severity::critical, {}, is_well},
        {"A2", "slow", Severity::critical, {}, never_ends},
        {"A3", "broken", Severity::critical, {}, is_broken},
    });
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].status, CheckStatus::ok);
    EXPECT_EQ(results[0].evidence, "of example.com");
    EXPECT_EQ(results[1].status, CheckStatus::not_checked);
    EXPECT_TRUE(results[1].is_hindered);
    EXPECT_EQ(results[1].why_not, "it did not end within 0.05 s");
    EXPECT_EQ(results[2].status, CheckStatus::failed);
    EXPECT_EQ(results[2].severity, Severity::info);
}

TEST_F(DoctorTest, PhaseAndNamesChoose) {
    const Checks checks{
        {"A1", "always", Severity::critical, {}, is_well},
        {"A2", "later", Severity::critical, {DoctorPhase::post}, is_well},
    };
    EXPECT_EQ(examine(checks).size(), 2u);
    options_.phase = DoctorPhase::prep;
    EXPECT_EQ(examine(checks).size(), 1u);
    options_.only = {"A2"};  // asked for by name
    const auto results = examine(checks);
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].id, "A2");
}

TEST_F(DoctorTest, WithoutDnsNoCheckSaysThatAllIsWell) {
    options_.check_timeout = std::chrono::seconds{10};
    std::set<std::string> well;
    for (const CheckResult& result : examine(all_checks())) {
        if (result.status == CheckStatus::ok) {
            well.insert(result.id);
        }
        EXPECT_TRUE(result.status != CheckStatus::not_checked || !result.why_not.empty())
            << result.id;
    }
    // What has nothing to do with this domain's DNS, and no more.
    for (const std::string& id : well) {
        EXPECT_TRUE(id == "H07" || id == "H11") << id;
    }
}

TEST(DoctorTableTest, EveryCheckOfTheListIsThereOnce) {
    std::set<std::string> ids;
    for (const Check& check : all_checks()) {
        EXPECT_TRUE(ids.insert(check.id).second) << check.id << " twice";
        EXPECT_NE(check.function, nullptr) << check.id;
        EXPECT_FALSE(check.title.empty()) << check.id;
    }
    const auto expect = [&ids](char letter, int last) {
        for (int number = 1; number <= last; ++number) {
            const std::string digits = std::to_string(number);
            const std::string id = letter + std::string(digits.size() < 2 ? "0" : "") + digits;
            EXPECT_TRUE(ids.contains(id)) << id;
        }
    };
    expect('D', 16);
    expect('P', 14);
    expect('H', 23);
}

TEST(DoctorTableTest, PhasesHaveNames) {
    for (const char* const name : {"prep", "pre-switch", "hold", "release", "post"}) {
        ASSERT_TRUE(parse_doctor_phase(name)) << name;
        EXPECT_EQ(format_doctor_phase(*parse_doctor_phase(name)), name);
    }
    EXPECT_FALSE(parse_doctor_phase("later"));
}

}  // namespace
}  // namespace siding::cutover
