// Power cuts at sync points and between them, and disks that fail: what was acknowledged is there,
// whole, and nothing else is half there.
#include "tests/crash/store_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace siding::queue {
namespace {

namespace fs = std::filesystem;
using test::CrashFileSystem;
using test::StoreRig;
using Loss = CrashFileSystem::Loss;

void expect_nothing_wrong(StoreRig& rig) {
    for (const std::string& wrong : rig.judge()) {
        ADD_FAILURE() << wrong;
    }
}

class StoreCrashTest : public testing::TestWithParam<std::uint64_t> {};

// The octets of a body that has left memory for a table.
bool has_flushed(const fs::path& directory) {
    return std::ranges::any_of(fs::directory_iterator{directory / "db"}, [](const auto& file) {
        return file.path().extension() == ".blob";
    });
}

// Accepts, attempts, outcomes, moves, flips and restarts, with an image at most sync points.
TEST_P(StoreCrashTest, APowerCutLosesNothingThatWasAcknowledged) {
    StoreRig rig{{.seed = GetParam(), .image_in = 2}};
    for (int life = 0; life < 4; ++life) {
        ASSERT_TRUE(rig.open());
        for (int round = 0; round < 8; ++round) {
            ASSERT_TRUE(rig.run(4));
            rig.cut(Loss::all_unsynced);
            ASSERT_NO_FATAL_FAILURE(expect_nothing_wrong(rig));
            ASSERT_FALSE(HasFailure());
        }
        rig.close();
    }
    RecordProperty("images", rig.images_judged());
    EXPECT_GT(rig.images_judged(), 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreCrashTest, testing::Values(1, 2));

// Enough octets that memory is flushed to tables and the log changes while mail comes in.
TEST(StoreCrash, APowerCutDuringAFlushLosesNothing) {
    StoreRig rig{
        {.seed = 7,
         .sizes = {.inline_octets = 60'000, .chunk_octets = 1024 * 1024, .chunked_in = 1},
         .image_in = 1'000'000}};
    ASSERT_TRUE(rig.open());
    for (int round = 0; round < 100 && !has_flushed(rig.live()); ++round) {
        ASSERT_TRUE(rig.run(10));
        expect_nothing_wrong(rig);
    }
    EXPECT_TRUE(has_flushed(rig.live())) << "too little was written to see a flush";
    ASSERT_TRUE(rig.run(10));
    rig.cut(Loss::all_unsynced);
    expect_nothing_wrong(rig);
    EXPECT_GT(rig.images_judged(), 2);
}

// The judge is awake: without the sync, the same run must be found out.
TEST(StoreCrash, WithoutTheSyncMailIsLostAndTheJudgeSeesIt) {
    StoreRig rig{{.seed = 1, .skip_sync = true, .image_in = 1'000'000}};
    ASSERT_TRUE(rig.open());
    int lost = 0;
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(rig.step());
        rig.cut(Loss::all_unsynced);
        lost += static_cast<int>(rig.judge().size());
    }
    EXPECT_GE(lost, 5);
}

TEST(StoreCrash, WithoutTheSyncOfDirectoriesTheJudgeSeesItAsWell) {
    StoreRig rig{{.seed = 1, .image_in = 1'000'000}};
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.run(10));
    rig.close();
    rig.disk().forget_directories();
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.run(10));
    rig.cut(Loss::all_unsynced);
    EXPECT_EQ(rig.judge().size(), 1U);
}

// A disk that acknowledges syncs and forgets them: the watermark tells, and nothing opens.
TEST(StoreCrash, WhatALyingDiskLostIsTold) {
    StoreRig rig{{.seed = 1, .skip_sync = true, .image_in = 1'000'000}};
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.run(20));
    ASSERT_TRUE(rig.store().settle());
    rig.cut(Loss::all_unsynced);
    const auto opened = open_store(rig.last_image(), rig.workload().now());
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(Errc::corrupt)) << opened.error().message();
}

enum class Fault { sync, append };

// The n-th sync or write of a run fails once; from there on nothing is acknowledged.
void fail_once_and_judge(Fault fault, std::uint64_t n) {
    StoreRig rig{{.seed = 100 + n, .image_in = 1'000'000}};
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.run(10));
    if (fault == Fault::sync) {
        rig.disk().fail_sync(n);
    } else {
        rig.disk().fail_append(n);
    }
    Result<void> stepped;
    for (std::uint64_t i = 0; stepped && i < 10 * n; ++i) {
        stepped = rig.step();
    }
    ASSERT_FALSE(stepped) << "the fault was never met";
    EXPECT_TRUE(stepped.error().is(Errc::storage_failure)) << stepped.error().message();
    EXPECT_TRUE(rig.store().failed());
    EXPECT_FALSE(rig.store().failure().empty());
    for (int i = 0; i < 5; ++i) {
        const auto later = test::apply_one(
            rig.store(),
            test::make_message(MessageId{UINT64_MAX - 9}, "", {{"late@example.com", {}}}, "late"),
            rig.workload().now()
        );
        ASSERT_FALSE(later);
        EXPECT_TRUE(later.error().is(Errc::storage_failure));
        EXPECT_FALSE(rig.store().append_body_chunk(MessageId{UINT64_MAX - 8}, 0, "late"));
    }
    for (const Loss loss : {Loss::all_unsynced, Loss::torn, Loss::zeroed}) {
        rig.cut(loss);
    }
    expect_nothing_wrong(rig);
    rig.close();
    // A restart without a power cut finds what the page cache still has.
    const auto wrong = rig.judge_live();
    EXPECT_FALSE(wrong) << *wrong;
}

TEST(StoreCrash, AFailedSyncStopsEverything) {
    for (std::uint64_t n = 1; n <= 4; ++n) {
        ASSERT_NO_FATAL_FAILURE(fail_once_and_judge(Fault::sync, n));
    }
}

TEST(StoreCrash, AFailedWriteStopsEverything) {
    for (std::uint64_t n = 1; n <= 4; ++n) {
        ASSERT_NO_FATAL_FAILURE(fail_once_and_judge(Fault::append, n));
    }
}

// What is in a directory, but RocksDB's own log for people.
std::map<std::string, std::string> files_in(const fs::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& file : fs::recursive_directory_iterator{directory}) {
        const std::string name = file.path().filename().string();
        if (file.is_regular_file() && !name.starts_with("LOG")) {
            std::ifstream in{file.path(), std::ios::binary};
            files[fs::relative(file.path(), directory)] = {
                std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
        }
    }
    return files;
}

fs::path newest_log(const fs::path& directory) {
    fs::path newest;
    for (const auto& file : fs::directory_iterator{directory / "db"}) {
        if (file.path().extension() == ".log" && file.path() > newest) {
            newest = file.path();
        }
    }
    return newest;
}

void flip_octet(const fs::path& file, std::uintmax_t at) {
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekg(static_cast<std::streamoff>(at));
    const auto octet = static_cast<char>(stream.get());
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(octet ^ 0x40));
}

class WatermarkRefusalTest : public testing::Test {
protected:
    // A queue of 30 acknowledged messages, as a machine that lost power left it.
    void SetUp() override {
        const auto store = open_store(directory_ / "live", now_).value();
        for (std::uint64_t i = 1; i <= 30; ++i) {
            ASSERT_TRUE(test::apply_one(
                *store,
                test::make_message(
                    MessageId{i}, "", {{"a@example.com", {}}}, std::string(1000, 'x')
                ),
                now_
            ));
        }
        ASSERT_TRUE(store->settle());
        fs::copy(directory_ / "live", left_, fs::copy_options::recursive);
        log_ = newest_log(left_);
        ASSERT_GT(fs::file_size(log_), 30'000U);
    }

    void expect_refusal(const std::string& what) {
        const auto before = files_in(left_);
        const auto opened = open_store(left_, now_);
        ASSERT_FALSE(opened) << what;
        EXPECT_TRUE(opened.error().is(Errc::corrupt)) << what << ": " << opened.error().message();
        const auto after = files_in(left_);
        for (const auto& [name, octets] : before) {
            EXPECT_TRUE(after.contains(name) && after.at(name) == octets) << what << ": " << name;
        }
        EXPECT_EQ(after.size(), before.size()) << what;
    }

    WallTime now_ = test::test_epoch;
    test::TempDirectory directory_;
    fs::path left_ = directory_ / "left";
    fs::path log_;
};

TEST_F(WatermarkRefusalTest, OpensWhatIsWhole) {
    const auto opened = open_store(left_, now_);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ((*opened)->count({})->recipients, 30U);
}

TEST_F(WatermarkRefusalTest, RefusesALogThatIsCutShort) {
    const auto size = fs::file_size(log_);
    for (const auto kept : {size - 1, size / 2, std::uintmax_t{0}}) {
        fs::resize_file(log_, kept);
        ASSERT_NO_FATAL_FAILURE(expect_refusal("cut to " + std::to_string(kept)));
    }
    fs::remove(log_);
    ASSERT_NO_FATAL_FAILURE(expect_refusal("no log"));
}

TEST_F(WatermarkRefusalTest, RefusesALogWithAFlippedOctet) {
    flip_octet(log_, fs::file_size(log_) / 2);
    ASSERT_NO_FATAL_FAILURE(expect_refusal("flipped"));
}

TEST_F(WatermarkRefusalTest, RefusesAQueueThatIsGone) {
    fs::remove_all(left_ / "db");
    ASSERT_NO_FATAL_FAILURE(expect_refusal("no database"));
}

TEST_F(WatermarkRefusalTest, OpensWithATornTailThatNobodyWasToldOf) {
    std::ofstream{log_, std::ios::binary | std::ios::app} << std::string(500, '\x7f');
    const auto opened = open_store(left_, now_);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ((*opened)->count({})->recipients, 30U);
}

}  // namespace
}  // namespace siding::queue
