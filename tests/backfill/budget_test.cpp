#include "backfill/budget.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_days monday{std::chrono::year{2026} / 11 / 23};

class BudgetTest : public testing::Test {
protected:
    void open() {
        budget_.reset();
        ledger_.reset();
        ledger_ = std::move(*Ledger::open(directory_.path()));
        budget_ = std::make_unique<Budget>(*ledger_, clock_, [this](Side side) {
            return side == Side::source ? bounds_ : Budget::Bounds{};
        });
    }
    void SetUp() override { open(); }

    siding::test::TempDirectory directory_;
    ManualClock clock_{WallTime{monday + 10h}};
    Budget::Bounds bounds_{5000, 3000};
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Budget> budget_;
};

TEST_F(BudgetTest, of_an_account_and_of_all) {
    budget_->spend(Side::source, "ann", 2999);
    EXPECT_FALSE(budget_->reached(Side::source, "ann"));
    EXPECT_TRUE(budget_->reached(Side::source, "ann", 1));
    budget_->spend(Side::source, "ann", 1);
    const auto reached = budget_->reached(Side::source, "ann");
    ASSERT_TRUE(reached);
    EXPECT_EQ(reached->until, WallTime{monday + 24h});
    EXPECT_EQ(
        reached->words, "daily budget of 3.0 kB from the source is used up; goes on at 00:00 UTC"
    );
    EXPECT_FALSE(budget_->reached(Side::source, "bob"));
    EXPECT_FALSE(budget_->reached(Side::destination, "ann"));
    budget_->spend(Side::source, "bob", 2000);
    EXPECT_TRUE(budget_->reached(Side::source, "bob"));
    EXPECT_TRUE(budget_->reached(Side::source, "cid"));
}

TEST_F(BudgetTest, each_day_anew) {
    budget_->spend(Side::source, "ann", 9000);
    EXPECT_TRUE(budget_->reached(Side::source, "ann"));
    clock_.advance(14h);
    EXPECT_FALSE(budget_->reached(Side::source, "ann"));
    EXPECT_EQ(budget_->used(Side::source, "ann").account, 0U);
}

TEST_F(BudgetTest, a_restart_does_not_forget) {
    ASSERT_TRUE(budget_->load("ann"));
    budget_->spend(Side::source, "ann", 2000);
    ASSERT_TRUE(budget_->store("ann"));
    open();
    ASSERT_TRUE(budget_->load("ann"));
    EXPECT_EQ(budget_->used(Side::source, "ann").account, 2000U);
    EXPECT_EQ(budget_->used(Side::source).all, 2000U);
    budget_->spend(Side::source, "ann", 1000);
    EXPECT_TRUE(budget_->reached(Side::source, "ann"));
    ASSERT_TRUE(budget_->store("ann"));
    clock_.advance(24h);
    open();
    ASSERT_TRUE(budget_->load("ann"));
    EXPECT_EQ(budget_->used(Side::source, "ann").account, 0U);
}

TEST_F(BudgetTest, a_bound_that_comes_later) {
    bounds_ = {};
    budget_->spend(Side::source, "ann", 4000);
    EXPECT_FALSE(budget_->reached(Side::source, "ann"));
    bounds_.daily_account = 3000;
    EXPECT_TRUE(budget_->reached(Side::source, "ann"));
}

TEST(DayCountTest, written_and_read) {
    const DayCount count{monday, 12345};
    EXPECT_EQ(format_day_count(count), "2026-11-23 12345");
    EXPECT_EQ(parse_day_count("2026-11-23 12345").value(), count);
    for (const char* wrong : {"", "2026-11-23", "2026-11-23 x", "yesterday 1", "2026-11-23 1 "}) {
        EXPECT_FALSE(parse_day_count(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace siding::backfill
