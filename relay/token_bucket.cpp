#include "relay/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace siding::relay {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds minute = std::chrono::minutes{1};
constexpr milliseconds sweep_interval = std::chrono::seconds{10};
// Filling in steps must come out at the same as filling at once.
constexpr double tolerance = 1e-6;

}  // namespace

double TokenBucket::reserve() const {
    return std::max(1.0, static_cast<double>(per_minute_) / 10);
}

void TokenBucket::set_rate(std::uint64_t per_minute) {
    per_minute_ = per_minute;
    tokens_ = std::min(tokens_, reserve());
}

void TokenBucket::fill(WallTime now) {
    if (is_new_) {
        is_new_ = false;
        tokens_ = reserve();
    } else if (now > filled_at_) {
        const auto passed = static_cast<double>((now - filled_at_).count());
        const double grown = passed * static_cast<double>(per_minute_) / minute.count();
        tokens_ = std::min(tokens_ + grown, reserve());
    }
    filled_at_ = now;  // also after a step back
}

bool TokenBucket::take(WallTime now) {
    if (ready_at(now) > now) {
        return false;
    }
    if (per_minute_ != 0) {
        tokens_ -= 1;
    }
    return true;
}

void TokenBucket::put_back() {
    tokens_ = std::min(tokens_ + 1, reserve());
}

void TokenBucket::block(WallTime until) {
    blocked_until_ = std::max(blocked_until_, until);
}

WallTime TokenBucket::ready_at(WallTime now) {
    // A block set before the clock went back; nobody is blocked for longer than this.
    constexpr milliseconds block_longest = std::chrono::hours{1};
    blocked_until_ = std::min(blocked_until_, now + block_longest);
    if (per_minute_ == 0) {
        return std::max(now, blocked_until_);
    }
    fill(now);
    if (tokens_ >= 1 - tolerance) {
        return std::max(now, blocked_until_);
    }
    const double missing = 1 - tokens_;
    const double wait = std::ceil(missing * minute.count() / static_cast<double>(per_minute_));
    return std::max(now + milliseconds{static_cast<milliseconds::rep>(wait)}, blocked_until_);
}

bool TokenBucket::is_idle(WallTime now) {
    if (now < blocked_until_) {
        return false;
    }
    if (per_minute_ == 0) {
        return true;
    }
    fill(now);
    return tokens_ >= reserve() - tolerance;
}

void TokenBuckets::set_rate(std::uint64_t per_minute) {
    if (per_minute == per_minute_) {
        return;
    }
    per_minute_ = per_minute;
    for (auto& [name, bucket] : buckets_) {
        bucket.set_rate(per_minute);
    }
}

bool TokenBuckets::take(std::string_view name, WallTime now) {
    if (per_minute_ == 0 && buckets_.find(name) == buckets_.end()) {
        return true;
    }
    TokenBucket* bucket = bucket_of(name, now);
    return bucket == nullptr || bucket->take(now);
}

void TokenBuckets::put_back(std::string_view name) {
    if (const auto found = buckets_.find(name); found != buckets_.end()) {
        found->second.put_back();
    }
}

void TokenBuckets::block(std::string_view name, WallTime now, WallTime until) {
    if (TokenBucket* bucket = bucket_of(name, now)) {
        bucket->block(until);
    }
}

WallTime TokenBuckets::ready_at(std::string_view name, WallTime now) {
    const auto found = buckets_.find(name);
    return found == buckets_.end() ? now : found->second.ready_at(now);
}

TokenBucket* TokenBuckets::bucket_of(std::string_view name, WallTime now) {
    if (const auto found = buckets_.find(name); found != buckets_.end()) {
        return &found->second;
    }
    if (buckets_.size() >= room_) {
        forget_idle(now);
    }
    if (buckets_.size() >= room_) {
        return nullptr;
    }
    return &buckets_.emplace(std::string{name}, TokenBucket{per_minute_}).first->second;
}

void TokenBuckets::forget_idle(WallTime now) {
    if (now - swept_at_ < sweep_interval && now >= swept_at_) {
        return;  // it was full a moment ago, too
    }
    swept_at_ = now;
    for (auto entry = buckets_.begin(); entry != buckets_.end();) {
        entry = entry->second.is_idle(now) ? buckets_.erase(entry) : std::next(entry);
    }
}

}  // namespace siding::relay
