// What the watch over one domain's MX has found: a value that is made after each look and shared
// with whoever asks (API, metrics, the command line).
#pragma once

#include "base/clock.hpp"
#include "cutover/senders.hpp"
#include "dns/address_changes.hpp"
#include "dns/authority.hpp"
#include "dns/coverage.hpp"
#include "dns/history.hpp"
#include "dns/pace.hpp"
#include "dns/panel_round.hpp"
#include "dns/sample_state.hpp"
#include "dns/stragglers.hpp"
#include "dns/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::cutover {

struct DomainDnsReport {
    std::string domain{};
    dns::Expected expected{};
    std::optional<WallTime> switch_at{};
    dns::Judgement judgement{};
    std::optional<dns::AuthorityView> authority{};  // the last look that was answered
    std::vector<dns::HostAddresses> hosts{};        // of the new MX, then of the old one
    bool has_panel = true;
    std::optional<dns::PanelRound> panel{};  // the newest round
    dns::PanelPermit permit{};               // of the next one
    dns::Coverage coverage{};
    dns::StragglerCount stragglers{};
    std::vector<Straggler> newest_stragglers{};
    std::vector<dns::Epoch> history{};
    std::optional<WallTime> watched_at{};  // nothing: not looked at yet
    std::optional<WallTime> next_at{};
    std::string error{};  // why the last look failed, in words
};

// How a server stands in lists and metrics: "new", "old", …, "lame", "unreachable".
std::string server_state(const DomainDnsReport& report, const dns::ServerView& server);

}  // namespace siding::cutover
