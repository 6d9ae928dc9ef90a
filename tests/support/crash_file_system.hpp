// A file system that knows what a power cut would leave: octets that were synced, names whose
// directory was synced. It gives RocksDB real files and can copy what would be left of them to
// another directory, at any moment. Nothing is really synced, so tests are fast.
//
// A name is durable once its directory was synced, in the order in which names were made, as a
// journalling file system has it. New directories themselves count as durable.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace siding::test {

class CrashFileSystem final : public rocksdb::FileSystemWrapper {
public:
    // `side` is an empty directory on the same file system: it keeps what has no name any more.
    explicit CrashFileSystem(std::filesystem::path side);

    enum class Loss {
        all_unsynced,  // exactly what was synced is left
        torn,          // of each file and of the names, some prefix of the rest is left as well
        // As torn, but the log keeps its length, with zeros, as without data=ordered. A manifest
        // would not open after that: RocksDB says so and changes nothing.
        zeroed,
    };
    // What a power cut would leave of `directory`, in a new directory `image`.
    void save_image(
        const std::filesystem::path& directory,
        const std::filesystem::path& image,
        Loss loss,
        std::mt19937_64& random
    );

    // Called at each sync of a file or directory, before it takes effect and after.
    enum class Moment { before, after };
    using Hook = std::function<void(Moment)>;
    void on_sync(Hook hook);

    // The n-th from now (from 1) fails once with an input/output error and has no effect.
    void fail_sync(std::uint64_t n);
    void fail_append(std::uint64_t n);

    // From now on syncing a directory has no effect, to see who notices.
    void forget_directories();

    std::uint64_t syncs() const;

    rocksdb::IOStatus NewWritableFile(
        const std::string& name,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus ReopenWritableFile(
        const std::string& name,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus ReuseWritableFile(
        const std::string& name,
        const std::string& old_name,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus NewDirectory(
        const std::string& name,
        const rocksdb::IOOptions& options,
        std::unique_ptr<rocksdb::FSDirectory>* directory,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus DeleteFile(
        const std::string& name, const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus RenameFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus LinkFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug
    ) override;
    const char* Name() const override { return "CrashFileSystem"; }

private:
    friend class CrashFile;
    friend class CrashDirectory;

    // What the octets are in, whatever it is called. Its side path is a second link to it.
    struct Inode {
        std::filesystem::path side;
        std::uint64_t synced = 0;
        ~Inode();
    };
    using InodePtr = std::shared_ptr<Inode>;
    // One change of a name that its directory has not synced yet; no inode: it is gone.
    struct Renaming {
        std::string name;
        InodePtr inode;
    };

    rocksdb::IOStatus sync(const std::function<void()>& effect);
    rocksdb::IOStatus check_append();
    void name_inode(const std::string& name, InodePtr inode);
    InodePtr track(const std::string& name);
    void copy_inode(
        const Inode& inode, const std::filesystem::path& target, Loss loss, std::mt19937_64& random
    ) const;

    std::filesystem::path side_;
    mutable std::mutex mutex_;
    std::map<std::string, InodePtr> live_;
    std::map<std::string, InodePtr> durable_;
    std::map<std::string, std::vector<Renaming>> pending_;  // by directory
    std::uint64_t next_inode_ = 0;
    std::uint64_t syncs_ = 0;
    std::optional<std::uint64_t> failing_sync_;
    std::optional<std::uint64_t> failing_append_;
    bool forgets_directories_ = false;
    Hook hook_;
};

}  // namespace siding::test
