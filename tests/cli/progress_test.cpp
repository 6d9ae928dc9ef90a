#include "cli/progress.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace siding::cli {
namespace {

using namespace std::chrono_literals;

const WallTime start = parse_time("2026-11-21T14:00:00Z").value();

class ProgressTest : public testing::Test {
protected:
    static ReleaseProgress at(std::uint64_t delivered, std::uint64_t parked = 0) {
        return {
            .release = 3,
            .server = "new",
            .state = "complete",
            .chosen = 1000,
            .complete = true,
            .waiting = 1000 - delivered - parked,
            .delivered = delivered,
            .parked = parked,
        };
    }

    std::string taken() {
        std::string text = out.str();
        out.str("");
        return text;
    }

    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err};
};

TEST_F(ProgressTest, ALogGetsALineForEachFivePercent) {
    ProgressPrinter printer{terminal};
    for (std::uint64_t delivered = 0; delivered < 1000; ++delivered) {
        printer.show(at(delivered), start + delivered * 10ms);
    }
    const std::string text = taken();
    EXPECT_EQ(std::ranges::count(text, '\n'), 20);
    EXPECT_TRUE(text.starts_with("0%  0/1,000\n5%  50/1,000  100/s\n")) << text;
    EXPECT_TRUE(text.ends_with("95%  950/1,000  100/s\n")) << text;
    printer.close();
    EXPECT_EQ(taken(), "");
}

TEST_F(ProgressTest, ATerminalGetsOneLine) {
    terminal.watched = true;
    terminal.width = 80;
    ProgressPrinter printer{terminal};
    printer.show(at(0), start);
    EXPECT_EQ(taken(), "\r\x1b[K────────────────────   0%  0/1,000");
    printer.show(at(498, 2), start + 5s);
    EXPECT_EQ(taken(), "\r\x1b[K━━━━━━━━━━──────────  50%  500/1,000  2 parked  100/s  5s left");
    printer.close();
    EXPECT_EQ(taken(), "\r\x1b[K");
}

TEST_F(ProgressTest, AStallSaysWhereToLook) {
    terminal.watched = true;
    terminal.width = 80;
    ProgressPrinter printer{terminal};
    printer.show(at(100), start);
    taken();
    printer.show(at(100), start + 1s);
    EXPECT_NE(taken().find("siding status"), std::string::npos);
}

TEST_F(ProgressTest, WhileItIsUnderWayTheOrderIsTheWhole) {
    ProgressPrinter printer{terminal};
    ReleaseProgress progress = at(500);
    progress.complete = false;
    progress.total = 2000;
    printer.show(progress, start);
    EXPECT_EQ(taken(), "25%  500/2,000\n");
}

TEST_F(ProgressTest, TheDaemonKnowsTheRate) {
    terminal.watched = true;
    terminal.width = 80;
    ProgressPrinter printer{terminal};
    ReleaseProgress progress = at(10);
    progress.state = "canary";
    progress.complete = false;
    progress.total = 2000;
    printer.show(progress, start);
    printer.show(progress, start + 1s);
    EXPECT_NE(taken().find("waiting for the canary"), std::string::npos);
    progress = at(500);
    progress.time_left = 3h;
    printer.show(progress, start + 2s);
    EXPECT_NE(taken().find("3h left"), std::string::npos);
}

TEST(ProgressTextTest, SaysWhatItDoes) {
    ReleaseProgress progress;
    progress.state = "running";
    EXPECT_EQ(progress_text(progress), "running");
    progress.state = "paused";
    progress.why = "2 of the last 20 were refused";
    EXPECT_EQ(progress_text(progress), "paused: 2 of the last 20 were refused");
    progress.state = "complete";
    progress.complete = true;
    EXPECT_EQ(progress_text(progress), "under way");
    progress.done = true;
    EXPECT_EQ(progress_text(progress), "done");
    progress.parked = 1;
    EXPECT_EQ(progress_text(progress), "done, some parked");
    progress.state = "cancelled";
    EXPECT_EQ(progress_text(progress), "cancelled");
}

}  // namespace
}  // namespace siding::cli
