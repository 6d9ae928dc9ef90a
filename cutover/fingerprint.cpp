#include "cutover/fingerprint.hpp"

#include <algorithm>
#include <span>

namespace siding::cutover {
namespace {

// 8 MiB. A million open recipients are then one to a bucket on average.
constexpr std::size_t buckets = std::size_t{1} << 20;

// Open recipients of one bucket whose every choice is tried. With a million open ones the chance of
// a fuller bucket is below 10⁻¹², and such a bucket is reported, not passed.
constexpr std::size_t open_per_bucket_max = 20;

// The finalizer of SplitMix64: a bijection in which every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

std::uint64_t hash_of(RecipientId id) {
    return mix(mix(id.message.value()) ^ id.number);
}

std::size_t bucket_of_hash(std::uint64_t hash) {
    return hash % buckets;
}

bool can_be_zero(std::uint64_t sum, std::span<const std::uint64_t> parts) {
    if (parts.size() > open_per_bucket_max) {
        return false;
    }
    const std::uint32_t choices = std::uint32_t{1} << parts.size();
    for (std::uint32_t choice = 0; choice < choices; ++choice) {
        std::uint64_t rest = sum;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            rest -= (choice >> i & 1) != 0 ? parts[i] : 0;
        }
        if (rest == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

Fingerprint::Fingerprint() : sums_(buckets) {}

Fingerprint::Open::Open(RecipientId id, Side side) : hash_{hash_of(id)}, side_{side} {}

void Fingerprint::add(RecipientId id) {
    const std::uint64_t hash = hash_of(id);
    sums_[bucket_of_hash(hash)] += hash;
}

void Fingerprint::remove(RecipientId id) {
    const std::uint64_t hash = hash_of(id);
    sums_[bucket_of_hash(hash)] -= hash;
}

std::size_t Fingerprint::bucket_of(RecipientId id) {
    return bucket_of_hash(hash_of(id));
}

std::vector<std::size_t> Fingerprint::differences(std::vector<Open> open) const {
    std::ranges::sort(open, {}, [](const Open& one) { return bucket_of_hash(one.hash_); });
    std::vector<std::size_t> different;
    std::vector<std::uint64_t> parts;
    auto next = open.begin();
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        parts.clear();
        for (; next != open.end() && bucket_of_hash(next->hash_) == bucket; ++next) {
            parts.push_back(next->side_ == Side::added ? next->hash_ : 0 - next->hash_);
        }
        if (sums_[bucket] != 0 && !can_be_zero(sums_[bucket], parts)) {
            different.push_back(bucket);
        }
    }
    return different;
}

}  // namespace siding::cutover
