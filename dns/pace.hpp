// When to look again, and whether resolvers may be asked now. A probe of a resolver just before the
// switch fills its cache with the old MX for a whole TTL, and real senders share that cache; after
// the switch probes only help. Pure.
#pragma once

#include "base/clock.hpp"
#include "dns/panel.hpp"
#include "dns/verdict.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

struct PaceSettings {
    std::chrono::milliseconds watch{std::chrono::minutes{5}};
    std::chrono::milliseconds watch_near{std::chrono::seconds{20}};
    // Between two rounds of the panel, near a switch: see panel_interval().
    std::chrono::milliseconds panel_near{std::chrono::seconds{60}};
};

// No resolver of the Internet hears more than a round a minute, whatever watch_near says. A panel
// that is all in private networks is its operator's own and follows watch_near.
std::chrono::milliseconds panel_interval(
    const std::vector<PanelOperator>& panel, std::chrono::milliseconds watch_near
);

struct PaceFacts {
    WallTime now{};
    Verdict verdict = Verdict::none;
    std::optional<WallTime> switch_at{};     // planned
    std::optional<WallTime> changed_at{};    // the newest change of MX that any server showed
    std::optional<WallTime> published_at{};  // T_pub
    std::optional<WallTime> mx_deadline{};   // D_mx
    std::chrono::seconds mx_ttl{0};          // largest TTL of the MX now
    std::optional<WallTime> last_look{};
    std::optional<WallTime> last_round{};
};

// Near: from TTL before a planned switch until it is converged, and after any change until then; a
// planned switch that does not come is waited for at this pace for limits::dns_near_max.
bool is_near(const PaceFacts& facts);

// When the authoritative servers are asked next; not before `now`.
WallTime next_look(const PaceFacts& facts, const PaceSettings& settings);

// May recursive probes be sent now? Not in [T - TTL, T] before a planned switch, nor after it until
// the new MX is published; and not more often than the budget allows.
struct PanelPermit {
    bool allowed = false;
    WallTime next_at{};    // when it may be allowed, as far as is known now
    std::string reason{};  // why not
};
PanelPermit permit_panel(const PaceFacts& facts, const PaceSettings& settings);

// One budget for all domains: rounds of several domains share the resolvers. A resolver is asked
// about one name at most once in `interval`, and `per_minute` questions in all.
class ProbeBudget {
public:
    ProbeBudget(std::chrono::milliseconds interval, unsigned per_minute)
        : interval_{interval}, per_minute_{per_minute} {}

    // May `questions` about that name go to the resolver now? Counted if so.
    bool take(std::string_view resolver, std::string_view name, unsigned questions, WallTime now);

private:
    struct Use {
        WallTime minute{};
        unsigned questions = 0;
        std::map<std::string, WallTime, std::less<>> asked{};  // by name, of the last interval
    };

    std::chrono::milliseconds interval_;
    unsigned per_minute_;
    std::map<std::string, Use, std::less<>> uses_;
};

}  // namespace siding::dns
