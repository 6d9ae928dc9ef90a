#include "queue/disk_space.hpp"

#include "base/limits.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <sys/statvfs.h>

namespace siding::queue {
namespace {

std::int64_t steady_now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace

DiskSpace::DiskSpace(std::filesystem::path directory, Reserve reserve)
    : directory_{std::move(directory)}, reserve_{std::move(reserve)} {}

Result<DiskFacts> DiskSpace::facts() const {
    const std::int64_t now = steady_now_ns();
    const std::int64_t asked = asked_at_ns_.load();
    if (asked == 0 || now - asked > std::chrono::nanoseconds{limits::disk_look_interval}.count()) {
        struct statvfs answer {};
        if (statvfs(directory_.c_str(), &answer) != 0) {
            return Error{
                Errc::storage_failure,
                fmt::format("statvfs {}: error {}", directory_.string(), errno)};
        }
        free_octets_ = answer.f_bavail * answer.f_frsize;
        reserve_octets_ = reserve_(answer.f_blocks * answer.f_frsize);
        asked_at_ns_ = now;
    }
    return DiskFacts{free_octets_, reserve_octets_};
}

Result<void> DiskSpace::check(std::uint64_t octets) const {
    SIDING_ASSIGN(const DiskFacts disk, facts());
    if (disk.free_octets < disk.reserve_octets || disk.free_octets - disk.reserve_octets < octets) {
        return Error{
            Errc::limit_exceeded,
            fmt::format(
                "{} octets free in {}, {} are kept in reserve",
                disk.free_octets,
                directory_.string(),
                disk.reserve_octets
            )};
    }
    return {};
}

}  // namespace siding::queue
