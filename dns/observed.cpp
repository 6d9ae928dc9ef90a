#include "dns/observed.hpp"

#include "dns/response.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace siding::dns {
namespace {

constexpr std::uint16_t number(RecordType type) {
    return static_cast<std::uint16_t>(type);
}

class Notes {
public:
    Notes(const ServerView& server) : server_{server} {}

    void add(
        const Sample& sample,
        std::string_view name,
        RecordType type,
        const RrSet& set,
        std::string_view way = ""
    ) {
        if (!sample.is_answered()) {
            return;
        }
        Served served;
        served.server = server_.text() + std::string{way};
        served.name = name;
        served.type = number(type);
        served.data = set.text();
        served.ttl = set.empty() ? negative_ttl_of(sample.response) : set.ttl;
        served.serial = server_.serial().value_or(0);
        served.at = sample.at;
        served_.push_back(std::move(served));
    }

    void move_to(std::vector<Served>& all) { std::ranges::move(served_, std::back_inserter(all)); }

private:
    const ServerView& server_;
    std::vector<Served> served_;
};

bool is_word(const Sample& sample) {
    const int code = sample.response.rcode;
    return sample.is_answered() && sample.response.authoritative &&
           (code == rcode::no_error || code == rcode::no_such_name);
}

// REFUSED, NOTAUTH, a referral; not SERVFAIL, after which the zone may well come back.
bool has_given_up(const ServerView& server) {
    constexpr int not_authoritative = 9;
    const int code = server.mx.response.rcode;
    const bool is_referral = code == rcode::no_error && !server.mx.response.authoritative;
    return server.mx.is_answered() && !is_word(server.mx_tcp) &&
           (code == rcode::refused || code == not_authoritative || is_referral);
}

// The MX over TCP, where the server gives one with authority.
std::optional<RrSet> mx_by_tcp(const ServerView& server, const std::string& domain) {
    if (!is_word(server.mx_tcp)) {
        return std::nullopt;
    }
    const Response& response = server.mx_tcp.response;
    return rrset_of(response, follow_aliases(response, domain), RecordType::mx);
}

}  // namespace

std::vector<Served> served_in(const AuthorityView& view, const History& history) {
    const auto known = history.by_server(view.domain, number(RecordType::mx));
    std::vector<Served> all;
    for (const ServerView& server : view.servers) {
        if (!server.is_heard()) {
            continue;
        }
        Notes notes{server};
        const RrSet mx = view.mx_of(server);
        const Sample& word = is_word(server.mx) ? server.mx : server.mx_tcp;
        notes.add(word, view.domain, RecordType::mx, mx);
        const auto by_tcp = mx_by_tcp(server, view.domain);
        const bool differs = by_tcp && by_tcp->data != mx.data;
        if (by_tcp && (differs || known.contains(server.text() + std::string{over_tcp}))) {
            notes.add(server.mx_tcp, view.domain, RecordType::mx, *by_tcp, over_tcp);
        }
        const auto set_of = [&](const Sample& sample, RecordType type) {
            return sample.is_answered() ? rrset_of(sample.response, view.zone, type) : RrSet{};
        };
        notes.add(server.soa, view.zone, RecordType::soa, set_of(server.soa, RecordType::soa));
        notes.add(server.ns, view.zone, RecordType::ns, set_of(server.ns, RecordType::ns));
        notes.move_to(all);
    }
    if (!view.delegation.empty()) {
        Served served;
        served.server = "delegation at " + (view.parent.empty() ? "the root" : view.parent);
        served.name = view.zone;
        served.type = number(RecordType::ns);
        served.data = view.delegation.text();
        served.ttl = view.delegation.ttl;
        served.at = view.at;
        all.push_back(std::move(served));
    }
    return all;
}

bool note_all(History& history, const AuthorityView& view) {
    bool is_anything_new = false;
    for (const Served& served : served_in(view, history)) {
        is_anything_new = history.note(served) || is_anything_new;
    }
    return is_anything_new;
}

std::vector<std::string> servers_in(const AuthorityView& view, const History& history) {
    const auto known = history.by_server(view.domain, number(RecordType::mx));
    std::vector<std::string> servers;
    for (const ServerView& server : view.servers) {
        if (!server.is_heard() && has_given_up(server)) {
            continue;
        }
        if (server.is_heard() || known.contains(server.text())) {
            servers.push_back(server.text());
        }
        if (const std::string tcp = server.text() + std::string{over_tcp}; known.contains(tcp)) {
            servers.push_back(tcp);
        }
    }
    return servers;
}

}  // namespace siding::dns
