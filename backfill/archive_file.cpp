#include "backfill/archive_file.hpp"

#include "net/network_error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace siding::backfill {
namespace {

Error storage_error(const std::string& what) {
    const Error failed = net::make_system_error(what);
    return {Errc::storage_failure, failed.message()};
}

}  // namespace

Result<void> sync_archive_directory(const std::filesystem::path& directory) {
    const net::UniqueFd file{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!file.valid() || ::fsync(file.get()) != 0) {
        return storage_error("syncing " + directory.string());
    }
    return {};
}

Result<ArchiveFile> ArchiveFile::open(const std::filesystem::path& path) {
    net::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.valid()) {
        const bool is_absent = errno == ENOENT;
        const Error failed = net::make_system_error("opening " + path.string());
        return Error{is_absent ? Errc::not_found : Errc::storage_failure, failed.message()};
    }
    return ArchiveFile{std::move(file), path.string()};
}

Result<ArchiveFile> ArchiveFile::open_to_write(const std::filesystem::path& path) {
    net::UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!file.valid()) {
        return storage_error("opening " + path.string());
    }
    SIDING_TRY(sync_archive_directory(path.parent_path()));
    return ArchiveFile{std::move(file), path.string()};
}

Result<std::string> ArchiveFile::read(std::uint64_t from, std::size_t octets_max) const {
    std::string octets(octets_max, '\0');
    std::size_t count = 0;
    while (count < octets_max) {
        const auto got = ::pread(
            file_.get(), octets.data() + count, octets_max - count, static_cast<off_t>(from + count)
        );
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return storage_error("reading " + name_);
        }
        if (got == 0) {
            break;
        }
        count += static_cast<std::size_t>(got);
    }
    octets.resize(count);
    return octets;
}

Result<void> ArchiveFile::write(std::uint64_t at, std::string_view octets) {
    while (!octets.empty()) {
        const auto written =
            ::pwrite(file_.get(), octets.data(), octets.size(), static_cast<off_t>(at));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return storage_error("writing " + name_);
        }
        octets.remove_prefix(static_cast<std::size_t>(written));
        at += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> ArchiveFile::cut(std::uint64_t octets) {
    if (::ftruncate(file_.get(), static_cast<off_t>(octets)) != 0) {
        return storage_error("cutting " + name_);
    }
    return {};
}

Result<void> ArchiveFile::sync() {
    if (::fdatasync(file_.get()) != 0) {
        return storage_error("syncing " + name_);
    }
    return {};
}

Result<std::uint64_t> ArchiveFile::octets() const {
    struct stat state {};
    if (::fstat(file_.get(), &state) != 0) {
        return storage_error("looking at " + name_);
    }
    return static_cast<std::uint64_t>(state.st_size);
}

}  // namespace siding::backfill
