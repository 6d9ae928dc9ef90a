// Random changes to the store and to a model of it, compared as text every so often.
#include "base/bytes.hpp"
#include "tests/queue/store_fixture.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

void expect_same(const Result<Applied>& got, const Result<Applied>& expected) {
    ASSERT_EQ(got.has_value(), expected.has_value());
    if (got) {
        EXPECT_EQ(got->started, expected->started);
        EXPECT_EQ(got->moved, expected->moved);
        EXPECT_EQ(got->epoch, expected->epoch);
        EXPECT_EQ(got->release_id, expected->release_id);
    } else {
        EXPECT_EQ(got.error().code, expected.error().code);
    }
}

class StoreModelTest : public StoreTest {
protected:
    void apply_group(test::Workload& workload, std::size_t size) {
        std::vector<test::Step> steps;
        std::vector<Result<Applied>> expected;
        for (std::size_t i = 0; i < size; ++i) {
            test::Step step = workload.next(model_);
            step.at = now();  // a group has one time
            if (std::holds_alternative<PruneRetained>(step.change)) {
                // It does not look at what its own batch retains.
                ASSERT_NO_FATAL_FAILURE(apply_steps(steps, expected));
                steps.clear();
                expected.clear();
            }
            expected.push_back(model_.apply(step.change, step.at, step.body));
            ASSERT_TRUE(step.prepare(*store_));
            steps.push_back(std::move(step));
        }
        ASSERT_NO_FATAL_FAILURE(apply_steps(steps, expected));
        applied_ += size;
        clock_.advance(std::chrono::seconds{3});
        ASSERT_FALSE(HasFailure());
    }

    void apply_steps(
        const std::vector<test::Step>& steps, const std::vector<Result<Applied>>& expected
    ) {
        std::vector<const Change*> group;
        for (const test::Step& step : steps) {
            group.push_back(&step.change);
        }
        const auto got = store_->apply(group, now());
        ASSERT_TRUE(got) << got.error().message();
        for (std::size_t i = 0; i < steps.size(); ++i) {
            ASSERT_NO_FATAL_FAILURE(expect_same((*got)[i], expected[i]))
                << "change " << steps[i].change.index();
        }
    }

    void compare(const char* when) {
        const auto described = test::describe(*store_, model_);
        ASSERT_TRUE(described) << when << ": " << described.error().message();
        ASSERT_EQ(*described, test::describe(model_)) << when;
    }

    void compare_listings(test::Workload& workload) {
        for (const std::string lane : {"old", "new", "archive"}) {
            const auto page = store_->due(lane, workload.now(), "", 100'000).value();
            ASSERT_EQ(test::ids_of(page.rows), test::ids_of(model_.due(lane, workload.now())));
        }
        for (int i = 0; i < 5; ++i) {
            const Filter filter = random_filter(workload);
            auto listed = list_ids(filter, 1 + workload.roll(40));
            auto expected = test::ids_of(model_.matching(filter));
            std::ranges::sort(listed);
            std::ranges::sort(expected);
            ASSERT_EQ(listed, expected);
            ASSERT_EQ(store_->count(filter).value().recipients, expected.size());
            auto by_age = list_ids_by_age(filter, 1 + workload.roll(40));
            ASSERT_EQ(by_age, test::ids_of(model_.matching(filter)));
        }
    }

    // Values of a row that was there once, so that most filters find something.
    Filter random_filter(test::Workload& workload) {
        Filter filter;
        if (model_.recipients.empty()) {
            return filter;
        }
        auto some = model_.recipients.begin();
        std::advance(some, workload.roll(model_.recipients.size()));
        const Recipient& row = some->second;
        const auto maybe = [&] { return workload.roll(4) == 0; };
        if (maybe()) {
            filter.domain = row.domain;
        }
        if (maybe()) {
            filter.wave = row.wave;
        }
        if (maybe()) {
            filter.recipient = to_lower(row.address);
        }
        if (maybe()) {
            filter.sender = to_lower(row.sender);
        }
        if (maybe()) {
            filter.state = row.state;
        }
        if (maybe()) {
            filter.since = row.id.message.time();
        }
        if (maybe()) {
            filter.larger_octets = row.size_octets / 2;
        }
        if (maybe()) {
            filter.up_to = row.id.message;
        }
        if (maybe()) {
            filter.kept = row.kept;
        }
        if (maybe() && maybe()) {
            filter.cause = row.cause;
        }
        if (maybe()) {
            filter.server = row.lane;
        }
        if (maybe()) {
            filter.copy = row.copy;
        }
        if (maybe()) {
            filter.before = row.id.message.time() + std::chrono::minutes{1};
        }
        if (maybe()) {
            filter.tag = row.tags.empty() ? "spam" : row.tags.front();
        }
        if (maybe()) {
            filter.not_tag = "phish";
        }
        return filter;
    }

    test::QueueModel model_;
    std::size_t applied_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Backends, StoreModelTest, testing::ValuesIn(backends()), backend_name);

// Changes go in groups, as the committer has them: what one leaves, the next one meets.
TEST_P(StoreModelTest, BehavesAsTheModel) {
    test::Workload workload{20261121, {}};
    model_.recover(now());
    std::size_t steps = 0;
    for (int group = 1; steps < 2000; ++group) {
        ASSERT_NO_FATAL_FAILURE(apply_group(workload, 1 + workload.roll(6))) << group;
        steps = applied_;
        if (group % 15 == 0) {
            ASSERT_NO_FATAL_FAILURE(compare("in the run")) << group;
            ASSERT_NO_FATAL_FAILURE(compare_listings(workload)) << group;
        }
        if (group % 120 == 0) {
            reopen();
            model_.recover(now());
            ASSERT_NO_FATAL_FAILURE(compare("after opening again")) << group;
        }
    }
    EXPECT_GT(model_.counters().all().of(State::delivered), 50U) << "the workload does too little";
    EXPECT_GT(model_.counters().all().of(State::parked), 10U);
    EXPECT_GT(model_.replayed.size(), 5U);
    EXPECT_GT(model_.retained.size(), 5U);
    EXPECT_GT(model_.flips.size(), 2U);
}

}  // namespace
}  // namespace siding::queue
