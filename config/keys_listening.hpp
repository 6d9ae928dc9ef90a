// Rows of the schema: who Siding is and where it listens. Included by schema.cpp alone.
#pragma once

#include "config/schema.hpp"

#include <array>

namespace siding::config::rows {

inline constexpr std::string_view extension_choices =
    "PIPELINING|SIZE|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|SMTPUTF8|CHUNKING|BINARYMIME|DSN|LIMITS|"
    "REQUIRETLS";

inline constexpr std::array listening{
    Key{.path = "hostname",
        .type = KeyType::hostname,
        .required = true,
        .example = "hold.example.net",
        .reload = Reload::restart,
        .doc = "Siding's own name, in the banner, in EHLO and in Received. Never guessed: other "
               "servers check it against DNS."},
    Key{.path = "data_dir",
        .type = KeyType::path,
        .required = true,
        .example = "/var/lib/siding",
        .reload = Reload::restart,
        .doc = "Where the queue lives. One daemon at a time."},
    Key{.path = "listeners",
        .type = KeyType::list,
        .required = true,
        .reload = Reload::restart,
        .doc =
            "Where SMTP comes in. Sockets that systemd hands over (siding.socket) take the place "
            "of these addresses; each has the settings of the entry with its address or port."},
    Key{.path = "listeners[].address",
        .type = KeyType::endpoint,
        .required = true,
        .example = "[::]:25",
        .reload = Reload::restart,
        .doc = "IP address and port. IPv6 stands in brackets; port 0 lets the system choose."},
    Key{.path = "listeners[].tls",
        .type = KeyType::choice,
        .choices = "off|starttls|implicit",
        .example = "starttls",
        .reload = Reload::restart,
        .doc = "STARTTLS (RFC 3207), or TLS from the first octet on (as on port 465). Without this "
               "key: starttls where `tls` has a certificate, else off."},
    Key{.path = "listeners[].tls_required",
        .type = KeyType::flag,
        .fallback = "false",
        .reload = Reload::restart,
        .doc = "Whether MAIL before STARTTLS is refused with 530 5.7.0. Not for a public MX: "
               "senders without TLS would give up."},
    Key{.path = "listeners[].client_certificates",
        .type = KeyType::flag,
        .fallback = "false",
        .reload = Reload::restart,
        .doc = "Whether clients are asked for a certificate, which the trace header then shows. "
               "None is ever demanded."},
    Key{.path = "listeners[].proxy_protocol",
        .type = KeyType::group,
        .optional = true,
        .reload = Reload::restart,
        .doc = "Load balancers that show the client's address by the PROXY protocol, version 1 or "
               "2."},
    Key{.path = "listeners[].proxy_protocol.networks",
        .type = KeyType::networks,
        .required = true,
        .example = "[10.0.0.0/8]",
        .reload = Reload::restart,
        .doc = "Where they connect from. From anywhere else a PROXY header is just a wrong "
               "command."},
    Key{.path = "listeners[].proxy_protocol.required",
        .type = KeyType::flag,
        .fallback = "true",
        .reload = Reload::restart,
        .doc = "Whether a connection from these networks without the header is closed."},
    Key{.path = "listeners[].xclient",
        .type = KeyType::group,
        .optional = true,
        .reload = Reload::restart,
        .doc = "Mail gateways that show the client's address by XCLIENT (as Postfix does)."},
    Key{.path = "listeners[].xclient.networks",
        .type = KeyType::networks,
        .required = true,
        .example = "[192.0.2.1]",
        .reload = Reload::restart,
        .doc = "Where they connect from. To anyone else XCLIENT is not offered."},
    Key{.path = "listeners[].xclient.required",
        .type = KeyType::flag,
        .fallback = "false",
        .reload = Reload::restart,
        .doc = "Whether MAIL before XCLIENT is refused from these networks with 550 5.7.0."},
    Key{.path = "listeners[].extensions",
        .type = KeyType::choices,
        .choices = extension_choices,
        .example = "[PIPELINING, SIZE, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME]",
        .may_be_empty = true,
        .reload = Reload::restart,
        .doc = "What this listener offers in EHLO, in place of `extensions`."},
    Key{.path = "tls", .type = KeyType::group, .doc = "Certificates for those who connect to us."},
    Key{.path = "tls.certificate",
        .type = KeyType::file,
        .example = "/etc/siding/tls/fullchain.pem",
        .doc = "PEM: the certificate, then its chain. Read again on a reload and when the file "
               "changes."},
    Key{.path = "tls.key",
        .type = KeyType::file,
        .example = "/etc/siding/tls/key.pem",
        .doc = "PEM: the certificate's key. Nobody but the daemon's user should be able to read "
               "it."},
    Key{.path = "tls.minimum",
        .type = KeyType::choice,
        .choices = "1.2|1.3",
        .fallback = "1.2",
        .doc = "The oldest TLS version that is accepted. 1.3 alone turns many senders away."},
    Key{.path = "tls.names",
        .type = KeyType::map,
        .example = "mx2.example.com",
        .optional = true,
        .doc =
            "Other certificates for clients that ask for a certain name (SNI); \"*.example.com\" "
            "is any name with one label in front of it."},
    Key{.path = "tls.names.*.certificate",
        .type = KeyType::file,
        .required = true,
        .example = "/etc/siding/tls/mx2-fullchain.pem",
        .doc = "PEM: the certificate for this name, then its chain."},
    Key{.path = "tls.names.*.key",
        .type = KeyType::file,
        .required = true,
        .example = "/etc/siding/tls/mx2-key.pem",
        .doc = "PEM: its key."},
    Key{.path = "extensions",
        .type = KeyType::choices,
        .choices = extension_choices,
        .fallback = "[PIPELINING, SIZE, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8, "
                    "CHUNKING, BINARYMIME, DSN, LIMITS, REQUIRETLS]",
        .may_be_empty = true,
        .doc = "What EHLO may offer. Take out what the old or the new server cannot do: a message "
               "that its server cannot take is parked. STARTTLS and REQUIRETLS need TLS besides."},
};

}  // namespace siding::config::rows
