// The watch over one domain, without its network: takes looks and rounds of the panel, keeps the
// history, and says what follows: verdict, when to look next, whether resolvers may be asked. Lives
// on one executor; asks no clock.
#pragma once

#include "base/domain.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "cutover/dns_report.hpp"
#include "dns/ttl_caps.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cutover {

// What the configuration says of the watch over one domain.
struct DnsPlan {
    std::vector<std::string> new_hosts{};
    std::vector<std::string> old_hosts{};  // empty: what was seen first
    std::optional<WallTime> switch_at{};
    dns::DnsPolicy policy{};
    dns::PaceSettings pace{};
    bool has_panel = true;
    std::string straggler_source{};  // empty: nobody listens at the old server
};

// `panel_near`: see dns::panel_interval().
DnsPlan make_dns_plan(
    const config::Config& config, const Domain& domain, std::chrono::milliseconds panel_near
);

// What a round of the panel is to look for.
struct PanelTarget {
    dns::Expected expected{};
    std::chrono::seconds mx_ttl{0};
    std::chrono::seconds left{0};  // until the deadline
};

class DnsDomain {
public:
    explicit DnsDomain(Domain domain) : domain_{std::move(domain)} {}

    // What the last run has kept.
    void resume(dns::History history, std::string_view kept);
    // What is kept beside the history: the rounds' outcome without their samples, and when the
    // servers were out of reach last. A text of lines.
    std::string save() const;

    // True if a server says something that it has not said before.
    bool on_look(Result<dns::AuthorityView> view, WallTime now);
    // What was said of the names beside the MX; true as above.
    bool on_names(const std::vector<dns::Served>& served);
    void on_policy_problem(std::string problem) { sts_problem_ = std::move(problem); }
    void on_round(dns::PanelRound round, const DnsPlan& plan);

    // Verdict, gates and deadlines by what is known now.
    DomainDnsReport report(const DnsPlan& plan, const SenderBook& book, WallTime now) const;

    PanelTarget panel_target(const DnsPlan& plan, WallTime now) const;
    void forget_before(WallTime time) { history_.prune(time); }

    const Domain& domain() const { return domain_; }
    const dns::History& history() const { return history_; }
    std::optional<WallTime> last_look() const { return last_look_; }
    // The longest time for which an authoritative server has this domain's MX cached.
    std::chrono::seconds mx_ttl() const;

private:
    dns::Expected expected(const DnsPlan& plan) const;
    std::optional<WallTime> changed_at() const;
    dns::Evidence evidence(const DnsPlan& plan, WallTime now) const;
    dns::PaceFacts pace(const DnsPlan& plan, const dns::Judgement& judgement, WallTime now) const;

    Domain domain_;
    dns::History history_;
    std::optional<dns::AuthorityView> view_;
    std::deque<dns::PanelRound> rounds_;
    dns::TtlCaps caps_;
    std::optional<WallTime> last_look_;
    std::optional<WallTime> unreachable_at_;  // all authoritative servers, the last time
    std::string sts_problem_;
    std::string error_;
};

}  // namespace siding::cutover
