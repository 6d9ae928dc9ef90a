// Random changes to the store and to a model of it, compared as text every so often.
#include "tests/queue/store_fixture.hpp"

#include "base/bytes.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

class StoreModelTest : public StoreTest {
protected:
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
        return filter;
    }

    test::QueueModel model_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StoreModelTest, testing::ValuesIn(backends()), backend_name);

void expect_same(const Result<Applied>& got, const Result<Applied>& expected) {
    ASSERT_EQ(got.has_value(), expected.has_value());
    if (got) {
        EXPECT_EQ(got->recipients, expected->recipients);
        EXPECT_EQ(got->moved, expected->moved);
        EXPECT_EQ(got->epoch, expected->epoch);
        EXPECT_EQ(got->release_id, expected->release_id);
    } else {
        EXPECT_EQ(got.error().code, expected.error().code);
    }
}

TEST_P(StoreModelTest, BehavesAsTheModel) {
    test::Workload workload{20261121, {}};
    for (int step = 1; step <= 2000; ++step) {
        const test::Step next = workload.next(model_);
        const auto got = next.run(*store_);
        expect_same(got, model_.apply(next.change, next.at, next.body));
        ASSERT_FALSE(HasFailure()) << "step " << step << ", change " << next.change.index();
        if (step % 50 == 0) {
            ASSERT_NO_FATAL_FAILURE(compare("in the run")) << step;
            ASSERT_NO_FATAL_FAILURE(compare_listings(workload)) << step;
        }
        if (step % 400 == 0) {
            reopen();
            model_.recover(now());
            ASSERT_NO_FATAL_FAILURE(compare("after opening again")) << step;
        }
    }
    EXPECT_GT(model_.counters().all().of(State::delivered), 50U) << "the workload does too little";
    EXPECT_GT(model_.counters().all().of(State::parked), 10U);
}

}  // namespace
}  // namespace siding::queue
