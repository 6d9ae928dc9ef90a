#include "cutover/rehearsal.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>

namespace siding::cutover {
namespace {

namespace fs = std::filesystem;

class Notes final : public RehearsalView {
public:
    void on_opening(const Opening&) override {}
    void on_step(std::string_view name) override { steps.emplace_back(name); }
    void on_progress(std::uint64_t, std::uint64_t) override {}
    void on_step_end(std::string_view told, bool ok) override {
        (ok ? passed : failed).push_back(fmt::format("{}: {}", steps.back(), told));
    }

    std::vector<std::string> steps;
    std::vector<std::string> passed;
    std::vector<std::string> failed;
};

class RehearsalTest : public testing::Test {
protected:
    RehearsalOptions options(const fs::path& sidingd = SIDINGD_FILE) {
        RehearsalOptions made;
        made.sidingd = sidingd;
        made.parent = directory.path();
        made.sample_messages = 60;
        return made;
    }

    // A program that stands in for sidingd.
    fs::path script(const std::string& text) {
        const fs::path file = directory / "script";
        std::ofstream{file} << "#!/bin/sh\n" << text << "\n";
        ::chmod(file.c_str(), 0755);
        return file;
    }

    std::size_t left_behind() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            fs::directory_iterator{directory.path()},
            [](const fs::directory_entry& entry) {
                return entry.path().filename().string().starts_with("siding-rehearsal-");
            }
        ));
    }

    test::TempDirectory directory;
    Notes notes;
};

TEST_F(RehearsalTest, LosesNothingAndCleansUp) {
    const auto report = rehearse(options(), notes);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->ok()) << testing::PrintToString(report->problems);
    EXPECT_EQ(report->messages, 60U);
    EXPECT_EQ(report->lost + report->changed + report->misrouted + report->surplus, 0U);
    EXPECT_TRUE(report->balanced);
    EXPECT_EQ(report->accepted, report->delivered);
    EXPECT_EQ(report->delivered, report->recipients + report->duplicates);
    EXPECT_EQ(notes.steps.size(), 12U);
    EXPECT_EQ(notes.passed.size(), 12U) << testing::PrintToString(notes.failed);
    EXPECT_EQ(left_behind(), 0U);
}

TEST_F(RehearsalTest, SendsAMaildir) {
    const fs::path maildir = directory / "mail";
    for (const char* folder : {"cur", "new", "tmp"}) {
        fs::create_directories(maildir / folder);
        for (int i = 0; i < 4; ++i) {
            std::ofstream{maildir / folder / fmt::format("{}.{}", i, folder)}
                << "Subject: hello\n\n.\n..dots\n8-bit: \xE4\nno newline at the end, a CR \r here";
        }
    }
    RehearsalOptions with_mail = options();
    with_mail.mail = maildir;
    with_mail.keep = true;
    const auto report = rehearse(with_mail, notes);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->ok()) << testing::PrintToString(report->problems);
    EXPECT_EQ(report->messages, 8U);
    EXPECT_EQ(report->bare_newlines, 8U);
    EXPECT_TRUE(fs::exists(report->evidence / "sidingd.log"));
}

// The proof must be awake: a queue that is gone after the crash has to be seen.
TEST_F(RehearsalTest, SeesADaemonThatForgets) {
    const fs::path forgetful =
        script(fmt::format(R"(rm -rf "$(dirname "$2")/data"; exec '{}' "$@")", SIDINGD_FILE));
    const auto report = rehearse(options(forgetful), notes);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_FALSE(report->ok());
    EXPECT_GT(report->lost, 0U);
    EXPECT_TRUE(report->problems.front().starts_with("restart: ")) << report->problems.front();
    EXPECT_TRUE(fs::exists(report->evidence / "sidingd.log"));
    EXPECT_EQ(left_behind(), 1U);
}

TEST_F(RehearsalTest, SaysThatTheDaemonDidNotStart) {
    const auto report = rehearse(options(script("echo 'no such key' >&2; exit 2")), notes);
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->problems.size(), 1U);
    EXPECT_NE(report->problems[0].find("exit code 2"), std::string::npos) << report->problems[0];
    EXPECT_EQ(notes.steps.size(), 1U);
    EXPECT_FALSE(report->evidence.empty());
}

TEST_F(RehearsalTest, RefusesWhatCannotBegin) {
    const auto no_program = rehearse(options(directory / "absent"), notes);
    ASSERT_FALSE(no_program);
    EXPECT_TRUE(no_program.error().is(Errc::not_found));

    RehearsalOptions no_mail = options();
    no_mail.mail = directory / "absent";
    const auto refused = rehearse(no_mail, notes);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(Errc::invalid_argument));
    EXPECT_TRUE(notes.steps.empty());
    EXPECT_EQ(left_behind(), 0U);
}

}  // namespace
}  // namespace siding::cutover
