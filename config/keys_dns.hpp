// Rows of the schema: where names are looked up, and how the move of a domain's MX is watched.
// Included by schema.cpp alone.
#pragma once

#include "config/schema.hpp"

#include <array>

namespace siding::config::rows {

inline constexpr std::array domain_dns{
    Key{.path = "domains.*.mx",
        .type = KeyType::group,
        .optional = true,
        .doc = "Which MX hosts the domain moves to and from; `siding dns` watches it."},
    Key{.path = "domains.*.mx.new",
        .type = KeyType::hostnames,
        .example = "[hold.example.net]",
        .doc = "The MX hosts after the switch. Without it: `hostname`."},
    Key{.path = "domains.*.mx.old",
        .type = KeyType::hostnames,
        .example = "[mail.old.example]",
        .doc = "The MX hosts before it. Without it: whatever else was served."},
    Key{.path = "domains.*.mx.switch_at",
        .type = KeyType::time,
        .example = "2026-11-28T20:00:00Z",
        .doc = "When the switch is planned, in UTC. Near it the DNS is watched closely, and just "
               "before it no resolver is asked, because that would fill its cache with the old "
               "answer."},
    Key{.path = "domains.*.stragglers",
        .type = KeyType::group,
        .optional = true,
        .doc = "Where mail is seen that still goes to the old server."},
    Key{.path = "domains.*.stragglers.log",
        .type = KeyType::file,
        .example = "/var/log/old-server/mail.log",
        .doc = "The old server's Postfix log. It is followed, also when it is rotated."},
    Key{.path = "domains.*.stragglers.networks",
        .type = KeyType::networks,
        .example = "[192.0.2.10]",
        .doc = "The old server, where it relays to us: mail from these networks went the old way."},
};

inline constexpr std::array dns{
    Key{.path = "dns",
        .type = KeyType::group,
        .doc = "Where names are looked up, and how the domains' MX records are watched."},
    Key{.path = "dns.servers",
        .type = KeyType::endpoints,
        .example = "[127.0.0.1, \"[::1]:53\"]",
        .doc = "Resolvers as addresses; without a port, 53. `tls: dane` needs one that validates, "
               "over a path that nobody else can write to. Without it: those of "
               "/etc/resolv.conf."},
    Key{.path = "dns.timeout",
        .type = KeyType::duration,
        .min = 100,
        .max = minute,
        .fallback = "5s",
        .doc = "How long one try may take."},
    Key{.path = "dns.tries",
        .type = KeyType::count,
        .min = 1,
        .max = 10,
        .fallback = "2",
        .doc = "How often each of them is asked."},
    Key{.path = "dns.enabled",
        .type = KeyType::flag,
        .fallback = "true",
        .doc = "Whether the MX records of the domains are watched."},
    Key{.path = "dns.watch",
        .type = KeyType::duration,
        .min = second,
        .max = day,
        .fallback = "5m",
        .doc = "How often a domain's authoritative servers are asked."},
    Key{.path = "dns.watch_near",
        .type = KeyType::duration,
        .min = second,
        .max = hour,
        .fallback = "20s",
        .doc = "The same near a switch: from one TTL before a planned one until no honest "
               "resolver can serve the old MX."},
    Key{.path = "dns.panel",
        .type = KeyType::file,
        .fallback = "default",
        .doc = "The public resolvers that are asked what they serve: `default`, `off`, or a file "
               "with a line `Name: 192.0.2.1, 2001:db8::1` for each operator."},
    Key{.path = "dns.samples",
        .type = KeyType::count,
        .min = 1,
        .max = 16,
        .fallback = "4",
        .doc = "Questions to each address of the panel in one round: there are many caches behind "
               "one address."},
    Key{.path = "dns.rounds",
        .type = KeyType::count,
        .min = 1,
        .max = 20,
        .fallback = "3",
        .doc = "Rounds in a row in which the whole panel must serve the new MX before the verdict "
               "is `converged`."},
    Key{.path = "dns.slack",
        .type = KeyType::duration,
        .max = hour,
        .fallback = "2m",
        .doc = "Added to the moment in which the last authoritative server that we see served the "
               "new MX, for those of an anycast network that we do not see."},
    Key{.path = "dns.floor",
        .type = KeyType::duration,
        .max = day,
        .fallback = "1h",
        .doc = "The least time for which some resolvers keep any answer, however short its TTL."},
    Key{.path = "dns.allowance",
        .type = KeyType::duration,
        .max = 31 * day,
        .fallback = "1d",
        .doc = "What mail servers' own caches may add to the DNS; the hard deadline has it."},
    Key{.path = "dns.roots",
        .type = KeyType::endpoints,
        .example = "[127.0.0.1:5300]",
        .doc = "The root servers, where they are not those of the Internet: a lab, or a network "
               "with a root of its own."},
    Key{.path = "dns.port",
        .type = KeyType::count,
        .min = 1,
        .max = 65535,
        .fallback = "53",
        .doc = "The port of the authoritative servers; another one only in a lab."},
};

}  // namespace siding::config::rows
