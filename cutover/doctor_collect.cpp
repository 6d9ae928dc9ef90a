#include "cutover/doctor_collect.hpp"

#include "cutover/recursive_lookup.hpp"
#include "net/resolve.hpp"
#include "net/task_group.hpp"

#include <algorithm>
#include <utility>

namespace siding::cutover {
namespace {

constexpr std::size_t tasks_max = 1024;
constexpr std::size_t addresses_max = 8;  // of one host
constexpr std::size_t server_mx_hosts_max = 4;

// Ends what is not done in time.
net::awaitable<void> finish(net::TaskGroup& tasks, std::chrono::milliseconds timeout) {
    auto in_time = co_await tasks.join(timeout);
    if (in_time.has_error()) {
        tasks.abort();
        co_await tasks.join();
    }
}

// --- the zone -----------------------------------------------------------------------------------

net::awaitable<void> look_at_zone(DoctorFacts& facts) {
    auto looked = co_await facts.authority.look(facts.domain);
    if (looked.has_error()) {
        facts.no_view = looked.error().message();
    } else {
        facts.view = std::move(*looked);
    }
}

struct Served {
    std::vector<dns::Mx> mx;
    bool is_known = false;
};

net::awaitable<void> ask_for_mx(const DoctorFacts& facts, Served& served) {
    auto found = co_await facts.lookup.records(facts.domain, dns::RecordType::mx);
    if (found.has_value()) {
        served.is_known = true;
        for (const dns::ResourceRecord& record : *found) {
            served.mx.push_back(*record.as<dns::Mx>());
        }
    }
}

void take_mx(DoctorFacts& facts, const Served& by_resolver) {
    bool is_heard = false;
    if (facts.view) {
        for (const dns::ServerView& server : facts.view->servers) {
            if (!server.is_heard()) {
                continue;
            }
            is_heard = true;
            for (const auto& record :
                 dns::find(server.mx.response, facts.domain, dns::RecordType::mx)) {
                facts.mx.push_back(*record.as<dns::Mx>());
            }
        }
    }
    facts.mx_known = is_heard || by_resolver.is_known;
    if (!is_heard) {
        facts.mx = by_resolver.mx;
    }
    std::ranges::sort(facts.mx);
    const auto doubles = std::ranges::unique(facts.mx);
    facts.mx.erase(doubles.begin(), doubles.end());
}

// --- which hosts --------------------------------------------------------------------------------

HostView& host_at(DoctorFacts& facts, const std::string& name, std::uint16_t port) {
    const auto found = std::ranges::find_if(facts.hosts, [&](const HostView& host) {
        return host.name == name && host.port == port;
    });
    if (found != facts.hosts.end()) {
        return *found;
    }
    HostView host;
    host.name = name;
    host.port = port;
    return facts.hosts.emplace_back(std::move(host));
}

void take_mx_hosts(DoctorFacts& facts) {
    const std::uint16_t port = facts.options.smtp_port;
    for (const dns::Mx& record : facts.mx) {
        if (!record.host.empty()) {  // RFC 7505: the null MX
            HostView& host = host_at(facts, record.host, port);
            host.is_mx = true;
            host.preference = record.preference;
        }
    }
    if (facts.settings == nullptr) {
        return;
    }
    facts.new_hosts = config::new_mx_hosts(facts.settings->mx, facts.config->hostname);
    facts.old_hosts = facts.settings->mx.old_hosts;
    if (facts.old_hosts.empty()) {
        for (const dns::Mx& record : facts.mx) {
            if (!record.host.empty() &&
                std::ranges::find(facts.new_hosts, record.host) == facts.new_hosts.end()) {
                facts.old_hosts.push_back(record.host);
            }
        }
    }
    for (const std::string& name : facts.new_hosts) {
        host_at(facts, name, port).is_hold = true;
    }
    for (const std::string& name : facts.old_hosts) {
        host_at(facts, name, port).is_old_mx = true;
    }
}

std::vector<std::string> servers_in_use(const DoctorFacts& facts) {
    std::vector<std::string> names{"old", "new"};
    if (facts.settings != nullptr) {
        names.push_back(facts.settings->copy);
        const auto& asked = facts.settings->recipients.verify;
        names.insert(names.end(), asked.begin(), asked.end());
    }
    std::ranges::sort(names);
    const auto doubles = std::ranges::unique(names);
    names.erase(doubles.begin(), doubles.end());
    return names;
}

void take_server_host(
    DoctorFacts& facts, const std::string& server, const std::string& name, std::uint16_t port
) {
    HostView& host = host_at(facts, dns::plain_name(name), port);
    if (host.server.empty()) {
        host.server = server;
    }
}

net::awaitable<void> take_servers(DoctorFacts& facts) {
    if (facts.config == nullptr) {
        co_return;
    }
    for (const std::string& name : servers_in_use(facts)) {
        const auto found = facts.config->servers.find(name);
        if (found == facts.config->servers.end()) {
            continue;
        }
        const config::Server& server = found->second;
        if (!server.mx) {
            take_server_host(facts, name, server.address.host, server.address.port);
        } else {
            auto asked = co_await facts.lookup.records(server.address.host, dns::RecordType::mx);
            std::vector<dns::Mx> records;
            for (std::size_t i = 0; asked.has_value() && i < asked->size(); ++i) {
                records.push_back(*(*asked)[i].as<dns::Mx>());
            }
            std::ranges::sort(records);
            records.resize(std::min(records.size(), server_mx_hosts_max));
            for (const dns::Mx& record : records) {
                take_server_host(facts, name, record.host, server.address.port);
            }
        }
        for (const config::Endpoint& other : server.fallback) {
            take_server_host(facts, name, other.host, other.port);
        }
    }
}

// --- one host -----------------------------------------------------------------------------------

net::awaitable<void> ask_for_addresses(
    const DoctorFacts& facts, HostView& host, dns::RecordType type
) {
    auto answered = co_await facts.lookup.ask(host.name, type);
    if (answered.has_error() || answered->rcode != dns::rcode::no_error) {
        host.problem = answered.has_error() ? answered.error().message()
                                            : host.name + ": the resolver says " +
                                                  dns::format_rcode(answered->rcode);
        co_return;
    }
    const std::string owner = dns::follow_aliases(*answered, host.name);
    if (owner != host.name) {
        host.alias_of = owner;
    }
    for (const dns::ResourceRecord& record : dns::find(*answered, owner, type)) {
        host.addresses.push_back(*record.as<dns::Address>());
        host.address_ttl = std::min(host.address_ttl.value_or(record.ttl), record.ttl);
    }
}

net::awaitable<void> find_addresses(const DoctorFacts& facts, HostView& host) {
    const net::HostPort target{host.name, host.port};
    host.problem.clear();
    if (!target.is_literal()) {
        co_await ask_for_addresses(facts, host, dns::RecordType::a);
        co_await ask_for_addresses(facts, host, dns::RecordType::aaaa);
    }
    const bool is_by_system =
        target.is_literal() || (host.addresses.empty() && !host.server.empty());
    if (is_by_system) {  // as sidingd does: /etc/hosts counts
        auto resolved = co_await net::resolve(target, std::chrono::seconds{3});
        for (std::size_t i = 0; resolved.has_value() && i < resolved->size(); ++i) {
            host.addresses.push_back({(*resolved)[i].family, (*resolved)[i].address});
        }
    }
    if (!host.addresses.empty()) {
        host.problem.clear();
    } else if (host.problem.empty()) {
        host.problem = host.name + " has no address";
    }
}

net::awaitable<void> look_at_address(
    const DoctorFacts& facts, const HostView& host, SmtpView& view
) {
    SmtpProbeOptions options = probe_options(facts, host);
    net::Endpoint address = view.address;
    view = co_await look_at_smtp(std::move(address), std::move(options));
}

net::awaitable<void> look_at_host(DoctorFacts& facts, HostView& host, net::TaskGroup& tasks) {
    co_await find_addresses(facts, host);
    const std::size_t count = std::min(host.addresses.size(), addresses_max);
    host.sessions.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        SmtpView& view = host.sessions[i];
        view.address = {host.addresses[i].family, host.addresses[i].text, host.port};
        view.reach = SmtpView::Reach::timed_out;
        view.problem = "no answer in time";
        auto admitted = tasks.spawn(look_at_address(facts, host, view));
        if (admitted.has_error()) {
            view.problem = admitted.error().message();
        }
    }
}

}  // namespace

SmtpProbeOptions probe_options(const DoctorFacts& facts, const HostView& host) {
    SmtpProbeOptions options;
    options.name = host.name;
    if (facts.config == nullptr) {
        return options;
    }
    options.hello = facts.config->hostname;
    const auto found = facts.config->servers.find(host.server);
    if (found != facts.config->servers.end()) {
        options.name = found->second.tls_name.value_or(host.name);
        options.source_addresses = found->second.source;
        options.says_proxy = found->second.proxy_protocol;
    }
    return options;
}

net::awaitable<void> collect_facts(DoctorFacts& facts) {
    const auto executor = co_await net::asio::this_coro::executor;
    if (facts.config != nullptr) {
        for (const auto& [domain, settings] : facts.config->domains) {
            if (domain.text() == facts.domain) {
                facts.settings = &settings;
            }
        }
    }
    facts.no_view = "the authoritative servers did not answer in time";
    Served by_resolver;
    net::TaskGroup zone{executor, "doctor zone", tasks_max};
    auto looking = zone.spawn(look_at_zone(facts));
    auto asking = zone.spawn(ask_for_mx(facts, by_resolver));
    static_cast<void>(looking);
    static_cast<void>(asking);
    co_await finish(zone, facts.options.facts_timeout);
    take_mx(facts, by_resolver);
    take_mx_hosts(facts);
    co_await take_servers(facts);
    net::TaskGroup hosts{executor, "doctor hosts", tasks_max};
    for (HostView& host : facts.hosts) {
        host.problem = "its addresses did not come in time";
        auto admitted = hosts.spawn(look_at_host(facts, host, hosts));
        static_cast<void>(admitted);
    }
    co_await finish(hosts, facts.options.facts_timeout);
}

}  // namespace siding::cutover
