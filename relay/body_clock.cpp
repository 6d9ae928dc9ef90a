#include "relay/body_clock.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

constexpr std::chrono::minutes grace{1};

}  // namespace

std::chrono::milliseconds BodyClock::next_timeout(Time now, std::uint64_t octets, bool is_stressed)
    const {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const auto spent = duration_cast<milliseconds>(now - start_);
    milliseconds left = std::max(timeouts_.message - spent, milliseconds{0});
    if (timeouts_.data_rate_min > 0) {
        // So long these octets suffice at the least rate.
        const milliseconds paid{octets * 1000 / timeouts_.data_rate_min};
        left = std::min(left, std::max(grace + paid - spent, milliseconds{0}));
    }
    left = std::min(left, timeouts_.data);
    return is_stressed ? std::min(left, timeouts_.stressed_data) : left;
}

}  // namespace siding::relay
