#include "control/render_dns.hpp"

#include "control/json.hpp"
#include "dns/observed.hpp"
#include "dns/record.hpp"

#include <boost/json/value.hpp>

#include <algorithm>

namespace siding::control {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& all) {
    json::array out;
    for (const std::string& each : all) {
        out.push_back(json_text(each));
    }
    return out;
}

json::value deadline_json(const std::optional<dns::Deadline>& deadline) {
    if (!deadline) {
        return nullptr;
    }
    return json::object{{"at", json_time(deadline->at)}, {"why", json_text(deadline->why)}};
}

json::array gates_json(const std::vector<dns::Gate>& gates) {
    json::array out;
    for (const dns::Gate& gate : gates) {
        out.push_back(json::object{
            {"name", gate.name},
            {"passed", gate.passed},
            {"asked", gate.asked},
            {"reason", json_text(gate.reason)},
        });
    }
    return out;
}

json::object mx_json(const cutover::DomainDnsReport& report) {
    json::value served = nullptr;
    if (report.authority) {
        if (const auto mx = report.authority->mx()) {
            served = texts(mx->data);
        }
    }
    return {
        {"new", texts(report.expected.new_hosts)},
        {"old", texts(report.expected.old_hosts)},
        {"served", std::move(served)},
    };
}

json::array hosts_json(const cutover::DomainDnsReport& report) {
    json::array out;
    for (const dns::HostAddresses& host : report.hosts) {
        const auto& fresh = report.expected.new_hosts;
        const bool is_new = std::ranges::find(fresh, host.host) != fresh.end();
        out.push_back(json::object{
            {"name", json_text(host.host)},
            {"new", is_new},
            {"addresses", texts(host.addresses)},
            {"gone", texts(host.gone)},
            {"rotates", host.rotates},
            {"changed_at", json_time(host.changed_at)},
            {"old_until", deadline_json(host.old_until)},
        });
    }
    return out;
}

std::string problem_of(const dns::AuthorityView& view, const dns::ServerView& server) {
    const std::string name = server.text();
    const auto found = std::ranges::find(view.problems, name, &dns::AuthorityProblem::server);
    return found == view.problems.end() ? std::string{} : found->text;
}

json::object server_json(
    const cutover::DomainDnsReport& report,
    const dns::AuthorityView& view,
    const dns::ServerView& server
) {
    const dns::RrSet mx = view.mx_of(server);
    const auto serial = server.serial();
    return {
        {"name", json_text(server.name)},
        {"address", json_text(server.address.text())},
        {"state", cutover::server_state(report, server)},
        {"mx", texts(mx.data)},
        {"ttl", mx.ttl.count()},
        {"serial", serial ? json::value(*serial) : json::value(nullptr)},
        {"rtt_ms", server.mx.rtt.count()},
        {"problem", json_text(problem_of(view, server))},
    };
}

json::value authority_json(const cutover::DomainDnsReport& report) {
    if (!report.authority) {
        return nullptr;
    }
    const dns::AuthorityView& view = *report.authority;
    json::array servers;
    for (const dns::ServerView& server : view.servers) {
        servers.push_back(server_json(report, view, server));
    }
    json::array problems;
    for (const dns::AuthorityProblem& problem : view.problems) {
        problems.push_back(json::object{
            {"kind", dns::format_kind(problem.kind)},
            {"server", json_text(problem.server)},
            {"text", json_text(problem.text)},
        });
    }
    return json::object{
        {"at", json_time(view.at)},
        {"zone", json_text(view.zone)},
        {"servers", std::move(servers)},
        {"problems", std::move(problems)},
    };
}

json::object sample_json(const dns::SampleView& sample) {
    return {
        {"address", json_text(sample.address.text())},
        {"state", dns::format_state(sample.state)},
        {"mx", texts(sample.mx)},
        {"ttl_left", sample.ttl_left.count()},
        {"age", sample.age ? json::value(sample.age->count()) : json::value(nullptr)},
        {"rtt_ms", sample.rtt.count()},
        {"nsid", json_text(sample.nsid)},
        {"error", json_text(sample.error)},
        {"authenticated", sample.authenticated},
        {"floor", sample.floor},
        {"extends", sample.extends},
        {"stale", sample.stale},
    };
}

json::object panel_json(const cutover::DomainDnsReport& report) {
    json::array operators;
    if (report.panel) {
        for (const dns::OperatorView& view : report.panel->operators) {
            json::array samples;
            for (const dns::SampleView& sample : view.samples) {
                samples.push_back(sample_json(sample));
            }
            operators.push_back(json::object{
                {"name", json_text(view.name)},
                {"system", view.is_system},
                {"state", dns::format_state(view.state)},
                {"old_for_at_most", view.old_for_at_most.count()},
                {"cap", view.cap ? json::value(view.cap->count()) : json::value(nullptr)},
                {"samples", std::move(samples)},
            });
        }
    }
    return {
        {"at", report.panel ? json_time(report.panel->at) : json::value(nullptr)},
        {"enabled", report.has_panel},
        {"allowed", report.has_panel && report.permit.allowed},
        {"why_not", json_text(report.permit.reason)},
        {"operators", std::move(operators)},
    };
}

json::object coverage_json(const dns::Coverage& coverage) {
    json::array missing;
    for (const dns::Provider& provider : coverage.missing) {
        missing.push_back(json::object{
            {"name", json_text(provider.name)},
            {"share", provider.share},
            {"at_old", provider.at_old},
        });
    }
    return {
        {"share", coverage.share},
        {"baseline_messages", coverage.baseline_messages},
        {"providers", coverage.providers},
        {"providers_covered", coverage.providers_covered},
        {"missing", std::move(missing)},
    };
}

json::object straggler_json(const cutover::Straggler& straggler) {
    return {
        {"at", json_time(straggler.at)},
        {"provider", json_text(straggler.provider)},
        {"client_address", json_text(straggler.client_address)},
        {"client_name", json_text(straggler.client_name)},
        {"sender", json_text(straggler.sender)},
        {"class", dns::format_straggler_class(straggler.kind)},
        {"advice", dns::straggler_advice(straggler.kind)},
    };
}

json::object stragglers_json(const cutover::DomainDnsReport& report) {
    const dns::StragglerCount& count = report.stragglers;
    json::object classes;
    for (std::size_t i = 0; i < count.classes.size(); ++i) {
        classes[dns::format_straggler_class(static_cast<dns::StragglerClass>(i))] =
            count.classes.at(i);
    }
    json::array newest;
    for (const cutover::Straggler& straggler : report.newest_stragglers) {
        newest.push_back(straggler_json(straggler));
    }
    return {
        {"counted", count.has_source},
        {"source", json_text(count.source)},
        {"since", count.has_source ? json_time(count.since) : json::value(nullptr)},
        {"count", count.count},
        {"expected", count.expected},
        {"bound", count.has_source ? json::value(count.bound()) : json::value(nullptr)},
        {"last_at", json_time(count.last_at)},
        {"classes", std::move(classes)},
        {"newest", std::move(newest)},
    };
}

json::array history_json(const std::vector<dns::Epoch>& epochs) {
    json::array out;
    for (const dns::Epoch& epoch : epochs) {
        out.push_back(json::object{
            {"server", json_text(epoch.server)},
            {"name", json_text(epoch.name)},
            {"type",
             epoch.type == dns::policy_type ? std::string{"POLICY"} : dns::format_type(epoch.type)},
            {"data", json_text(epoch.data)},
            {"ttl", epoch.ttl.count()},
            {"serial", epoch.serial},
            {"first", json_time(epoch.first)},
            {"last", json_time(epoch.last)},
        });
    }
    return out;
}

}  // namespace

json::object dns_json(const cutover::DomainDnsReport& report) {
    const dns::Judgement& judgement = report.judgement;
    return {
        {"domain", json_text(report.domain)},
        {"verdict", dns::format_verdict(judgement.verdict)},
        {"reason", json_text(judgement.reason)},
        {"expected_at", json_time(judgement.expected_at)},
        {"published_at", json_time(judgement.published_at)},
        {"switch_at", json_time(report.switch_at)},
        {"gates", gates_json(judgement.gates)},
        {"mx", mx_json(report)},
        {"deadline", deadline_json(judgement.mx)},
        {"hard_deadline", deadline_json(judgement.hard)},
        {"hosts", hosts_json(report)},
        {"authority", authority_json(report)},
        {"panel", panel_json(report)},
        {"coverage", coverage_json(report.coverage)},
        {"stragglers", stragglers_json(report)},
        {"history", history_json(report.history)},
        {"unplanned",
         judgement.unplanned ? json_text(judgement.unplanned_text) : json::value(nullptr)},
        {"watched_at", json_time(report.watched_at)},
        {"next_at", json_time(report.next_at)},
        {"error", json_text(report.error)},
    };
}

}  // namespace siding::control
