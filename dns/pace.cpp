#include "dns/pace.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace siding::dns {
namespace {

using std::chrono::seconds;

WallTime quiet_from(const PaceFacts& facts) {
    return *facts.switch_at - facts.mx_ttl;
}

// Near a planned switch: from TTL before it on, and a while after it has not come.
bool is_near_plan(const PaceFacts& facts) {
    return facts.switch_at && facts.now >= quiet_from(facts) &&
           facts.now < *facts.switch_at + limits::dns_near_max;
}

bool is_after_change(const PaceFacts& facts) {
    const WallTime last =
        std::max(facts.changed_at.value_or(WallTime{}), facts.mx_deadline.value_or(WallTime{}));
    return facts.changed_at && facts.now < last + limits::dns_near_max;
}

std::chrono::milliseconds round_interval(const PaceFacts& facts, const PaceSettings& settings) {
    return is_near(facts) ? settings.panel_near : std::max(settings.panel_near, settings.watch);
}

}  // namespace

std::chrono::milliseconds panel_interval(
    const std::vector<PanelOperator>& panel, std::chrono::milliseconds watch_near
) {
    const bool is_own = std::ranges::all_of(panel, [](const PanelOperator& each) {
        return std::ranges::all_of(each.addresses, [](const net::HostPort& address) {
            return is_private_address(address.host);
        });
    });
    return is_own ? watch_near : std::max<std::chrono::milliseconds>(watch_near, seconds{60});
}

bool is_near(const PaceFacts& facts) {
    return facts.verdict < Verdict::converged && (is_near_plan(facts) || is_after_change(facts));
}

WallTime next_look(const PaceFacts& facts, const PaceSettings& settings) {
    if (!facts.last_look) {
        return facts.now;
    }
    if (is_near(facts)) {
        return std::max(facts.now, *facts.last_look + settings.watch_near);
    }
    WallTime at = *facts.last_look + settings.watch;
    if (facts.switch_at && facts.verdict < Verdict::converged && facts.now < quiet_from(facts)) {
        at = std::min(at, quiet_from(facts));
    }
    return std::max(facts.now, at);
}

PanelPermit permit_panel(const PaceFacts& facts, const PaceSettings& settings) {
    PanelPermit permit;
    permit.next_at = facts.now;
    const bool is_waiting =
        facts.switch_at && !facts.published_at && facts.verdict == Verdict::none;
    if (is_waiting && facts.now >= quiet_from(facts) &&
        facts.now < *facts.switch_at + limits::dns_near_max) {
        permit.next_at = *facts.switch_at;
        permit.reason = facts.now < *facts.switch_at ? "quiet period: a probe now would put the "
                                                       "old MX back into caches before the switch"
                                                     : "the switch is due and the new MX is not "
                                                       "published yet: a probe now would put the "
                                                       "old one back into caches";
        if (permit.next_at <= facts.now) {
            permit.next_at = facts.now + settings.watch_near;
        }
        return permit;
    }
    if (facts.last_round) {
        const WallTime due = *facts.last_round + round_interval(facts, settings);
        if (facts.now < due) {
            permit.next_at = due;
            permit.reason = "the panel was asked a moment ago";
            return permit;
        }
    }
    permit.allowed = true;
    return permit;
}

bool ProbeBudget::take(
    std::string_view resolver, std::string_view name, unsigned questions, WallTime now
) {
    auto found = uses_.find(resolver);
    if (found == uses_.end()) {
        found = uses_.emplace(resolver, Use{}).first;
        found->second.minute = now;
    }
    Use& use = found->second;
    if (now - use.minute >= std::chrono::minutes{1} || now < use.minute) {
        use.minute = now;
        use.questions = 0;
    }
    std::erase_if(use.asked, [&](const auto& entry) { return now - entry.second >= interval_; });
    if (use.asked.contains(name) || use.questions + questions > per_minute_) {
        return false;
    }
    use.questions += questions;
    use.asked.emplace(name, now);
    return true;
}

}  // namespace siding::dns
