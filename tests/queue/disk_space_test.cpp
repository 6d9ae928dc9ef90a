#include "queue/disk_space.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace siding::queue {
namespace {

class DiskSpaceTest : public testing::Test {
protected:
    DiskSpace with_reserve(std::uint64_t octets) {
        return DiskSpace{directory_.path(), [octets](std::uint64_t) { return octets; }};
    }
    Error refusal(std::uint64_t reserve, std::uint64_t octets) {
        const auto checked = with_reserve(reserve).check(octets);
        return checked ? Error{} : checked.error();
    }

    test::TempDirectory directory_;
};

TEST_F(DiskSpaceTest, KeepsTheReserveFree) {
    const std::uint64_t free = with_reserve(0).facts().value().free_octets;
    ASSERT_GT(free, 1U << 20);
    // Other programs write meanwhile: half of it is far from both sides.
    EXPECT_TRUE(with_reserve(0).check(free / 2));
    EXPECT_TRUE(with_reserve(free / 4).check(1));
    EXPECT_TRUE(refusal(free * 2, 0).is(Errc::limit_exceeded)) << "the reserve is gone already";
    EXPECT_TRUE(refusal(0, free * 2).is(Errc::limit_exceeded));
    EXPECT_TRUE(refusal(free / 2, free - free / 4).is(Errc::limit_exceeded));
    EXPECT_TRUE(refusal(0, UINT64_MAX).is(Errc::limit_exceeded));
    EXPECT_TRUE(refusal(UINT64_MAX, 0).is(Errc::limit_exceeded));
}

TEST_F(DiskSpaceTest, AsksTheReserveForTheSizeOfTheDisk) {
    std::uint64_t disk_octets = 0;
    const DiskSpace space{directory_.path(), [&](std::uint64_t octets) {
                              disk_octets = octets;
                              return std::uint64_t{42};
                          }};
    EXPECT_EQ(space.facts().value().reserve_octets, 42U);
    EXPECT_EQ(disk_octets, std::filesystem::space(directory_.path()).capacity);
}

TEST_F(DiskSpaceTest, SaysWhenTheFileSystemDoesNotAnswer) {
    const DiskSpace space{directory_ / "gone", [](std::uint64_t) { return std::uint64_t{0}; }};
    const auto checked = space.check(0);
    ASSERT_FALSE(checked);
    EXPECT_TRUE(checked.error().is(Errc::storage_failure));
}

}  // namespace
}  // namespace siding::queue
