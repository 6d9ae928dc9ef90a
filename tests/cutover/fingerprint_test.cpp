#include "cutover/fingerprint.hpp"

#include <gtest/gtest.h>

namespace siding::cutover {
namespace {

using Side = Fingerprint::Side;

constexpr RecipientId ann{MessageId{1000}, 0};
constexpr RecipientId bob{MessageId{1000}, 1};

TEST(Fingerprint, is_good_when_both_sides_saw_the_same_in_any_order) {
    Fingerprint fingerprint;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        fingerprint.add({MessageId{i}, 0});
    }
    for (std::uint64_t i = 100'000; i-- > 0;) {
        fingerprint.remove({MessageId{i}, 0});
    }
    EXPECT_TRUE(fingerprint.differences({}).empty());
}

TEST(Fingerprint, names_the_bucket_of_one_that_is_missing) {
    Fingerprint fingerprint;
    fingerprint.add(ann);
    fingerprint.add(bob);
    fingerprint.remove(bob);
    EXPECT_EQ(fingerprint.differences({}), std::vector{Fingerprint::bucket_of(ann)});
}

TEST(Fingerprint, one_taken_for_another_is_no_match) {
    Fingerprint fingerprint;
    fingerprint.add(ann);
    fingerprint.remove(bob);
    EXPECT_EQ(fingerprint.differences({}).size(), 2U);
}

struct OpenCase {
    const char* name;
    bool added;
    bool removed;
    Side side;
    bool good;
};

TEST(Fingerprint, an_open_one_may_have_been_seen_or_not) {
    const OpenCase cases[] = {
        {"left before it was walked", true, false, Side::added, true},
        {"left after it was walked", true, true, Side::added, true},
        {"came before it was walked", false, true, Side::removed, true},
        {"came after it was walked", false, false, Side::removed, true},
        {"was known and then came", true, false, Side::removed, false},
        {"was unknown and then left", false, true, Side::added, false},
    };
    for (const OpenCase& one : cases) {
        Fingerprint fingerprint;
        if (one.added) {
            fingerprint.add(ann);
        }
        if (one.removed) {
            fingerprint.remove(ann);
        }
        const bool good = fingerprint.differences({{ann, one.side}}).empty();
        EXPECT_EQ(good, one.good) << one.name;
    }
}

TEST(Fingerprint, an_open_one_does_not_excuse_another) {
    Fingerprint fingerprint;
    fingerprint.add(bob);
    EXPECT_EQ(fingerprint.differences({{ann, Side::added}}).size(), 1U);
}

}  // namespace
}  // namespace siding::cutover
