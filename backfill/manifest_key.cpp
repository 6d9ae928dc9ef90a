#include "backfill/manifest_key.hpp"

#include "net/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace siding::backfill {
namespace {

namespace fs = std::filesystem;

constexpr const char* file_name = "manifest.key";

Error file_error(std::string_view what, const fs::path& path, int number) {
    return {
        Errc::storage_failure,
        fmt::format(
            "cannot {} {}: {}",
            what,
            path.string(),
            boost::system::system_category().message(number)
        )};
}

Result<SigningKey> read_key(const net::UniqueFd& file, const fs::path& path) {
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) {
        return file_error("look at", path, errno);
    }
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return Error{
            Errc::corrupt,
            fmt::format(
                "{} can be read by others: whoever has it can sign. Remove it, and a new one is "
                "made; or chmod 600",
                path.string()
            )};
    }
    std::array<char, 4096> room{};
    const auto count = ::read(file.get(), room.data(), room.size());
    if (count < 0) {
        return file_error("read", path, errno);
    }
    auto key = SigningKey::parse({room.data(), static_cast<std::size_t>(count)});
    if (!key) {
        return Error{Errc::corrupt, fmt::format("{}: {}", path.string(), key.error().context)};
    }
    return key;
}

Result<void> write_key(const std::string& pem, const fs::path& path) {
    const net::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.get() < 0) {
        return file_error("create", path, errno);
    }
    if (::write(file.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()) ||
        ::fsync(file.get()) != 0) {
        return file_error("write", path, errno);
    }
    return {};
}

// Whole under its name or not at all, and never in place of another.
Result<void> make_key(const fs::path& directory, const fs::path& path) {
    const fs::path temporary =
        directory / fmt::format("{}.{:08x}.new", file_name, std::random_device{}());
    auto written = write_key(SigningKey::make().pem(), temporary);
    if (written && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        written = file_error("name", path, errno);
    }
    ::unlink(temporary.c_str());
    SIDING_TRY(written);
    const net::UniqueFd above{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (above.get() < 0 || ::fsync(above.get()) != 0) {
        return file_error("sync", directory, errno);
    }
    return {};
}

}  // namespace

Result<SigningKey> manifest_key(const fs::path& directory) {
    const fs::path path = directory / file_name;
    for (int tries = 0; tries < 2; ++tries) {
        const net::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (file.get() >= 0) {
            return read_key(file, path);
        }
        if (errno != ENOENT) {
            return file_error("open", path, errno);
        }
        SIDING_TRY(make_key(directory, path));
    }
    return file_error("open", path, ENOENT);
}

}  // namespace siding::backfill
