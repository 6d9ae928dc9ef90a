// Has the world switched? Facts in, verdict and gates out; pure, computed afresh each time.
//
// published: every authoritative server serves the new MX. converged: and no honest resolver can
// hold the old one, and no resolver of the panel does. proven: and the usual senders have come to
// Siding. quiet: and nobody uses the old server any more. Each stands on the ones before it.
#pragma once

#include "base/clock.hpp"
#include "dns/authority.hpp"
#include "dns/coverage.hpp"
#include "dns/deadline.hpp"
#include "dns/history.hpp"
#include "dns/panel_round.hpp"
#include "dns/sample_state.hpp"
#include "dns/stragglers.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

enum class Verdict { none, published, converged, proven, quiet };

std::string_view format_verdict(Verdict verdict);  // "none", "published", …
std::optional<Verdict> parse_verdict(std::string_view text);

struct DnsPolicy {
    std::chrono::seconds slack{120};
    std::chrono::seconds floor{3600};
    std::chrono::seconds allowance{24 * 3600};
    unsigned rounds = 3;  // of the panel, one after the other
    double coverage_min = 0.99;
    double straggler_max = 0.001;
    // Operators that must answer in a round. Of a panel that has no more than these, more than
    // half.
    std::size_t operators_min = 15;
};

struct Evidence {
    std::string domain{};
    std::optional<AuthorityView> authority{};  // the last look; unset if there was none
    const History* history = nullptr;          // never null when judged
    bool has_panel = true;                     // false: the configuration says `off`
    std::vector<PanelRound> rounds{};          // the newest ones, newest last
    Coverage coverage{};
    StragglerCount stragglers{};
    Expected expected{};
    DnsPolicy policy{};
    std::optional<WallTime> switch_at{};  // planned
    // The authoritative servers could not be asked at some time since T_pub - TTL: serve-stale.
    bool was_unreachable = false;
    std::string sts_problem{};  // why the MTA-STS policy could not be fetched, in words
    WallTime now{};
    std::function<std::string(WallTime)> show = show_utc;
};

struct Gate {
    std::string name{};  // "authority", "ttl", "panel", "coverage", "stragglers"; "mta-sts", "dane"
    bool passed = false;
    std::string reason{};
    bool asked = true;  // false: nobody looks; `reason` begins with "not asked"
};

struct Judgement {
    Verdict verdict = Verdict::none;
    std::string reason{};  // one sentence for people: why no more than that
    std::optional<WallTime>
        expected_at{};  // when the next verdict is expected, if that can be said
    std::optional<WallTime> published_at{};  // T_pub
    std::optional<Deadline> mx{};
    std::optional<Deadline> hard{};
    // The five that the verdict stands on, in order; behind them those that tell when strict
    // senders take the new MX: "mta-sts" and "dane", where the domain has them.
    std::vector<Gate> gates{};
    bool unplanned = false;
    std::string unplanned_text{};
};

Judgement judge(const Evidence& evidence);

// Somebody of the panel has said what the MX is. Rounds without a word count as no rounds.
bool has_word(const PanelRound& round);

}  // namespace siding::dns
