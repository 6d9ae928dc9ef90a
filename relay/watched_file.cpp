#include "relay/watched_file.hpp"

#include "base/limits.hpp"
#include "net/unique_fd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace siding::relay {
namespace {

Error system_error(int code) {
    return {
        code == ENOENT ? Errc::not_found : Errc::unavailable,
        std::error_code{code, std::generic_category()}.message()};
}

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& facts) {
    return {
        static_cast<std::uint64_t>(facts.st_dev),
        static_cast<std::uint64_t>(facts.st_ino),
        static_cast<std::uint64_t>(facts.st_size),
        nanoseconds(facts.st_mtim),
        nanoseconds(facts.st_ctim)};
}

Result<FileStamp> look_at(int descriptor) {
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) {
        return system_error(errno);
    }
    if (!S_ISREG(facts.st_mode)) {
        return Error{Errc::invalid_argument, "is not a regular file"};
    }
    return stamp_of(facts);
}

Result<std::string> read_octets(int descriptor, std::size_t size) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got = ::read(descriptor, text.data() + have, size - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_error(errno);
        }
        if (got == 0) {
            return Error{Errc::unavailable, "became shorter while it was read"};
        }
        have += static_cast<std::size_t>(got);
    }
    return text;
}

}  // namespace

Result<FileStamp> look_at_file(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) {
        return system_error(errno);
    }
    return stamp_of(facts);
}

Result<FileContent> read_whole_file(const std::string& path) {
    // Not to wait for the other end of a FIFO.
    const net::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file.valid()) {
        return system_error(errno);
    }
    SIDING_ASSIGN(const FileStamp before, look_at(file.get()));
    if (before.size_octets > limits::recipient_file_octets_max) {
        return Error{
            Errc::limit_exceeded,
            fmt::format("is larger than {} MiB", limits::recipient_file_octets_max >> 20)};
    }
    SIDING_ASSIGN(std::string text, read_octets(file.get(), before.size_octets));
    SIDING_ASSIGN(const FileStamp after, look_at(file.get()));
    if (after != before) {
        return Error{Errc::unavailable, "changed while it was read"};
    }
    return FileContent{std::move(text), before};
}

}  // namespace siding::relay
