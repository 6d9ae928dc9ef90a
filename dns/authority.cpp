#include "dns/authority.hpp"

#include "base/bytes.hpp"
#include "dns/authority_problems.hpp"
#include "dns/delegations.hpp"
#include "dns/query.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace siding::dns {
namespace {

using net::awaitable;
using std::chrono::seconds;
using Addresses = std::vector<net::HostPort>;

constexpr auto silence = std::chrono::minutes{1};
constexpr std::size_t silent_max = 1000;
constexpr std::size_t servers_max = 64;  // addresses; the largest zones have 26

Ask ask_by(Transport transport) {
    Ask how;
    how.transport = transport;
    how.timeout = std::chrono::milliseconds{2500};  // a server that takes 2 s is slow, not dead
    how.tries = 2;
    return how;
}

// The four questions to each server that has not been asked.
awaitable<void> ask_servers(Prober& prober, AuthorityView& view, std::size_t first) {
    std::vector<Order> orders;
    for (std::size_t at = first; at < view.servers.size(); ++at) {
        const net::HostPort& address = view.servers[at].address;
        const Ask any = ask_by(Transport::udp_then_tcp);
        orders.emplace_back(address, Question{view.domain, RecordType::mx}, any);
        orders.emplace_back(address, Question{view.domain, RecordType::mx}, ask_by(Transport::tcp));
        orders.emplace_back(address, Question{view.zone, RecordType::soa}, any);
        orders.emplace_back(address, Question{view.zone, RecordType::ns}, any);
    }
    auto samples = co_await prober.ask_all(std::move(orders));
    for (std::size_t at = first; at < view.servers.size(); ++at) {
        ServerView& server = view.servers[at];
        const std::size_t own = 4 * (at - first);
        server.mx = std::move(samples[own]);
        server.mx_tcp = std::move(samples[own + 1]);
        server.soa = std::move(samples[own + 2]);
        server.ns = std::move(samples[own + 3]);
    }
}

void add_server(
    AuthorityView& view, const std::string& name, const Addresses& addresses, bool in_parent
) {
    for (const net::HostPort& address : addresses) {
        const auto is_it = [&](const ServerView& server) {
            return server.name == name && server.address == address;
        };
        if (view.servers.size() >= servers_max || std::ranges::any_of(view.servers, is_it)) {
            continue;
        }
        ServerView server;
        server.name = name;
        server.address = address;
        server.in_parent = in_parent;
        view.servers.push_back(std::move(server));
    }
}

bool has_word(const ServerView& server) {
    return !server.is_lame() && server.ns.is_answered() && server.ns.response.authoritative;
}

// Names of servers by the zone itself.
std::set<std::string> names_in_child(const AuthorityView& view) {
    std::set<std::string> names;
    for (const ServerView& server : view.servers) {
        if (has_word(server)) {
            const RrSet set = rrset_of(server.ns.response, view.zone, RecordType::ns);
            names.insert(set.data.begin(), set.data.end());
        }
    }
    return names;
}

void note_child(AuthorityView& view) {
    const std::set<std::string> names = names_in_child(view);
    for (ServerView& server : view.servers) {
        server.in_child = names.contains(server.name);
        if (has_word(server)) {
            const RrSet set = rrset_of(server.ns.response, view.zone, RecordType::ns);
            view.child_ns_ttl = std::max(view.child_ns_ttl, set.ttl);
        }
        for (const ResourceRecord& record : server.soa.response.answers) {
            if (const Soa* const soa = record.as<Soa>()) {
                view.negative_ttl = std::max(view.negative_ttl, std::min(record.ttl, soa->minimum));
            }
        }
    }
}

bool has_server(const AuthorityView& view, const std::string& name) {
    return std::ranges::find(view.servers, name, &ServerView::name) != view.servers.end();
}

// Where the zone itself has its servers, by the first of them that can be heard.
awaitable<std::map<std::string, Addresses>> ask_own_addresses(
    Prober& prober, const AuthorityView& view, const std::set<std::string>& names
) {
    std::map<std::string, Addresses> found;
    const auto first = std::ranges::find_if(view.servers, &ServerView::is_heard);
    if (first == view.servers.end()) {
        co_return found;
    }
    std::vector<Order> orders;
    for (const std::string& name : names) {
        if (is_at_or_below(name, view.zone)) {
            const Ask how = ask_by(Transport::udp_then_tcp);
            orders.emplace_back(first->address, Question{name, RecordType::a}, how);
            orders.emplace_back(first->address, Question{name, RecordType::aaaa}, how);
        }
    }
    const auto samples = co_await prober.ask_all(std::move(orders));
    for (const Sample& sample : samples) {
        if (!sample.response.authoritative) {
            continue;  // a zone of its own
        }
        for (const ResourceRecord& record : sample.response.answers) {
            const Address* const address = record.as<Address>();
            if (address != nullptr && record.owner == sample.question.name) {
                found[record.owner].emplace_back(address->text, first->address.port);
            }
        }
    }
    co_return found;
}

std::string texts_of(Addresses addresses) {
    std::ranges::sort(addresses, {}, &net::HostPort::host);
    std::string out;
    for (const net::HostPort& address : addresses) {
        out += (out.empty() ? "" : ", ") + address.host;
    }
    return out;
}

AuthorityProblem missing_address(const AuthorityView& view, const std::string& name) {
    return {
        AuthorityProblem::Kind::missing_address,
        name,
        name + ", a name server of " + view.zone + ", has no address"};
}

AuthorityProblem no_zone(const AuthorityView& view) {
    return {
        AuthorityProblem::Kind::no_zone,
        "",
        view.domain + " does not exist: the servers of " +
            (view.zone.empty() ? "the root" : view.zone) + " say NXDOMAIN"};
}

// By every server that can be heard.
bool is_name_unknown(const AuthorityView& view) {
    std::size_t heard = 0;
    for (const ServerView& server : view.servers) {
        if (server.is_heard()) {
            ++heard;
            const Sample& sample = server.mx.is_answered() ? server.mx : server.mx_tcp;
            if (sample.response.rcode != rcode::no_such_name) {
                return false;
            }
        }
    }
    return heard > 0;
}

}  // namespace

Authority::Authority(Prober& prober, Resolver& resolver, Roots roots)
    : prober_{prober},
      delegations_{std::make_unique<Delegations>(prober, resolver, std::move(roots))} {}

Authority::~Authority() = default;

awaitable<Result<AuthorityView>> Authority::look(std::string domain) {
    AuthorityView view;
    view.domain = plain_name(domain);
    const Question question{view.domain, RecordType::mx};
    if (view.domain.empty() || !make_query(0, question, {})) {
        co_return Error{Errc::invalid_argument, "\"" + escape(domain) + "\" is no name in DNS"};
    }
    Budget budget;
    SIDING_CO_ASSIGN(const Cut cut, co_await delegations_->find(view.domain, budget));
    view.zone = cut.zone;
    view.parent = cut.parent;
    view.delegation = cut.ns;
    view.delegation_ds = cut.ds;
    // Servers of the root and of top-level domains know nothing of anybody's mail.
    const bool is_above_all = cut.zone.find('.') == std::string::npos && cut.zone != view.domain;
    if (cut.lacks_name && is_above_all) {
        view.problems.push_back(no_zone(view));
        view.at = prober_.clock().now();
        co_return view;
    }
    std::vector<AuthorityProblem> problems;
    for (const std::string& name : cut.ns.data) {
        const auto addresses = co_await delegations_->addresses_of(name, cut, budget);
        add_server(view, name, addresses, true);
        if (addresses.empty()) {
            problems.push_back(missing_address(view, name));
        }
    }
    co_await ask_servers(prober_, view, 0);

    const std::set<std::string> names = names_in_child(view);
    const auto own = co_await ask_own_addresses(prober_, view, names);
    const std::size_t asked = view.servers.size();
    for (const std::string& name : names) {
        const bool in_parent = std::ranges::find(cut.ns.data, name) != cut.ns.data.end();
        const auto at = own.find(name);
        const auto glue = cut.glue.find(name);
        if (at != own.end()) {
            if (glue != cut.glue.end() && texts_of(glue->second) != texts_of(at->second)) {
                problems.push_back(
                    {AuthorityProblem::Kind::delegation_differs,
                     name,
                     "glue: the parent of " + view.zone + " has " + name + " at " +
                         texts_of(glue->second) + ", the zone itself at " + texts_of(at->second)}
                );
            }
            add_server(view, name, at->second, in_parent);
        } else if (!in_parent) {
            const auto addresses = co_await delegations_->addresses_of(name, cut, budget);
            add_server(view, name, addresses, false);
        }
        if (!in_parent && !has_server(view, name)) {
            problems.push_back(missing_address(view, name));
        }
    }
    co_await ask_servers(prober_, view, asked);
    note_child(view);
    view.at = prober_.clock().now();
    if (is_name_unknown(view)) {
        problems.push_back(no_zone(view));
    }
    view.problems = find_problems(view);
    view.problems.insert(view.problems.begin(), problems.begin(), problems.end());
    co_return view;
}

awaitable<std::vector<std::pair<net::HostPort, Sample>>> Authority::ask_everywhere(
    const AuthorityView& view, Question question
) {
    std::vector<Order> orders;
    std::set<std::string> seen;
    for (const ServerView& server : view.servers) {
        const bool is_of_use = !server.is_lame() && !(server.mx.has_no_route);
        if (is_of_use && seen.insert(server.address.text()).second) {
            orders.emplace_back(server.address, question, ask_by(Transport::udp_then_tcp));
        }
    }
    auto samples = co_await prober_.ask_all(std::move(orders));
    std::vector<std::pair<net::HostPort, Sample>> answers;
    answers.reserve(samples.size());
    for (Sample& sample : samples) {
        const net::HostPort server = sample.server;
        answers.emplace_back(server, std::move(sample));
    }
    co_return answers;
}

awaitable<Result<std::vector<ServerWord>>> Authority::ask_zone_of(
    std::string name, std::vector<Question> questions
) {
    Budget budget;
    auto found = co_await delegations_->find(plain_name(name), budget);
    SIDING_CO_ASSIGN(const Cut cut, std::move(found));
    std::vector<ServerWord> words;
    if (cut.lacks_name) {
        co_return words;
    }
    std::vector<Order> orders;
    for (const std::string& server : cut.ns.data) {
        const auto addresses = co_await delegations_->addresses_of(server, cut, budget);
        for (const net::HostPort& address : addresses) {
            const auto silent = silent_since_.find(address.text());
            if (silent != silent_since_.end() && prober_.clock().now() - silent->second < silence) {
                continue;
            }
            ServerView view;
            view.name = server;
            view.address = address;
            for (const Question& question : questions) {
                Ask how = ask_by(Transport::udp_then_tcp);
                how.tries = 1;
                orders.emplace_back(address, question, how);
                words.emplace_back().server = view.text();
            }
        }
        if (words.size() >= servers_max * questions.size()) {
            break;
        }
    }
    auto samples = co_await prober_.ask_all(std::move(orders));
    if (silent_since_.size() > silent_max) {
        silent_since_.clear();
    }
    for (std::size_t at = 0; at < words.size(); ++at) {
        words[at].sample = std::move(samples[at]);
        if (!words[at].sample.is_answered()) {
            silent_since_[words[at].sample.server.text()] = prober_.clock().now();
        }
    }
    for (const ServerWord& word : words) {
        if (word.sample.is_answered()) {
            silent_since_.erase(word.sample.server.text());
        }
    }
    co_return words;
}

}  // namespace siding::dns
