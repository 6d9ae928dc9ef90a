// So many in a minute, evenly, with a small reserve for who was quiet. Pure; the time is an
// argument. A clock that jumps ahead fills the reserve and no more; one that jumps back costs
// nothing.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace siding::relay {

class TokenBucket {
public:
    // `per_minute` of 0: no limit. The reserve is a tenth of a minute's share, at least one.
    explicit TokenBucket(std::uint64_t per_minute = 0) : per_minute_{per_minute} {}

    void set_rate(std::uint64_t per_minute);  // what is in it stays, up to the new reserve

    bool take(WallTime now);
    // One that was taken and not used.
    void put_back();
    // Drains it: nothing before `until`.
    void block(WallTime until);

    // When the next one can be taken; `now` where it can be at once.
    WallTime ready_at(WallTime now);

    // Full: as good as one that was never used.
    bool is_idle(WallTime now);

private:
    double reserve() const;
    void fill(WallTime now);

    std::uint64_t per_minute_;
    double tokens_ = 0;
    bool is_new_ = true;
    WallTime filled_at_{};
    WallTime blocked_until_{};
};

// One bucket for each name, as many as there is room for. Full ones are forgotten first; where that
// does not help a new name goes without a bucket, which errs to the fast side for a while.
class TokenBuckets {
public:
    static constexpr std::size_t names_max = 100'000;

    explicit TokenBuckets(std::size_t room = names_max) : room_{room} {}

    void set_rate(std::uint64_t per_minute);

    // What a name may do: also a name that is blocked without any rate.
    bool take(std::string_view name, WallTime now);
    void put_back(std::string_view name);
    void block(std::string_view name, WallTime now, WallTime until);
    WallTime ready_at(std::string_view name, WallTime now);

    std::size_t size() const { return buckets_.size(); }

private:
    TokenBucket* bucket_of(std::string_view name, WallTime now);
    void forget_idle(WallTime now);

    std::size_t room_;
    std::uint64_t per_minute_ = 0;
    std::map<std::string, TokenBucket, std::less<>> buckets_;
    WallTime swept_at_{};
};

}  // namespace siding::relay
