// Room on the disk: below the reserve no new mail is accepted, while release and delete still work,
// since they need room in the log too.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace siding::queue {

struct DiskFacts {
    std::uint64_t free_octets = 0;
    std::uint64_t reserve_octets = 0;
};

class DiskSpace {
public:
    // Octets to keep free on a file system of that many octets.
    using Reserve = std::function<std::uint64_t(std::uint64_t disk_octets)>;

    DiskSpace(std::filesystem::path directory, Reserve reserve);

    // Asks the file system at most ten times a second. Errc::limit_exceeded when `octets` more
    // would go below the reserve, Errc::storage_failure when the file system does not answer.
    Result<void> check(std::uint64_t octets) const;
    Result<DiskFacts> facts() const;

private:
    std::filesystem::path directory_;
    Reserve reserve_;
    mutable std::atomic<std::int64_t> asked_at_ns_ = 0;
    mutable std::atomic<std::uint64_t> free_octets_ = 0;
    mutable std::atomic<std::uint64_t> reserve_octets_ = 0;
};

}  // namespace siding::queue
