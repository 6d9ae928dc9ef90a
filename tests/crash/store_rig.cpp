#include "tests/crash/store_rig.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::test {

using namespace queue;
namespace fs = std::filesystem;

namespace {

constexpr std::array losses{
    CrashFileSystem::Loss::all_unsynced,
    CrashFileSystem::Loss::torn,
    CrashFileSystem::Loss::zeroed,
};

// The first line in which two descriptions differ.
std::string difference(const std::string& found, const std::string& expected) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
        if (found[i] != expected[i]) {
            break;
        }
        start = found[i] == '\n' ? i + 1 : start;
    }
    const auto line = [&](const std::string& text) {
        return start < text.size() ? text.substr(start, text.find('\n', start) - start) : "nothing";
    };
    return fmt::format("found '{}' for '{}'", line(found), line(expected));
}

}  // namespace

StoreRig::StoreRig(Options options)
    : options_{options},
      disk_{std::make_shared<CrashFileSystem>(directory_.path() / "side")},
      workload_{options.seed, options.sizes},
      random_{options.seed + 1} {
    models_[0] = {};
    fs::create_directories(live());
    disk_->on_sync([this, test_thread = std::this_thread::get_id()](CrashFileSystem::Moment) {
        const bool ours = std::this_thread::get_id() == test_thread;
        const int one_in = ours ? options_.image_in : options_.flush_image_in;
        std::unique_lock lock{mutex_};
        const bool wanted = random_() % static_cast<std::uint64_t>(one_in) == 0;
        const auto loss = losses[random_() % losses.size()];
        lock.unlock();
        if (wanted) {
            cut(loss);
        }
    });
}

StoreRig::~StoreRig() {
    disk_->on_sync({});
    store_.reset();
}

Result<void> StoreRig::open() {
    QueueModel next = models_.at(acked_);
    next.recover(workload_.now());
    models_[acked_ + 1] = std::move(next);
    SIDING_TRY(open_store_on_disk());
    ++acked_;
    return {};
}

Result<void> StoreRig::open_store_on_disk() {
    RocksOptions options;
    options.directory = live();
    options.file_system = disk_;
    options.skip_sync_for_test = options_.skip_sync;
    SIDING_ASSIGN(store_, open_store(options, workload_.now()));
    return {};
}

Result<void> StoreRig::step() {
    const int before = acked_;
    const Step step = workload_.next(models_.at(before));
    QueueModel next = models_.at(before);
    static_cast<void>(next.apply(step.change, step.at, step.body));
    models_[before + 1] = std::move(next);
    if (step.abandoned) {
        abandoned_.push_back(*step.abandoned);
    }
    const auto applied = step.run(*store_);
    // A refused change is a step that changes nothing, and the model says so as well.
    if (!applied && (applied.error().is(Errc::storage_failure) || store_->failed())) {
        return applied.error();
    }
    ++acked_;
    while (images_.empty() && models_.begin()->first < before) {
        models_.erase(models_.begin());
    }
    return {};
}

Result<void> StoreRig::run(int steps) {
    for (int i = 0; i < steps; ++i) {
        SIDING_TRY(step());
        if (workload_.roll(8) == 0) {
            SIDING_TRY(store_->settle());
        }
    }
    return {};
}

void StoreRig::cut(CrashFileSystem::Loss loss) {
    const std::lock_guard lock{mutex_};
    Image image{directory_.path() / fmt::format("image-{}", next_image_++), acked_.load(), 0};
    disk_->save_image(live() / "db", image.directory / "db", loss, random_);
    std::error_code none_yet;
    fs::copy_file(live() / "acked.mark", image.directory / "acked.mark", none_yet);
    image.steps_max = acked_.load() + 1;
    images_.push_back(std::move(image));
}

std::vector<std::string> StoreRig::judge() {
    std::vector<Image> images;
    {
        const std::lock_guard lock{mutex_};
        images = std::exchange(images_, {});
    }
    std::vector<std::string> wrong;
    for (const Image& image : images) {
        if (auto why = judge(image)) {
            wrong.push_back(fmt::format("steps {}: {}", image.steps_min, *why));
        }
        fs::remove_all(image.directory);
        ++judged_;
    }
    return wrong;
}

std::optional<std::string> StoreRig::judge_live() {
    return judge(Image{live(), acked_, acked_ + 1});
}

std::optional<std::string> StoreRig::judge(const Image& image) {
    const fs::path side = image.directory.string() + "-side";
    std::optional<std::string> wrong;
    {
        RocksOptions options;
        options.directory = image.directory;
        options.file_system = std::make_shared<CrashFileSystem>(side);
        const auto store = open_store(options, workload_.now());
        wrong = store ? find_state(**store, image) : "does not open: " + store.error().message();
    }
    fs::remove_all(side);
    return wrong;
}

std::optional<std::string> StoreRig::find_state(const Store& store, const Image& image) {
    const auto newest = models_.contains(image.steps_max) ? image.steps_max : image.steps_max - 1;
    const auto found = describe(store, models_.at(newest));
    if (!found) {
        return found.error().message();
    }
    for (const MessageId id : abandoned_) {
        if (store.read_body_chunk(id, 0)) {
            return "a body without a message: " + id.text();
        }
    }
    std::string expected;
    for (int steps = image.steps_min; steps <= image.steps_max; ++steps) {
        if (!models_.contains(steps)) {
            continue;
        }
        QueueModel model = models_.at(steps);
        model.recover(workload_.now());
        const std::string description = describe(model);
        if (description == *found) {
            return std::nullopt;
        }
        expected = expected.empty() ? description : expected;
    }
    return difference(*found, expected);
}

}  // namespace siding::test
