#include "backfill/spool_file.hpp"

#include "net/network_error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace siding::backfill {

Result<SpoolFile> SpoolFile::create(const std::filesystem::path& directory) {
    const std::string path = directory.string();
    net::UniqueFd file{::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (file.get() < 0) {
        return net::make_system_error("a file for a large message in " + path);
    }
    return SpoolFile{std::move(file)};
}

Result<void> SpoolFile::append(std::string_view octets) {
    while (!octets.empty()) {
        const auto written =
            ::pwrite(file_.get(), octets.data(), octets.size(), static_cast<off_t>(octets_));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return net::make_system_error("writing a large message to disk");
        }
        octets.remove_prefix(static_cast<std::size_t>(written));
        octets_ += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<std::string> SpoolFile::read(std::uint64_t from, std::size_t octets_max) const {
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
            return net::make_system_error("reading a large message from disk");
        }
        if (got == 0) {
            break;
        }
        count += static_cast<std::size_t>(got);
    }
    octets.resize(count);
    return octets;
}

}  // namespace siding::backfill
