#include "cli/commands.hpp"
#include "cli/dns_printer.hpp"
#include "cli/run_to_end.hpp"
#include "config/load.hpp"
#include "control/json.hpp"
#include "control/render_dns.hpp"
#include "cutover/dns_names.hpp"
#include "cutover/dns_watch.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace siding::cli {
namespace {

namespace json = boost::json;

// What the flags say goes before what the file says.
Result<config::Config> make_config(const ProbeDns& action) {
    config::Config config;
    if (action.config) {
        auto loaded = config::load_file(action.config->string());
        if (loaded.has_error()) {
            return Error{Errc::invalid_argument, loaded.error().list.front().text()};
        }
        config = std::move(*loaded);
    }
    config::DomainSettings& settings = config.domains[action.domain];
    if (!action.new_hosts.empty()) {
        settings.mx.new_hosts = action.new_hosts;
    }
    if (!action.old_hosts.empty()) {
        settings.mx.old_hosts = action.old_hosts;
    }
    config.dns.samples = action.samples.value_or(config.dns.samples);
    if (!action.panel.empty()) {
        config.dns.panel = action.panel != "off";
        config.dns.panel_file.reset();
    }
    if (action.panel.find('/') != std::string::npos ||
        (!action.panel.empty() && std::filesystem::exists(action.panel))) {
        config.dns.panel_file = action.panel;
    }
    return config;
}

Result<std::vector<dns::PanelOperator>> make_panel(const ProbeDns& action, const config::Dns& dns) {
    const std::string& word = action.panel;
    if (word == "system") {
        return dns::system_panel();
    }
    if (!word.empty() && word != "default" && word != "off" && !dns.panel_file) {
        return Error{
            Errc::invalid_argument,
            "--panel takes default, off, system or a file; there is no file " + word};
    }
    return cutover::read_panel(dns);
}

struct Probe {
    const ProbeDns& action;
    const config::Config& config;
    const std::vector<dns::PanelOperator>& panel;
    const Clock& clock;
};

// Who says no new hosts wants to know whether the world sees what the servers serve.
void take_served_as_new(cutover::DnsPlan& plan, const dns::AuthorityView& view) {
    if (const auto served = view.mx()) {
        plan.new_hosts = dns::hosts_of(*served);
        std::erase_if(plan.new_hosts, [&](const std::string& host) {
            return std::ranges::find(plan.old_hosts, host) != plan.old_hosts.end();
        });
    }
}

// What hangs on the hosts and the policy.
net::awaitable<void> look_at_names(
    const Probe& probe,
    cutover::DnsDomain& state,
    const cutover::DnsPlan& plan,
    dns::Prober& prober,
    std::shared_ptr<dns::Authority> authority
) {
    // The command's thread may block.
    const auto executor = co_await net::asio::this_coro::executor;
    cutover::DnsNames names{prober, executor};
    const Domain& domain = probe.action.domain;
    const dns::Expected expected = state.panel_target(plan, probe.clock.now()).expected;
    std::vector<std::string> hosts = expected.new_hosts;
    hosts.insert(hosts.end(), expected.old_hosts.begin(), expected.old_hosts.end());
    const auto served = co_await names.look(
        std::move(authority), domain, std::move(hosts), std::chrono::minutes{1}
    );
    state.on_names(served);
    if (names.take_turn(domain, state.history())) {
        cutover::FetchedPolicy fetched = co_await names.fetch(domain, probe.config.dns);
        if (fetched.policy) {
            state.on_names({*fetched.policy});
        }
        state.on_policy_problem(std::move(fetched.problem));
    }
}

net::awaitable<Result<cutover::DomainDnsReport>> look(const Probe& probe) {
    const auto executor = co_await net::asio::this_coro::executor;
    const config::Dns& dns = probe.config.dns;
    const Domain& domain = probe.action.domain;
    dns::Prober prober{executor, probe.clock};
    dns::Resolver resolver{executor, cutover::resolver_options(dns)};
    const auto authority =
        std::make_shared<dns::Authority>(prober, resolver, cutover::roots_of(dns));
    cutover::DnsDomain state{domain};
    auto view = co_await authority->look(domain.text());
    SIDING_CO_TRY(view);

    cutover::DnsPlan plan = cutover::make_dns_plan(probe.config, domain, std::chrono::minutes{1});
    plan.has_panel = !probe.panel.empty();
    plan.policy.rounds = 1;  // there is only one
    const bool knows_new = !probe.action.new_hosts.empty() || probe.action.config;
    if (!knows_new) {
        take_served_as_new(plan, *view);
    }
    state.on_look(std::move(view), probe.clock.now());
    co_await look_at_names(probe, state, plan, prober, authority);
    if (plan.has_panel) {
        const cutover::PanelTarget target = state.panel_target(plan, probe.clock.now());
        dns::PanelRound round = co_await dns::run_round(
            prober,
            probe.panel,
            domain.text(),
            target.expected,
            dns.samples,
            target.mx_ttl,
            target.left
        );
        state.on_round(std::move(round), plan);
    }
    const cutover::SenderBook nobody{domain};
    co_return state.report(plan, nobody, probe.clock.now());
}

// Whether there is such a zone, and somebody who speaks for it.
bool has_answer(const cutover::DomainDnsReport& report) {
    if (!report.authority) {
        return false;
    }
    const dns::AuthorityView& view = *report.authority;
    const bool has_zone = std::ranges::none_of(view.problems, [](const auto& problem) {
        return problem.kind == dns::AuthorityProblem::Kind::no_zone;
    });
    return has_zone && std::ranges::any_of(view.servers, [](const dns::ServerView& server) {
               return server.is_heard();
           });
}

}  // namespace

Result<Exit> run(const ProbeDns& action, Context& context) {
    SIDING_ASSIGN(const config::Config config, make_config(action));
    SIDING_ASSIGN(const auto panel, make_panel(action, config.dns));
    const Probe probe{action, config, panel, context.clock};
    net::asio::io_context io{1};
    SIDING_ASSIGN(const cutover::DomainDnsReport report, run_to_end(io, look(probe)));
    const json::object document = control::dns_json(report);
    if (context.json) {
        const json::object all{
            {"now", control::json_time(context.clock.now())}, {"domains", json::array{document}}};
        context.terminal.out << json::serialize(all) << "\n";
    } else {
        print_dns_domain(document, context.clock.now(), context.terminal);
    }
    return has_answer(report) ? Exit::done : Exit::no;
}

}  // namespace siding::cli
