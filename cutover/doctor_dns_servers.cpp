// What the authoritative servers say of the zone, and whether they say the same.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

namespace siding::cutover {
namespace {

using Kind = dns::AuthorityProblem::Kind;

// That this machine has no IPv6 is said of no server, and is no fault of the zone.
bool counts(const dns::AuthorityProblem& problem) {
    return problem.kind != Kind::unreachable || !problem.server.empty();
}

std::vector<dns::AuthorityProblem> problems_of(
    const dns::AuthorityView& view, std::initializer_list<Kind> kinds
) {
    std::vector<dns::AuthorityProblem> found;
    for (const dns::AuthorityProblem& problem : view.problems) {
        if (std::ranges::find(kinds, problem.kind) != kinds.end() && counts(problem)) {
            found.push_back(problem);
        }
    }
    return found;
}

std::vector<std::string> texts_of(const std::vector<dns::AuthorityProblem>& problems) {
    std::vector<std::string> texts;
    for (const dns::AuthorityProblem& problem : problems) {
        texts.push_back(problem.text);
    }
    return texts;
}

std::vector<std::string> child_servers(const dns::AuthorityView& view) {
    std::set<std::string> names;
    for (const dns::ServerView& server : view.servers) {
        if (server.in_child) {
            names.insert(server.name);
        }
    }
    return {names.begin(), names.end()};
}

std::vector<std::string> without_dots(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) {
        out.push_back(dns::plain_name(name));
    }
    std::ranges::sort(out);
    return out;
}

// What to write where, so that both sides name the servers of the zone.
std::string delegation_fix(const dns::AuthorityView& view) {
    const auto parent = without_dots(view.delegation.data);
    const auto child = child_servers(view);
    std::string text;
    if (parent != child && !child.empty()) {
        text += fmt::format(
            "At the registrar, set the name servers of {} to those of the zone:\n", view.zone
        );
        for (const std::string& name : child) {
            text += "  " + name + "\n";
        }
        text +=
            fmt::format("Or, if the registrar's are the right ones, write them into the zone:\n");
        for (const std::string& name : parent) {
            text += zone_line(view.zone, std::chrono::hours{24}, "NS", name + ".") + "\n";
        }
    }
    text += fmt::format(
        "Take out of both lists each server that does not serve {}, or set it up there; each must "
        "answer over UDP and TCP port 53:\n",
        view.zone
    );
    for (const dns::ServerView& server : view.servers) {
        if (server.is_lame() || !server.is_reachable()) {
            text += fmt::format("dig +norecurse SOA {} @{}\n", view.zone, server.address.host);
        }
    }
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

std::string count_servers(const dns::AuthorityView& view) {
    const auto heard = std::ranges::count_if(view.servers, &dns::ServerView::is_heard);
    return fmt::format("{} of {} addresses answer", heard, view.servers.size());
}

std::string describe_sets(const dns::AuthorityView& view) {
    std::vector<std::string> lines;
    for (const dns::ServerView& server : view.servers) {
        if (!server.is_heard()) {
            continue;
        }
        const dns::RrSet mx = view.mx_of(server);
        const auto serial = server.serial();
        lines.push_back(fmt::format(
            "{}: {}, TTL {}{}",
            server.text(),
            mx.empty() ? "no MX" : mx.text(),
            mx.ttl.count(),
            serial ? fmt::format(", serial {}", *serial) : ""
        ));
    }
    return as_list(lines);
}

}  // namespace

net::awaitable<CheckOutcome> check_delegation(const DoctorFacts& facts) {
    if (!facts.view) {
        co_return hindered(facts.no_view);
    }
    const dns::AuthorityView& view = *facts.view;
    const auto problems = problems_of(
        view,
        {Kind::lame,
         Kind::unreachable,
         Kind::no_tcp,
         Kind::delegation_differs,
         Kind::not_authoritative,
         Kind::missing_address,
         Kind::no_zone}
    );
    const std::string sets = fmt::format(
        "the parent names {}; the zone names {}",
        join(without_dots(view.delegation.data), ", "),
        join(child_servers(view), ", ")
    );
    if (problems.empty()) {
        co_return passed(sets + "; " + count_servers(view));
    }
    const bool is_gone = std::ranges::any_of(problems, [](const auto& problem) {
        return problem.kind == Kind::no_zone;
    });
    auto lines = texts_of(problems);
    if (is_gone) {
        co_return failed(
            as_list(lines),
            "No sender finds a server for the domain: mail to it bounces or waits.",
            "Look whether the name is spelled right, whether it is registered and paid for, and "
            "whether the registrar has name servers for it:\nwhois " +
                view.domain
        );
    }
    lines.push_back(sets);
    co_return failed(
        as_list(lines),
        "Part of the world asks a server that has another zone, an old one, or none. A change of "
        "MX "
        "does not reach those senders; their mail goes to the old place or waits.",
        delegation_fix(view)
    );
}

net::awaitable<CheckOutcome> check_same_mx(const DoctorFacts& facts) {
    if (!facts.view) {
        co_return hindered(facts.no_view);
    }
    const dns::AuthorityView& view = *facts.view;
    if (std::ranges::none_of(view.servers, &dns::ServerView::is_heard)) {
        co_return hindered("no authoritative server of " + view.zone + " has said what its MX is");
    }
    const std::string sets = describe_sets(view);
    const std::string fix = fmt::format(
        "Raise the serial and have the secondaries load the zone again, or publish it anew at the "
        "DNS host. With your own servers:\n"
        "rndc notify {0}       # BIND, on the primary; NSD: nsd-control notify {0}\n"
        "rndc retransfer {0}   # BIND, on the server that lags; NSD: nsd-control transfer {0}",
        view.zone
    );
    const auto records = problems_of(view, {Kind::mx_differs, Kind::ttl_differs});
    if (!records.empty()) {
        co_return failed(
            sets,
            "Which server a resolver asks decides where mail goes and how long it is remembered. "
            "The last of them that changes sets the time at which the move is done.",
            fix
        );
    }
    if (!problems_of(view, {Kind::serial_differs}).empty()) {
        co_return failed_as(
            Severity::warning,
            sets,
            "The MX records are the same, but some servers have an older zone: a change of MX may "
            "reach them late or not at all.",
            fix
        );
    }
    co_return passed(sets);
}

}  // namespace siding::cutover
