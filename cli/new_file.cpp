#include "cli/new_file.hpp"

#include "base/check.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace siding::cli {
namespace {

constexpr std::size_t buffer_octets = 256 * 1024;

Error file_error(std::string_view what, const std::filesystem::path& path, int number) {
    if (number == EEXIST) {
        return {
            Errc::already_exists,
            fmt::format("{} exists already; export into an empty directory", path.string())};
    }
    return {
        Errc::storage_failure,
        fmt::format(
            "cannot {} {}: {}",
            what,
            path.string(),
            boost::system::system_category().message(number)
        )};
}

// 0, or errno. File systems without RENAME_NOREPLACE (NFS) get the two steps, which only another
// writer in the same directory could come between.
int rename_new(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    std::error_code failed;
    if (std::filesystem::exists(to, failed)) {
        return EEXIST;
    }
    return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Result<NewFile> NewFile::create(
    std::filesystem::path temporary, std::filesystem::path destination
) {
    std::error_code failed;
    if (std::filesystem::exists(destination, failed)) {
        return file_error("write", destination, EEXIST);
    }
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return file_error("create", temporary, errno);
    }
    return NewFile{descriptor, std::move(temporary), std::move(destination)};
}

NewFile::NewFile(int descriptor, std::filesystem::path temporary, std::filesystem::path destination)
    : descriptor_{descriptor},
      temporary_{std::move(temporary)},
      destination_{std::move(destination)} {}

NewFile::NewFile(NewFile&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)},
      temporary_{std::move(other.temporary_)},
      destination_{std::move(other.destination_)},
      written_{other.written_},
      buffer_{std::move(other.buffer_)} {}

NewFile::~NewFile() {
    if (descriptor_ >= 0) {
        close(descriptor_);
        unlink(temporary_.c_str());
    }
}

Result<void> NewFile::write(std::string_view octets) {
    buffer_.append(octets);
    if (buffer_.size() >= buffer_octets) {
        return flush();
    }
    return {};
}

Result<void> NewFile::flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
        const auto count = ::write(descriptor_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return file_error("write", temporary_, errno);
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    written_ += buffer_.size();
    buffer_.clear();
    return {};
}

Result<void> NewFile::truncate(std::uint64_t octets) {
    SIDING_TRY(flush());
    const auto size = static_cast<off_t>(octets);
    if (ftruncate(descriptor_, size) != 0 || lseek(descriptor_, size, SEEK_SET) != size) {
        return file_error("shorten", temporary_, errno);
    }
    written_ = octets;
    return {};
}

Result<void> NewFile::finish() {
    SIDING_CHECK(descriptor_ >= 0, "a file is finished once");
    SIDING_TRY(flush());
    if (fsync(descriptor_) != 0) {
        return file_error("sync", temporary_, errno);
    }
    if (const int number = rename_new(temporary_, destination_); number != 0) {
        return file_error("name", destination_, number);
    }
    if (close(std::exchange(descriptor_, -1)) != 0) {
        return file_error("close", destination_, errno);
    }
    return {};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return file_error("open", directory, errno);
    }
    const int synced = fsync(descriptor);
    const int number = errno;
    close(descriptor);
    return synced == 0 ? Result<void>{} : file_error("sync", directory, number);
}

}  // namespace siding::cli
