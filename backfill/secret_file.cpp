#include "backfill/secret_file.hpp"

#include "base/bytes.hpp"
#include "net/unique_fd.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <stdlib.h>
#include <unistd.h>

namespace siding::backfill {
namespace {

constexpr std::size_t rest_octets_max = 64 * 1024;

Error cannot_write(const std::string& path, int number) {
    return {
        Errc::storage_failure,
        fmt::format("{} cannot be written: {}", escape(path), std::strerror(number))};
}

// What stands behind the first line.
Result<std::string> rest_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string line;
    std::getline(file, line);
    std::string rest(rest_octets_max + 1, '\0');
    file.read(rest.data(), static_cast<std::streamsize>(rest.size()));
    rest.resize(static_cast<std::size_t>(file.gcount()));
    if (rest.size() > rest_octets_max) {
        return Error{Errc::storage_failure, escape(path) + " is no file for a secret: too long"};
    }
    return rest;
}

Result<void> write_all(int file, std::string_view octets, const std::string& path) {
    while (!octets.empty()) {
        const auto count = ::write(file, octets.data(), octets.size());
        if (count < 0 && errno != EINTR) {
            return cannot_write(path, errno);
        }
        octets.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return ::fsync(file) == 0 ? Result<void>{} : cannot_write(path, errno);
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const net::UniqueFd opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
        return cannot_write(directory.string(), errno);
    }
    return {};
}

}  // namespace

Result<void> write_secret_file(const std::string& path, const std::string& secret) {
    std::error_code missing;
    std::filesystem::path target = std::filesystem::canonical(path, missing);
    if (missing) {
        target = path;
    }
    SIDING_ASSIGN(const std::string rest, rest_of(target.string()));
    std::string name = (target.parent_path() / ".siding-secret-XXXXXX").string();
    const net::UniqueFd file{::mkostemp(name.data(), O_CLOEXEC)};  // mode 0600
    if (file.get() < 0) {
        return cannot_write(path, errno);
    }
    auto written = write_all(file.get(), secret + "\n" + rest, path);
    if (written && ::rename(name.c_str(), target.c_str()) != 0) {
        written = cannot_write(path, errno);
    }
    if (!written) {
        ::unlink(name.c_str());
        return written;
    }
    return sync_directory(target.parent_path());
}

}  // namespace siding::backfill
