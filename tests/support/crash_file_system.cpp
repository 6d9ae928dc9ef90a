#include "tests/support/crash_file_system.hpp"

#include <fstream>
#include <iterator>
#include <utility>

namespace siding::test {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// RocksDB writes "dir//file" and "dir/" now and then.
std::string normal(const std::string& name) {
    std::string out = fs::path{name}.lexically_normal().string();
    if (out.size() > 1 && out.back() == '/') {
        out.pop_back();
    }
    return out;
}

std::string directory_of(const std::string& name) {
    return fs::path{name}.parent_path().string();
}

bool counts_down(std::optional<std::uint64_t>& countdown) {
    if (!countdown || --*countdown > 0) {
        return false;
    }
    countdown.reset();
    return true;
}

}  // namespace

class CrashFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    CrashFile(
        std::unique_ptr<rocksdb::FSWritableFile> file,
        CrashFileSystem& system,
        CrashFileSystem::InodePtr inode
    )
        : FSWritableFileOwnerWrapper{std::move(file)}, system_{system}, inode_{std::move(inode)} {}

    using FSWritableFileOwnerWrapper::Append;
    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        IOStatus status = system_.check_append();
        return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, debug) : status;
    }
    IOStatus Append(
        const Slice& data,
        const IOOptions& options,
        const rocksdb::DataVerificationInfo& info,
        IODebugContext* debug
    ) override {
        IOStatus status = system_.check_append();
        return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, info, debug)
                           : status;
    }
    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
        const IOStatus flushed = target()->Flush(options, debug);
        if (!flushed.ok()) {
            return flushed;
        }
        return system_.sync([this] { inode_->synced = fs::file_size(inode_->side); });
    }
    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
        return Sync(options, debug);
    }
    // Starts writing back; promises nothing.
    IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
        return IOStatus::OK();
    }
    bool IsSyncThreadSafe() const override { return true; }

private:
    CrashFileSystem& system_;
    CrashFileSystem::InodePtr inode_;
};

class CrashDirectory final : public rocksdb::FSDirectory {
public:
    CrashDirectory(std::string name, CrashFileSystem& system)
        : name_{std::move(name)}, system_{system} {}

    IOStatus Fsync(const IOOptions&, IODebugContext*) override {
        return system_.sync([this] {
            if (system_.forgets_directories_) {
                return;
            }
            for (auto& change : system_.pending_[name_]) {
                system_.durable_[change.name] = std::move(change.inode);
            }
            system_.pending_.erase(name_);
        });
    }
    IOStatus
    FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug, const rocksdb::DirFsyncOptions&)
        override {
        return Fsync(options, debug);
    }
    IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

private:
    std::string name_;
    CrashFileSystem& system_;
};

CrashFileSystem::Inode::~Inode() {
    std::error_code ignored;
    fs::remove(side, ignored);
}

CrashFileSystem::CrashFileSystem(fs::path side)
    : FileSystemWrapper{FileSystem::Default()}, side_{std::move(side)} {
    fs::create_directories(side_);
}

void CrashFileSystem::on_sync(Hook hook) {
    const std::lock_guard lock{mutex_};
    hook_ = std::move(hook);
}

void CrashFileSystem::fail_sync(std::uint64_t n) {
    const std::lock_guard lock{mutex_};
    failing_sync_ = n;
}

void CrashFileSystem::fail_append(std::uint64_t n) {
    const std::lock_guard lock{mutex_};
    failing_append_ = n;
}

void CrashFileSystem::forget_directories() {
    const std::lock_guard lock{mutex_};
    forgets_directories_ = true;
}

std::uint64_t CrashFileSystem::syncs() const {
    const std::lock_guard lock{mutex_};
    return syncs_;
}

IOStatus CrashFileSystem::sync(const std::function<void()>& effect) {
    Hook hook;
    {
        const std::lock_guard lock{mutex_};
        hook = hook_;
    }
    if (hook) {
        hook(Moment::before);
    }
    {
        const std::lock_guard lock{mutex_};
        syncs_ += 1;
        if (counts_down(failing_sync_)) {
            return IOStatus::IOError("fdatasync", "Input/output error (injected)");
        }
        effect();
    }
    if (hook) {
        hook(Moment::after);
    }
    return IOStatus::OK();
}

IOStatus CrashFileSystem::check_append() {
    const std::lock_guard lock{mutex_};
    return counts_down(failing_append_)
               ? IOStatus::IOError("write", "Input/output error (injected)")
               : IOStatus::OK();
}

void CrashFileSystem::name_inode(const std::string& name, InodePtr inode) {
    pending_[directory_of(name)].push_back({name, inode});
    if (inode != nullptr) {
        live_[name] = std::move(inode);
    } else {
        live_.erase(name);
    }
}

CrashFileSystem::InodePtr CrashFileSystem::track(const std::string& name) {
    auto inode = std::make_shared<Inode>();
    inode->side = side_ / std::to_string(++next_inode_);
    fs::create_hard_link(name, inode->side);
    name_inode(name, inode);
    return inode;
}

IOStatus CrashFileSystem::NewWritableFile(
    const std::string& name,
    const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file,
    IODebugContext* debug
) {
    const std::lock_guard lock{mutex_};
    // Truncating in place would change the old inode under its durable name: make a new one.
    fs::remove(name);
    IOStatus status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok()) {
        *file = std::make_unique<CrashFile>(std::move(*file), *this, track(normal(name)));
    }
    return status;
}

IOStatus CrashFileSystem::ReopenWritableFile(
    const std::string& name,
    const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file,
    IODebugContext* debug
) {
    const std::lock_guard lock{mutex_};
    IOStatus status = target()->ReopenWritableFile(name, options, file, debug);
    if (status.ok()) {
        const auto known = live_.find(normal(name));
        InodePtr inode = known != live_.end() ? known->second : track(normal(name));
        *file = std::make_unique<CrashFile>(std::move(*file), *this, std::move(inode));
    }
    return status;
}

IOStatus CrashFileSystem::
    ReuseWritableFile(const std::string&, const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
    return IOStatus::NotSupported("log files are never recycled");
}

IOStatus CrashFileSystem::
    NewDirectory(const std::string& name, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext*) {
    *directory = std::make_unique<CrashDirectory>(normal(name), *this);
    return IOStatus::OK();
}

IOStatus CrashFileSystem::DeleteFile(
    const std::string& name, const IOOptions& options, IODebugContext* debug
) {
    const std::lock_guard lock{mutex_};
    IOStatus status = target()->DeleteFile(name, options, debug);
    if (status.ok() && live_.contains(normal(name))) {
        name_inode(normal(name), nullptr);
    }
    return status;
}

IOStatus CrashFileSystem::RenameFile(
    const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug
) {
    const std::lock_guard lock{mutex_};
    IOStatus status = target()->RenameFile(from, to, options, debug);
    const auto known = live_.find(normal(from));
    if (status.ok() && known != live_.end()) {  // the info log is not ours
        InodePtr inode = known->second;
        name_inode(normal(to), std::move(inode));
        name_inode(normal(from), nullptr);
    }
    return status;
}

IOStatus CrashFileSystem::
    LinkFile(const std::string&, const std::string&, const IOOptions&, IODebugContext*) {
    return IOStatus::NotSupported("links");
}

void CrashFileSystem::save_image(
    const fs::path& directory, const fs::path& image, Loss loss, std::mt19937_64& random
) {
    const std::lock_guard lock{mutex_};
    fs::create_directories(image);
    const std::string root = normal(directory.string());
    auto names = durable_;
    if (const auto pending = pending_.find(root);
        loss != Loss::all_unsynced && pending != pending_.end()) {
        const std::size_t kept = random() % (pending->second.size() + 1);
        for (std::size_t i = 0; i < kept; ++i) {
            names[pending->second[i].name] = pending->second[i].inode;
        }
    }
    for (const auto& [name, inode] : names) {
        if (inode != nullptr && directory_of(name) == root) {
            copy_inode(*inode, image / fs::path{name}.filename(), loss, random);
        }
    }
}

void CrashFileSystem::copy_inode(
    const Inode& inode, const fs::path& target, Loss loss, std::mt19937_64& random
) const {
    const std::uint64_t size = fs::file_size(inode.side);
    std::uint64_t kept = inode.synced;
    if (loss != Loss::all_unsynced) {
        kept += random() % (size - inode.synced + 1);
    }
    std::string octets(kept, '\0');
    std::ifstream{inode.side, std::ios::binary}.read(
        octets.data(), static_cast<std::streamsize>(kept)
    );
    if (loss == Loss::zeroed && target.extension() == ".log") {
        octets.resize(size, '\0');
    }
    std::ofstream{target, std::ios::binary} << octets;
}

}  // namespace siding::test
