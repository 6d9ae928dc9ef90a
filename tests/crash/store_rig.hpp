// A store on a disk that can lose power, a model of what it has acknowledged, and the judge: what a
// power cut leaves must open as one of the states that the store may be in.
#pragma once

#include "queue/rocks_database.hpp"
#include "queue/rocks_store.hpp"
#include "tests/support/crash_file_system.hpp"
#include "tests/support/queue_describe.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace siding::test {

class StoreRig {
public:
    struct Options {
        std::uint64_t seed = 1;
        Workload::Sizes sizes = {};
        bool skip_sync = false;
        int image_in = 1;        // one sync point in so many leaves an image
        int flush_image_in = 4;  // the same for those of the store's own threads
    };

    explicit StoreRig(Options options);
    ~StoreRig();

    // Opening is a step like any other: it may lose power as well.
    Result<void> open();
    void close() { store_.reset(); }

    // One change of the workload. An error is the store's and means: not acknowledged.
    Result<void> step();
    Result<void> run(int steps);

    // Power is cut now; kept for the judge.
    void cut(CrashFileSystem::Loss loss);
    // Looks at all images so far and throws them away; gives back what is wrong with each.
    std::vector<std::string> judge();
    // The same for the live directory of a closed store.
    std::optional<std::string> judge_live();

    queue::Store& store() { return *store_; }
    CrashFileSystem& disk() { return *disk_; }
    Workload& workload() { return workload_; }
    const QueueModel& acked() const { return models_.at(acked_); }
    std::filesystem::path live() const { return directory_.path() / "live"; }
    std::filesystem::path last_image() const { return images_.back().directory; }
    int images_judged() const { return judged_; }

private:
    // The states that the image may be in: after so many steps at least, and at most.
    struct Image {
        std::filesystem::path directory;
        int steps_min;
        int steps_max;
    };

    Result<void> open_store_on_disk();
    std::optional<std::string> judge(const Image& image);
    std::optional<std::string> find_state(const queue::Store& store, const Image& image);

    Options options_;
    TempDirectory directory_{fast_directory()};
    std::shared_ptr<CrashFileSystem> disk_;
    std::unique_ptr<queue::Store> store_;
    Workload workload_;

    std::mutex mutex_;  // the store's own threads sync as well
    std::mt19937_64 random_;
    std::vector<Image> images_;
    int next_image_ = 0;
    int judged_ = 0;

    std::atomic<int> acked_ = 0;        // steps
    std::map<int, QueueModel> models_;  // after so many steps
    std::vector<MessageId> abandoned_;  // bodies that were never to become messages
};

}  // namespace siding::test
