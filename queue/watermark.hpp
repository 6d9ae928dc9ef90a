// The acked watermark: the last commit that somebody was told of, in a file of its own.
//
// RocksDB's point-in-time recovery drops everything after the first bad WAL record, synced or not.
// If what it recovered ends below this mark, acknowledged mail is missing, and the queue must not
// open.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <filesystem>

namespace siding::queue {

class Watermark {
public:
    static Result<Watermark> open(const std::filesystem::path& file);
    ~Watermark();
    Watermark(Watermark&& other) noexcept;
    Watermark& operator=(Watermark&&) = delete;

    std::uint64_t value() const { return value_; }

    // Writes the other of two checksummed slots and syncs, so that a torn write leaves the old
    // mark.
    Result<void> advance(std::uint64_t commit_sequence);

private:
    Watermark(int fd, std::uint64_t value, int next_slot)
        : fd_{fd}, value_{value}, slot_{next_slot} {}

    int fd_;
    std::uint64_t value_;
    int slot_;
};

}  // namespace siding::queue
