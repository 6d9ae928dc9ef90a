#include "dns/authority_problems.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace siding::dns {
namespace {

using Kind = AuthorityProblem::Kind;
using Problems = std::vector<AuthorityProblem>;

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out.empty() ? "none" : out;
}

std::string shown(const std::string& zone) {
    return zone.empty() ? "the root" : zone;
}

bool has_no_route(const ServerView& server) {
    return (server.mx.has_no_route || server.mx_tcp.has_no_route) && !server.is_reachable();
}

// A set that differs from another in its 90th record is told by its size.
std::string shorten(const RrSet& set) {
    constexpr std::size_t shown_max = 5;
    if (set.data.size() <= shown_max) {
        return set.text();
    }
    RrSet first = set;
    first.data.resize(shown_max);
    return first.text() + " and " + std::to_string(set.data.size() - shown_max) + " more";
}

// Said once: it is about this host and not about the servers.
void add_routes(const AuthorityView& view, Problems& problems) {
    std::vector<std::string> skipped;
    for (const ServerView& server : view.servers) {
        if (has_no_route(server)) {
            skipped.push_back(server.text());
        }
    }
    if (!skipped.empty()) {
        problems.push_back(
            {Kind::unreachable, "", "this host has no route to " + join(skipped) + ": not asked"}
        );
    }
}

void add_unreachable(const ServerView& server, Problems& problems) {
    if (!server.is_reachable()) {
        problems.push_back(
            {Kind::unreachable, server.text(), server.text() + ": " + server.mx.problem}
        );
    } else if (!server.mx.is_answered() && !server.soa.is_answered()) {
        problems.push_back(
            {Kind::unreachable,
             server.text(),
             server.text() + " answers over TCP only; over UDP: " + server.mx.problem}
        );
    } else if (server.mx.is_answered() && !server.mx_tcp.is_answered()) {
        problems.push_back(
            {Kind::no_tcp,
             server.text(),
             server.text() + " does not answer over TCP (" + server.mx_tcp.problem +
                 "): answers that do not fit into UDP are lost"}
        );
    }
}

void add_lame(const AuthorityView& view, const ServerView& server, Problems& problems) {
    if (!server.is_lame()) {
        return;
    }
    const Sample& sample = server.soa.is_answered() ? server.soa : server.mx;
    const Response& response = sample.response;
    const std::string who = server.text();
    if (response.rcode != rcode::no_error) {
        problems.push_back(
            {Kind::lame,
             who,
             who + " answers " + format_rcode(response.rcode) + " for " + view.zone +
                 ", which it is said to serve"}
        );
    } else if (!response.authoritative) {
        problems.push_back(
            {Kind::not_authoritative,
             who,
             who + " answers for " + view.zone + " without authority (no AA)"}
        );
    } else {
        problems.push_back({Kind::lame, who, who + " has no SOA of " + view.zone});
    }
}

// The server is there and serves the zone, but says nothing of the MX.
void add_mute(const AuthorityView& view, const ServerView& server, Problems& problems) {
    if (!server.is_reachable() || server.is_lame() || server.is_heard()) {
        return;
    }
    const Sample& sample = server.mx.is_answered() ? server.mx : server.mx_tcp;
    const std::string what =
        sample.is_answered() ? format_rcode(sample.response.rcode) : sample.problem;
    problems.push_back(
        {Kind::lame,
         server.text(),
         server.text() + " says nothing of the MX of " + view.domain + ": " + what}
    );
}

// Who says what; a sentence when it is more than one thing.
void add_difference(
    const AuthorityView& view,
    Kind kind,
    const std::string& subject,
    const std::function<RrSet(const ServerView&)>& say,
    Problems& problems
) {
    std::map<std::vector<std::string>, std::vector<std::string>> sayings;
    for (const ServerView& server : view.servers) {
        if (server.is_heard()) {
            sayings[say(server).data].push_back(server.text());
        }
    }
    if (sayings.size() < 2) {
        return;
    }
    std::string text = "the servers of " + view.zone + " differ in " + subject;
    for (const auto& [what, who] : sayings) {
        text += std::string{text.find(": ") == std::string::npos ? ": " : "; "} + join(who) +
                " has " + (what.empty() ? "none" : shorten(RrSet{what}));
    }
    problems.push_back({kind, "", std::move(text)});
}

void add_differences(const AuthorityView& view, Problems& problems) {
    const auto mx = [&](const ServerView& server) { return view.mx_of(server); };
    const auto ttl = [&](const ServerView& server) {
        return RrSet{{std::to_string(view.mx_of(server).ttl.count()) + " s"}};
    };
    const auto serial = [](const ServerView& server) {
        return RrSet{{std::to_string(server.serial().value_or(0))}};
    };
    add_difference(view, Kind::mx_differs, "the MX of " + view.domain, mx, problems);
    if (const auto common = view.mx(); common && !common->empty()) {
        add_difference(view, Kind::ttl_differs, "the TTL of its MX", ttl, problems);
    }
    add_difference(view, Kind::serial_differs, "the serial of the SOA", serial, problems);
}

// The set at the parent against the one that each server gives.
void add_delegation(const AuthorityView& view, Problems& problems) {
    std::map<std::vector<std::string>, std::vector<std::string>> sets;
    for (const ServerView& server : view.servers) {
        const bool has_word = server.is_reachable() && !server.is_lame() &&
                              server.ns.is_answered() && server.ns.response.authoritative;
        const RrSet set = rrset_of(server.ns.response, view.zone, RecordType::ns);
        if (has_word && set.data != view.delegation.data) {
            sets[set.data].push_back(server.text());
        }
    }
    for (const auto& [names, who] : sets) {
        problems.push_back(
            {Kind::delegation_differs,
             "",
             shown(view.parent) + " delegates " + view.zone + " to " + join(view.delegation.data) +
                 ", but the zone itself names " + join(names) + " (" + join(who) + ")"}
        );
    }
}

}  // namespace

Problems find_problems(const AuthorityView& view) {
    Problems problems;
    add_routes(view, problems);
    for (const ServerView& server : view.servers) {
        if (!has_no_route(server)) {
            add_unreachable(server, problems);
            add_lame(view, server, problems);
            add_mute(view, server, problems);
        }
    }
    add_differences(view, problems);
    add_delegation(view, problems);
    return problems;
}

}  // namespace siding::dns
