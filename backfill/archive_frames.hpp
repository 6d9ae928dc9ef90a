// Where the octets of each message are, by digest: some 32 octets of memory for each, so that a
// million messages take 32 MiB.
#pragma once

#include "base/block_deque.hpp"
#include "base/digest.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace siding::backfill {

class ArchiveFrames {
public:
    struct Place {
        std::uint32_t pack = 0;
        std::uint32_t offset = 0;  // a frame begins within the first 4 GiB of its pack
    };

    // A digest that is there already gets the new place.
    void put(const Digest& sha256, Place place);
    std::optional<Place> find(const Digest& sha256) const;
    // Of one that has a place: below size(), the same for as long as this lives.
    std::optional<std::size_t> number_of(const Digest& sha256) const;
    void forget(const Digest& sha256);
    std::size_t size() const { return rows_.size(); }

private:
    // Half of a SHA-256: two messages that share it are as likely as a broken memory that finds no
    // error, and whoever reads one compares the whole of it.
    struct Row {
        std::uint64_t first = 0;
        std::uint64_t second = 0;
        Place place;
    };

    std::size_t slot_of(std::uint64_t first, std::uint64_t second) const;
    void grow();

    BlockDeque<Row> rows_;
    std::vector<std::uint32_t> slots_;  // row + 1; 0: free; a power of two, at most half full
};

}  // namespace siding::backfill
