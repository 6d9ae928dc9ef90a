#include "queue/watermark.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace siding::queue {
namespace {

class WatermarkTest : public testing::Test {
protected:
    void overwrite(std::streamoff at, const std::string& octets) {
        std::fstream file{file_, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(at);
        file << octets;
    }
    std::uint64_t stored() { return Watermark::open(file_).value().value(); }

    test::TempDirectory directory_;
    std::filesystem::path file_ = directory_ / "acked.mark";
};

TEST_F(WatermarkTest, StartsAtNothingAndKeepsTheLast) {
    EXPECT_EQ(stored(), 0U);
    {
        Watermark mark = Watermark::open(file_).value();
        for (std::uint64_t value = 1; value <= 5; ++value) {
            ASSERT_TRUE(mark.advance(value * 1000));
            EXPECT_EQ(mark.value(), value * 1000);
            EXPECT_EQ(stored(), value * 1000);
        }
    }
    Watermark again = Watermark::open(file_).value();
    EXPECT_EQ(again.value(), 5000U);
    ASSERT_TRUE(again.advance(UINT64_MAX));
    EXPECT_EQ(stored(), UINT64_MAX);
}

// The newer slot torn at any octet leaves the older one, never a third value.
TEST_F(WatermarkTest, KeepsTheOlderWhenAWriteTears) {
    for (int writes = 1; writes <= 4; ++writes) {
        for (const std::streamoff torn : {0, 1, 4, 5, 12, 24}) {
            std::filesystem::remove(file_);
            {
                Watermark mark = Watermark::open(file_).value();
                for (int i = 1; i <= writes; ++i) {
                    ASSERT_TRUE(mark.advance(static_cast<std::uint64_t>(i) * 1111));
                }
            }
            const std::streamoff newest = ((writes - 1) % 2) * 512;
            overwrite(newest + torn, "?");
            EXPECT_EQ(stored(), static_cast<std::uint64_t>(writes - 1) * 1111);
            // The next write goes over the torn slot, not over the only good one.
            {
                Watermark mark = Watermark::open(file_).value();
                ASSERT_TRUE(mark.advance(9999));
            }
            overwrite(newest, "?");
            EXPECT_EQ(stored(), static_cast<std::uint64_t>(writes - 1) * 1111);
        }
    }
}

TEST_F(WatermarkTest, TakesAFileThatWasCutOffForNothing) {
    {
        Watermark mark = Watermark::open(file_).value();
        ASSERT_TRUE(mark.advance(7));
    }
    std::filesystem::resize_file(file_, 100);
    EXPECT_EQ(stored(), 0U);
}

TEST_F(WatermarkTest, SaysWhatCannotBeOpened) {
    const auto mark = Watermark::open(directory_ / "no" / "acked.mark");
    ASSERT_FALSE(mark);
    EXPECT_NE(mark.error().context.find("acked.mark"), std::string::npos);
}

}  // namespace
}  // namespace siding::queue
