// Nobody is told of a commit that a power cut could still take back.
#include "queue/committer.hpp"
#include "queue/rocks_database.hpp"
#include "queue/rocks_store.hpp"
#include "tests/support/crash_file_system.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace siding::queue {
namespace {

using test::CrashFileSystem;

class CommitterCrashTest : public testing::Test {
protected:
    void SetUp() override {
        RocksOptions options;
        options.directory = directory_ / "live";
        options.file_system = disk_;
        store_ = open_store(options, clock_.now()).value();
        committer_ = std::make_unique<Committer>(*store_, clock_, metrics_);
    }
    void TearDown() override {
        committer_.reset();
        store_.reset();
    }

    // Waits for the answer; `on_answer` runs on the commit thread, at its moment.
    Result<Applied> commit(
        Change change, const std::function<void()>& on_answer = [] {}
    ) {
        std::latch answered{1};
        Result<Applied> answer;
        committer_->submit(std::move(change), [&](Result<Applied> applied) {
            answer = std::move(applied);
            on_answer();
            answered.count_down();
        });
        answered.wait();
        return answer;
    }
    AcceptMessage message(std::uint64_t id) {
        return test::make_message(MessageId{id}, "", {{"a@example.com", {}}}, "body");
    }

    test::TempDirectory directory_{test::fast_directory()};
    std::shared_ptr<CrashFileSystem> disk_ = std::make_shared<CrashFileSystem>(directory_ / "side");
    ManualClock clock_{test::test_epoch};
    Metrics metrics_;
    std::mt19937_64 random_{1};
    std::unique_ptr<Store> store_;
    std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterCrashTest, WhatIsAnsweredSurvivesAPowerCutAtThatMoment) {
    for (std::uint64_t id = 1; id <= 10; ++id) {
        const auto image = directory_ / ("image-" + std::to_string(id)).c_str();
        ASSERT_TRUE(commit(message(id), [&] {
            disk_->save_image(
                directory_ / "live" / "db",
                image / "db",
                CrashFileSystem::Loss::all_unsynced,
                random_
            );
        }));
        const auto left = open_store(image, clock_.now());
        ASSERT_TRUE(left) << left.error().message();
        EXPECT_TRUE((*left)->read_envelope(MessageId{id}));
        EXPECT_EQ((*left)->read_body_chunk(MessageId{id}, 0).value(), "body");
    }
}

TEST_F(CommitterCrashTest, AFailedSyncIsToldToAllAndNothingIsAcceptedAfter) {
    ASSERT_TRUE(commit(message(1)));
    std::atomic<int> told = 0;
    committer_->on_failure([&](const std::string& reason) {
        EXPECT_NE(reason.find("injected"), std::string::npos) << reason;
        ++told;
    });
    disk_->fail_sync(1);
    for (std::uint64_t id = 2; id <= 6; ++id) {
        const auto answer = commit(message(id));
        ASSERT_FALSE(answer);
        EXPECT_TRUE(answer.error().is(Errc::storage_failure));
    }
    committer_.reset();
    EXPECT_EQ(told, 1);
    store_.reset();
    const auto again = open_store(directory_ / "live", clock_.now());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE((*again)->read_envelope(MessageId{1}));
    EXPECT_FALSE((*again)->read_envelope(MessageId{3}));
}

}  // namespace
}  // namespace siding::queue
