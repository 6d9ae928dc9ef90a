#include "cutover/dns_domain.hpp"

#include "base/limits.hpp"
#include "dns/observed.hpp"
#include "dns/record.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>

namespace siding::cutover {
namespace {

using std::chrono::seconds;

constexpr auto mx_type = static_cast<std::uint16_t>(dns::RecordType::mx);
constexpr std::size_t stragglers_shown = 50;

seconds to_seconds(std::chrono::milliseconds time) {
    return std::chrono::ceil<seconds>(time);
}

std::string source_of(const config::Stragglers& stragglers) {
    std::vector<std::string> sources;
    if (stragglers.log) {
        sources.push_back("the log " + *stragglers.log);
    }
    std::vector<std::string> networks;
    for (const Network& network : stragglers.networks) {
        networks.push_back(network.text());
    }
    if (!networks.empty()) {
        sources.push_back(fmt::format("mail from {}", fmt::join(networks, ", ")));
    }
    return fmt::format("{}", fmt::join(sources, " and "));
}

bool is_heard(const dns::AuthorityView& view) {
    return std::ranges::any_of(view.servers, [](const dns::ServerView& server) {
        return server.is_heard();
    });
}

void add_hosts(const dns::Epoch& epoch, std::vector<std::string>& hosts) {
    for (std::string& host : dns::hosts_of(dns::RrSet{epoch.records(), epoch.ttl})) {
        if (host != "." && std::ranges::find(hosts, host) == hosts.end()) {
            hosts.push_back(std::move(host));
        }
    }
}

// Those of the new MX and then those of the old one.
std::vector<dns::HostAddresses> hosts_of(
    const dns::History& history, const dns::Expected& expected, const DnsPlan& plan, WallTime now
) {
    std::vector<std::string> hosts = expected.new_hosts;
    for (const std::string& host : expected.old_hosts) {
        if (std::ranges::find(hosts, host) == hosts.end()) {
            hosts.push_back(host);
        }
    }
    std::erase(hosts, ".");  // of a null MX
    dns::DeadlineOptions options;
    options.slack = plan.policy.slack;
    return dns::addresses_of(history, hosts, now, options);
}

// The rounds that count and as many again, for those in which nobody answered.
std::size_t rounds_kept(const DnsPlan& plan) {
    return std::size_t{2} * plan.policy.rounds + 2;
}

std::optional<WallTime> read_millis(std::string_view text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc{} ? std::optional{WallTime{std::chrono::milliseconds{number}}}
                                    : std::nullopt;
}

}  // namespace

DnsPlan make_dns_plan(
    const config::Config& config, const Domain& domain, std::chrono::milliseconds panel_near
) {
    DnsPlan plan;
    const config::Dns& dns = config.dns;
    const auto found = config.domains.find(domain);
    const config::DomainSettings settings =
        found == config.domains.end() ? config::DomainSettings{} : found->second;
    plan.new_hosts = config::new_mx_hosts(settings.mx, config.hostname);
    plan.old_hosts = settings.mx.old_hosts;
    plan.switch_at = settings.mx.switch_at;
    plan.straggler_source = source_of(settings.stragglers);
    plan.policy.slack = to_seconds(dns.slack);
    plan.policy.floor = to_seconds(dns.floor);
    plan.policy.allowance = to_seconds(dns.allowance);
    plan.policy.rounds = dns.rounds;
    plan.policy.coverage_min = dns.coverage_min;
    plan.policy.straggler_max = dns.straggler_max;
    plan.policy.operators_min = dns.operators_min;
    plan.pace.watch = dns.watch;
    plan.pace.watch_near = dns.watch_near;
    plan.pace.panel_near = panel_near;
    plan.has_panel = dns.panel;
    return plan;
}

void DnsDomain::resume(dns::History history, std::string_view kept) {
    history_ = std::move(history);
    std::istringstream lines{std::string{kept}};
    for (std::string line; std::getline(lines, line);) {
        const std::string_view rest =
            std::string_view{line}.substr(std::min<std::size_t>(2, line.size()));
        if (line.starts_with("U ")) {
            unreachable_at_ = read_millis(rest);
        } else if (line.starts_with("C ")) {
            caps_.resume(rest);
        } else if (line.starts_with("R ")) {
            if (const auto at = read_millis(rest)) {
                rounds_.emplace_back().at = *at;
            }
        } else if (line.starts_with("O ") && !rounds_.empty()) {
            const auto space = rest.find(' ');
            const auto state = dns::parse_state(rest.substr(0, space));
            if (state && space != std::string_view::npos) {
                dns::OperatorView& view = rounds_.back().operators.emplace_back();
                view.state = *state;
                view.name = rest.substr(space + 1);
            }
        }
    }
}

std::string DnsDomain::save() const {
    std::string text;
    if (unreachable_at_) {
        text += fmt::format("U {}\n", unreachable_at_->time_since_epoch().count());
    }
    for (const std::string& line : caps_.save()) {
        text += fmt::format("C {}\n", line);
    }
    for (const dns::PanelRound& round : rounds_) {
        text += fmt::format("R {}\n", round.at.time_since_epoch().count());
        for (const dns::OperatorView& view : round.operators) {
            text += fmt::format("O {} {}\n", dns::format_state(view.state), view.name);
        }
    }
    return text.size() > limits::value_octets_max ? std::string{} : text;
}

bool DnsDomain::on_look(Result<dns::AuthorityView> view, WallTime now) {
    last_look_ = now;
    if (view.has_error()) {
        error_ = view.error().context;
        unreachable_at_ = now;
        return false;
    }
    error_.clear();
    if (!is_heard(*view)) {
        unreachable_at_ = now;
    }
    const bool is_news = dns::note_all(history_, *view);
    view_ = std::move(*view);
    return is_news;
}

bool DnsDomain::on_names(const std::vector<dns::Served>& served) {
    bool is_news = false;
    for (const dns::Served& one : served) {
        is_news = history_.note(one) || is_news;
    }
    return is_news;
}

void DnsDomain::on_round(dns::PanelRound round, const DnsPlan& plan) {
    // Of the rounds in which nobody had a word only the newest stays: they must not push out those
    // that a verdict stands on.
    std::erase_if(rounds_, [](const dns::PanelRound& one) { return !dns::has_word(one); });
    rounds_.push_back(std::move(round));
    caps_.note(rounds_.back(), dns::served_now(history_, domain_.text()));
    while (rounds_.size() > rounds_kept(plan)) {
        rounds_.pop_front();
    }
}

// What is new is said; what is old is what was there first, so that a third thing is noticed.
dns::Expected DnsDomain::expected(const DnsPlan& plan) const {
    dns::Expected expected;
    expected.new_hosts = plan.new_hosts;
    expected.old_hosts = plan.old_hosts;
    if (!expected.old_hosts.empty()) {
        return expected;
    }
    for (const auto& [server, epochs] : history_.by_server(domain_.text(), mx_type)) {
        if (!server.empty()) {
            add_hosts(epochs.front(), expected.old_hosts);
        }
    }
    std::erase_if(expected.old_hosts, [&](const std::string& host) {
        return std::ranges::find(expected.new_hosts, host) != expected.new_hosts.end();
    });
    return expected;
}

std::optional<WallTime> DnsDomain::changed_at() const {
    std::optional<WallTime> newest;
    for (const auto& [server, epochs] : history_.by_server(domain_.text(), mx_type)) {
        for (std::size_t i = 1; i < epochs.size(); ++i) {
            if (epochs[i].data != epochs[i - 1].data) {
                newest = std::max(newest, std::optional{epochs[i].first});
            }
        }
    }
    return newest;
}

std::chrono::seconds DnsDomain::mx_ttl() const {
    seconds ttl{0};
    for (const auto& [server, epochs] : history_.by_server(domain_.text(), mx_type)) {
        ttl = std::max(ttl, epochs.back().ttl);
    }
    return ttl;
}

PanelTarget DnsDomain::panel_target(const DnsPlan& plan, WallTime now) const {
    PanelTarget target;
    target.expected = expected(plan);
    target.mx_ttl = mx_ttl();
    const dns::Judgement judgement = dns::judge(evidence(plan, now));
    if (judgement.mx) {
        target.left = std::chrono::floor<seconds>(judgement.mx->at - now);
    }
    return target;
}

dns::Evidence DnsDomain::evidence(const DnsPlan& plan, WallTime now) const {
    dns::Evidence evidence;
    evidence.domain = domain_.text();
    evidence.authority = view_;
    evidence.history = &history_;
    evidence.has_panel = plan.has_panel;
    evidence.rounds = {rounds_.begin(), rounds_.end()};
    evidence.expected = expected(plan);
    evidence.policy = plan.policy;
    evidence.switch_at = plan.switch_at;
    evidence.sts_problem = sts_problem_;
    evidence.now = now;
    return evidence;
}

dns::PaceFacts DnsDomain::pace(const DnsPlan& plan, const dns::Judgement& judgement, WallTime now)
    const {
    dns::PaceFacts facts;
    facts.now = now;
    facts.verdict = judgement.verdict;
    facts.switch_at = plan.switch_at;
    facts.changed_at = changed_at();
    facts.published_at = judgement.published_at;
    facts.mx_ttl = mx_ttl();
    facts.last_look = last_look_;
    if (judgement.mx) {
        facts.mx_deadline = judgement.mx->at;
    }
    if (!rounds_.empty()) {
        facts.last_round = rounds_.back().at;
    }
    return facts;
}

DomainDnsReport DnsDomain::report(const DnsPlan& plan, const SenderBook& book, WallTime now) const {
    dns::Evidence evidence = this->evidence(plan, now);
    // The deadlines come from the history alone; what senders and silence mean hangs on them.
    const dns::Judgement timing = dns::judge(evidence);
    if (timing.published_at && unreachable_at_) {
        evidence.was_unreachable = *unreachable_at_ >= *timing.published_at - mx_ttl() &&
                                   (!timing.mx || *unreachable_at_ <= timing.mx->at);
    }
    const dns::CoverageWindow window{timing.published_at.value_or(now), 2 * mx_ttl(), now};
    evidence.coverage = book.coverage(window);
    StragglerQuestion question;
    question.published_at = timing.published_at;
    question.now = now;
    question.has_source = !plan.straggler_source.empty();
    question.source = plan.straggler_source;
    if (timing.mx) {
        question.mx_deadline = timing.mx->at;
    }
    if (timing.hard) {
        question.hard_deadline = timing.hard->at;
    }
    evidence.stragglers = book.stragglers(question);

    DomainDnsReport report;
    report.domain = domain_.text();
    report.judgement = dns::judge(evidence);
    report.hosts = hosts_of(history_, evidence.expected, plan, now);
    report.expected = std::move(evidence.expected);
    report.switch_at = plan.switch_at;
    report.authority = view_;
    report.has_panel = plan.has_panel;
    if (!rounds_.empty()) {
        report.panel = rounds_.back();
        for (dns::OperatorView& view : report.panel->operators) {
            view.cap = caps_.cap_of(view.name);
        }
    }
    const dns::PaceFacts facts = pace(plan, report.judgement, now);
    report.permit = dns::permit_panel(facts, plan.pace);
    report.next_at = dns::next_look(facts, plan.pace);
    report.coverage = std::move(evidence.coverage);
    report.stragglers = std::move(evidence.stragglers);
    report.newest_stragglers = book.recent_stragglers(question, stragglers_shown);
    report.history = history_.epochs();
    report.watched_at = last_look_;
    report.error = error_;
    return report;
}

std::string server_state(const DomainDnsReport& report, const dns::ServerView& server) {
    if (!server.is_reachable()) {
        return "unreachable";
    }
    if (server.is_lame()) {
        return "lame";
    }
    return std::string{dns::format_state(dns::judge(server.mx, report.expected))};
}

}  // namespace siding::cutover
