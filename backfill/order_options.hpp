// What an order may say besides its accounts. Plain values.
#pragma once

#include "backfill/copy_window.hpp"
#include "backfill/limits.hpp"
#include "backfill/retry_request.hpp"
#include "backfill/sample.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace siding::backfill {

struct OrderOptions {
    OrderOptions() = default;  // no aggregate: net/asio.hpp

    CopyWindow window = {};          // of copy: only what is in it
    bool compare_all_flags = false;  // of copy: also without CONDSTORE, and when following
    bool is_back = false;            // of copy: from the destination to the source; needs a window
    bool is_final = false;           // of copy: fails unless nothing new came for `quiet` behind it
    std::chrono::milliseconds quiet = limits::final_quiet;
    std::optional<SampleSize> sample = {};  // of verify; nothing: every message
    std::optional<std::uint64_t> seed = {};
    bool canary = false;      // of check
    std::uint64_t limit = 0;  // of assess: octets of a message; 0: as the destination says
    RetryRequest retry = {};  // of retry

    bool operator==(const OrderOptions&) const = default;
};

}  // namespace siding::backfill
