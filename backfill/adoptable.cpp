#include "backfill/adoptable.hpp"

namespace siding::backfill {
namespace {

// Half a SHA-256 tells messages apart as well, in half the memory.
std::string key_of(const Digest& digest) {
    return digest.substr(0, 16);
}

}  // namespace

void Adoptable::add(const MessageDigests& digests, std::uint64_t uid) {
    raw_.emplace(key_of(digests.raw), uid);
    canonical_.emplace(key_of(digests.canonical), uid);
    free_.insert(uid);
}

void Adoptable::add_repaired(const CopyRecord& row) {
    add(row.digests, row.destination_uid);
    repaired_.emplace(row.destination_uid, row);
}

const CopyRecord* Adoptable::repaired(std::uint64_t uid) const {
    const auto row = repaired_.find(uid);
    return row == repaired_.end() ? nullptr : &row->second;
}

void Adoptable::add_deleted(const MessageDigests& digests) {
    deleted_.insert(key_of(digests.raw));
}

bool Adoptable::take_deleted(const MessageDigests& digests) {
    const auto found = deleted_.find(key_of(digests.raw));
    if (found == deleted_.end()) {
        return false;
    }
    deleted_.erase(found);
    return true;
}

std::optional<std::uint64_t> Adoptable::take(const MessageDigests& digests) {
    if (free_.empty()) {
        return std::nullopt;
    }
    const auto same = take(raw_, digests.raw);
    return same ? same : take(canonical_, digests.canonical);
}

// The smallest UID of those that are free: the order of the source is kept.
std::optional<std::uint64_t> Adoptable::take(Index& index, const Digest& digest) {
    const auto [begin, end] = index.equal_range(key_of(digest));
    std::optional<std::uint64_t> found;
    for (auto entry = begin; entry != end; ++entry) {
        if (free_.contains(entry->second) && (!found || entry->second < *found)) {
            found = entry->second;
        }
    }
    if (found) {
        free_.erase(*found);
    }
    return found;
}

}  // namespace siding::backfill
