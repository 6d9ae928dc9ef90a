// What the authoritative servers of a domain say, each by itself: the way down from the roots with
// RD=0, the delegation at the parent, and MX, SOA and NS of every address of every server, over UDP
// and TCP. Names what is wrong with them.
//
// Keeps the way (delegations and addresses of servers) for their TTL, at most five minutes, and
// never an answer about mail. Lives on one executor, which is serial; many looks may be under way.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "dns/prober.hpp"
#include "dns/resolver.hpp"
#include "dns/response.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siding::dns {

class Delegations;

struct Roots {
    Roots() = default;  // no aggregate: net/asio.hpp

    std::vector<net::HostPort> servers;
    std::uint16_t port = 53;  // of every other authoritative server: another only in a laboratory
};

// The 13 of the Internet, IPv4 and IPv6.
Roots default_roots();

// One address of one server.
struct ServerView {
    ServerView() = default;  // no aggregate: net/asio.hpp

    std::string name;
    net::HostPort address;
    Sample mx;  // UDP, and TCP if it was cut off
    Sample mx_tcp;
    Sample soa;
    Sample ns;
    bool in_parent = false;
    bool in_child = false;

    bool is_reachable() const;  // has answered something
    // Answers, but not as a server of this zone (an error, or without AA).
    bool is_lame() const;
    // Its word counts: reachable, not lame, and it has said something of the MX.
    bool is_heard() const;
    std::optional<std::uint32_t> serial() const;
    std::string text() const;  // "ns2.example.net 192.0.2.2"
};

struct AuthorityProblem {
    enum class Kind {
        lame,
        unreachable,
        no_tcp,
        delegation_differs,
        mx_differs,
        ttl_differs,
        serial_differs,
        not_authoritative,
        missing_address,
        no_zone,
    };

    Kind kind = Kind::lame;
    std::string server{};  // ServerView::text(); empty where it is nobody's alone
    std::string text{};    // a sentence

    bool operator==(const AuthorityProblem&) const = default;
};

std::string_view format_kind(AuthorityProblem::Kind kind);  // "lame", "no-tcp"

struct AuthorityView {
    AuthorityView() = default;  // no aggregate: net/asio.hpp

    std::string domain;
    std::string zone;    // the apex at or above the domain
    std::string parent;  // the zone that delegates it; empty: the root
    WallTime at{};
    RrSet delegation;     // NS at the parent
    RrSet delegation_ds;  // DS at the parent
    std::vector<ServerView> servers;
    std::vector<AuthorityProblem> problems;
    std::chrono::seconds child_ns_ttl{0};
    std::chrono::seconds negative_ttl{0};  // RFC 2308 §5, the largest of any server

    RrSet mx_of(const ServerView& server) const;
    // All servers that can be heard say the same MX records with the same TTL, and there is one.
    bool is_settled() const;
    // What all of them say, whatever the TTL (the largest is given). Empty data: they agree that
    // there is no MX. Nothing: they differ, or nobody was heard.
    std::optional<RrSet> mx() const;
};

// One server's answer, or its silence.
struct ServerWord {
    ServerWord() = default;  // no aggregate: net/asio.hpp

    std::string server;  // ServerView::text()
    Sample sample;

    bool is_final() const;  // by authority: the records, or that there are none
};

class Authority {
public:
    Authority(Prober& prober, Resolver& resolver, Roots roots);
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    // Problems of the zone are in the view; that the domain does not exist is one of them. Errors:
    // Errc::invalid_argument for what is no name; Errc::unavailable when the way to the zone ends
    // at servers of which none answers, with their zone's name.
    net::awaitable<Result<AuthorityView>> look(std::string domain);

    // The same question to every address of the view that is not lame or without a route.
    net::awaitable<std::vector<std::pair<net::HostPort, Sample>>> ask_everywhere(
        const AuthorityView& view, Question question
    );

    // The same questions to every address of the servers of the zone that `name` lies in, as its
    // parent names them; once, and not those that were silent a minute ago. None where the name
    // does not exist. Errc::unavailable as above.
    net::awaitable<Result<std::vector<ServerWord>>> ask_zone_of(
        std::string name, std::vector<Question> questions
    );

private:
    Prober& prober_;
    std::unique_ptr<Delegations> delegations_;
    std::map<std::string, WallTime> silent_since_;  // ask_zone_of(), by address
};

}  // namespace siding::dns
