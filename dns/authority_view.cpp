#include "dns/authority.hpp"

#include <algorithm>
#include <array>

namespace siding::dns {
namespace {

constexpr std::array<std::string_view, 10> kind_names{
    "lame",
    "unreachable",
    "no-tcp",
    "delegation-differs",
    "mx-differs",
    "ttl-differs",
    "serial-differs",
    "not-authoritative",
    "missing-address",
    "no-zone"};

bool is_final(const Sample& sample) {
    const int code = sample.response.rcode;
    return sample.is_answered() && sample.response.authoritative &&
           (code == rcode::no_error || code == rcode::no_such_name);
}

// UDP first; a server that can be reached over TCP alone has its say, too.
const Sample& word_of(const ServerView& server) {
    return is_final(server.mx) || !is_final(server.mx_tcp) ? server.mx : server.mx_tcp;
}

}  // namespace

std::string_view format_kind(AuthorityProblem::Kind kind) {
    return kind_names.at(static_cast<std::size_t>(kind));
}

bool ServerWord::is_final() const {
    return dns::is_final(sample);
}

bool ServerView::is_reachable() const {
    return mx.is_answered() || mx_tcp.is_answered() || soa.is_answered() || ns.is_answered();
}

bool ServerView::is_lame() const {
    if (soa.is_answered()) {
        return soa.response.rcode != rcode::no_error || !serial();
    }
    return mx.is_answered() && !is_final(mx);
}

bool ServerView::is_heard() const {
    return is_reachable() && !is_lame() && is_final(word_of(*this));
}

std::optional<std::uint32_t> ServerView::serial() const {
    if (!is_final(soa)) {
        return std::nullopt;
    }
    for (const ResourceRecord& record : soa.response.answers) {
        const Soa* const data = record.as<Soa>();
        if (data != nullptr && record.owner == soa.question.name) {
            return data->serial;
        }
    }
    return std::nullopt;
}

std::string ServerView::text() const {
    constexpr std::uint16_t dns_port = 53;
    return name + " " + (address.port == dns_port ? address.host : address.text());
}

RrSet AuthorityView::mx_of(const ServerView& server) const {
    const Response& response = word_of(server).response;
    return rrset_of(response, follow_aliases(response, domain), RecordType::mx);
}

bool AuthorityView::is_settled() const {
    std::optional<RrSet> first;
    for (const ServerView& server : servers) {
        if (!server.is_reachable() || server.is_lame()) {
            continue;
        }
        if (!server.is_heard()) {
            return false;
        }
        RrSet set = mx_of(server);
        if (set.empty() || (first && set != *first)) {
            return false;
        }
        first = std::move(set);
    }
    return first.has_value();
}

std::optional<RrSet> AuthorityView::mx() const {
    std::optional<RrSet> common;
    for (const ServerView& server : servers) {
        if (!server.is_heard()) {
            continue;
        }
        const RrSet set = mx_of(server);
        if (common && set.data != common->data) {
            return std::nullopt;
        }
        const auto ttl = common ? std::max(common->ttl, set.ttl) : set.ttl;
        common = RrSet{set.data, ttl};
    }
    return common;
}

}  // namespace siding::dns
