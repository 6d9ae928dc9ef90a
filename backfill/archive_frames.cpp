#include "backfill/archive_frames.hpp"

#include <cstring>

namespace siding::backfill {
namespace {

constexpr std::size_t slots_min = 1024;
constexpr ArchiveFrames::Place nowhere{0, 0};  // packs are counted from 1

std::uint64_t part_of(const Digest& sha256, std::size_t from) {
    std::uint64_t value = 0;
    std::memcpy(&value, sha256.data() + from, sizeof value);
    return value;
}

}  // namespace

std::size_t ArchiveFrames::slot_of(std::uint64_t first, std::uint64_t second) const {
    const std::size_t last = slots_.size() - 1;
    std::size_t at = first & last;
    while (slots_[at] != 0) {
        const Row& row = rows_[slots_[at] - 1];
        if (row.first == first && row.second == second) {
            break;
        }
        at = (at + 1) & last;
    }
    return at;
}

void ArchiveFrames::grow() {
    slots_.assign(slots_.empty() ? slots_min : slots_.size() * 2, 0);
    for (std::size_t at = 0; at < rows_.size(); ++at) {
        slots_[slot_of(rows_[at].first, rows_[at].second)] = static_cast<std::uint32_t>(at + 1);
    }
}

void ArchiveFrames::put(const Digest& sha256, Place place) {
    if (rows_.size() * 2 >= slots_.size()) {
        grow();
    }
    const Row row{part_of(sha256, 0), part_of(sha256, sizeof(std::uint64_t)), place};
    std::uint32_t& slot = slots_[slot_of(row.first, row.second)];
    if (slot != 0) {
        rows_[slot - 1] = row;
        return;
    }
    rows_.push_back(row);
    slot = static_cast<std::uint32_t>(rows_.size());
}

std::optional<std::size_t> ArchiveFrames::number_of(const Digest& sha256) const {
    if (slots_.empty()) {
        return std::nullopt;
    }
    const std::uint32_t slot =
        slots_[slot_of(part_of(sha256, 0), part_of(sha256, sizeof(std::uint64_t)))];
    const bool is_known = slot != 0 && rows_[slot - 1].place.pack != nowhere.pack;
    return is_known ? std::optional<std::size_t>{slot - 1} : std::nullopt;
}

std::optional<ArchiveFrames::Place> ArchiveFrames::find(const Digest& sha256) const {
    const auto number = number_of(sha256);
    return number ? std::optional{rows_[*number].place} : std::nullopt;
}

// Its row stays: it is likely to come in again.
void ArchiveFrames::forget(const Digest& sha256) {
    if (find(sha256)) {
        put(sha256, nowhere);
    }
}

}  // namespace siding::backfill
