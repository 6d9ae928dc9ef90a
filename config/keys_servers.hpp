// Rows of the schema: the next hops. Included by schema.cpp alone.
#pragma once

#include "config/schema.hpp"

#include <array>

namespace siding::config::rows {

inline constexpr std::array servers{
    Key{.path = "servers",
        .type = KeyType::map,
        .required = true,
        .example = "old|new",
        .doc = "The next hops by name. Phases send to `old` and `new`; other names can be "
               "released to, or get copies."},
    Key{.path = "servers.*.address",
        .type = KeyType::endpoint,
        .required = true,
        .example = "mail.old.example:25|mail.new.example:25",
        .doc = "Host and port; without a port, 25. A name's address records are used, not its MX, "
               "which may point here; see `mx`."},
    Key{.path = "servers.*.fallback",
        .type = KeyType::endpoints,
        .example = "[\"mail2.old.example:25\", \"[2001:db8::2]:25\"]",
        .doc = "Other addresses of the same server, tried in this order while `address` cannot be "
               "reached."},
    Key{.path = "servers.*.mx",
        .type = KeyType::flag,
        .fallback = "false",
        .doc = "Whether the host of `address` is a domain whose MX hosts are the server, such as "
               "example-com.mail.protection.outlook.com. One of them that is ourselves is left "
               "out."},
    Key{.path = "servers.*.source",
        .type = KeyType::addresses,
        .example = "[192.0.2.25, \"2001:db8::25\"]",
        .doc = "Local addresses to connect from: one IPv4 address, one IPv6 address, or both. "
               "Without it the system chooses."},
    Key{.path = "servers.*.connect_timeout",
        .type = KeyType::duration,
        .min = second,
        .max = 10 * minute,
        .fallback = "30s",
        .doc = "How long one connection attempt may take."},
    Key{.path = "servers.*.tls",
        .type = KeyType::choice,
        .choices = "off|opportunistic|required|verify|fingerprint|dane",
        .fallback = "opportunistic",
        .doc = "STARTTLS to this server: never, if offered, always; or always with a certificate "
               "that is valid for `tls_name`, that is one of `tls_fingerprints`, or that TLSA "
               "records name (RFC 7672). Mail waits while it cannot be had."},
    Key{.path = "servers.*.tls_name",
        .type = KeyType::hostname,
        .example = "mail.old.example|mail.new.example",
        .doc = "The name to ask for (SNI) and to find in the certificate. Without it: the host of "
               "`address`, or of the MX."},
    Key{.path = "servers.*.ca_file",
        .type = KeyType::file,
        .example = "/etc/siding/tls/old-ca.pem|/etc/siding/tls/new-ca.pem",
        .doc = "PEM: who may have signed the certificate, for `tls: verify`. Without it: whom the "
               "system trusts."},
    Key{.path = "servers.*.tls_fingerprints",
        .type = KeyType::fingerprints,
        .example = "[9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]",
        .doc = "The certificates of `tls: fingerprint`: openssl x509 -noout -fingerprint -sha256. "
               "Several, so that one can follow another."},
    Key{.path = "servers.*.auth",
        .type = KeyType::group,
        .optional = true,
        .doc = "To log in with (RFC 4954), always under TLS or to a loopback address."},
    Key{.path = "servers.*.auth.user",
        .type = KeyType::text,
        .required = true,
        .example = "siding@example.com",
        .doc = "The user's name."},
    Key{.path = "servers.*.auth.mechanism",
        .type = KeyType::choice,
        .choices = "auto|plain|login|xoauth2",
        .fallback = "auto",
        .doc = "`auto` is PLAIN or LOGIN, whichever is offered; XOAUTH2 has to be asked for."},
    Key{.path = "servers.*.auth.secret_file",
        .type = KeyType::file,
        .example = "/etc/siding/old.secret",
        .doc = "A file whose first line is the password, or for xoauth2 the access token. Read at "
               "each login; nobody but the daemon's user should be able to."},
    Key{.path = "servers.*.auth.credential",
        .type = KeyType::credential,
        .example = "old-secret",
        .doc = "In place of `secret_file`: the name of a systemd credential (LoadCredential= in "
               "the unit)."},
    Key{.path = "servers.*.xclient",
        .type = KeyType::flag,
        .fallback = "false",
        .doc = "Whether the server is told of each client by XCLIENT, where it offers that. Costs "
               "a round trip a message."},
    Key{.path = "servers.*.proxy_protocol",
        .type = KeyType::flag,
        .fallback = "false",
        .doc = "Whether connections begin with a PROXY header, version 2, that names the client. "
               "Messages of different clients then share no connection."},
    Key{.path = "servers.*.profile",
        .type = KeyType::choice,
        .choices = "generic|postfix|exchange|m365|google",
        .fallback = "generic",
        .doc = "What the server is: the limits below for which no value is set are its. `siding "
               "config show` prints them."},
    Key{.path = "servers.*.connections",
        .type = KeyType::count,
        .min = 1,
        .max = 1000,
        .example = "10",
        .doc = "How many connections to this server at once, at most: it begins with a few. "
               "Without it, like the keys below: as the profile says."},
    Key{.path = "servers.*.messages_per_connection",
        .type = KeyType::count,
        .max = 1000000,
        .example = "100",
        .doc = "Messages after which a connection is closed; 0 is no limit."},
    Key{.path = "servers.*.recipients_per_transaction",
        .type = KeyType::count,
        .min = 1,
        .max = 1000,
        .example = "100",
        .doc = "Recipients of one message at a time; it is sent again for the others."},
    Key{.path = "servers.*.recipient_connections",
        .type = KeyType::count,
        .max = 1000,
        .example = "0",
        .doc = "Messages to one recipient at once; 0 is no limit."},
    Key{.path = "servers.*.rate",
        .type = KeyType::count,
        .max = 10'000'000,
        .example = "0",
        .doc = "Messages to the server in a minute; 0 is no limit."},
    Key{.path = "servers.*.domain_rate",
        .type = KeyType::count,
        .max = 10'000'000,
        .example = "0",
        .doc = "Messages to one recipient domain in a minute; 0 is no limit."},
    Key{.path = "servers.*.recipient_rate",
        .type = KeyType::count,
        .max = 10'000'000,
        .example = "0",
        .doc = "Messages to one recipient in a minute; 0 is no limit."},
};

}  // namespace siding::config::rows
