#include "base/bytes.hpp"
#include "config/load_parts.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>

namespace siding::config {
namespace {

void read_auth(Section& server, const FileValue& file, std::optional<Auth>& target) {
    server.group("auth", [&](Section& section) {
        Auth& auth = target.emplace();
        section.read("mechanism", auth.mechanism, enum_value<Auth::Mechanism>);
        section.read("user", auth.user, text_value);
        section.read("secret_file", auth.secret_file, file);
        const bool in_file = section.has("secret_file");
        section.read("credential", auth.secret_file, credential_value);
        if (in_file == section.has("credential")) {
            section.add_problem(
                in_file ? "has secret_file and credential; write one of them"
                        : "has no secret; write secret_file or credential"
            );
        }
    });
}

void read_limits(Section& section, Server& server) {
    section.read("profile", server.profile, enum_value<Profile>);
    section.read("connections", server.connections, count_value);
    section.read("messages_per_connection", server.messages_per_connection, count_value);
    section.read("recipients_per_transaction", server.recipients_per_transaction, count_value);
    section.read("recipient_connections", server.recipient_connections, count_value);
    section.read("rate", server.rate, count_value);
    section.read("domain_rate", server.domain_rate, count_value);
    section.read("recipient_rate", server.recipient_rate, count_value);
}

// What nothing would look at, or what can never work.
void check_tls(Section& section, const Server& server) {
    if (server.ca_file && server.tls != ServerTls::verify) {
        section.add_problem("ca_file", "is for tls: verify; nothing else looks at it");
    }
    const bool by_fingerprint = server.tls == ServerTls::fingerprint;
    if (section.has("tls_fingerprints") && !by_fingerprint) {
        section.add_problem(
            "tls_fingerprints", "is for tls: fingerprint; nothing else looks at it"
        );
    }
    if (by_fingerprint && !section.has("tls_fingerprints")) {
        section.add_problem("tls", "fingerprint needs tls_fingerprints beside it");
    }
    if (server.tls == ServerTls::dane && is_ip_address(server.address.host)) {
        section.add_problem("tls", "dane needs a name as address; TLSA records belong to names");
    }
    const bool open = server.tls == ServerTls::off && !is_loopback_address(server.address.host);
    if (server.auth && open) {
        section.add_problem(
            "auth", "would send the secret in the clear; set tls to required, or better verify"
        );
    }
}

void check_addresses(Section& section, const Server& server) {
    if (server.mx && is_ip_address(server.address.host)) {
        section.add_problem("mx", "needs a domain as address; an IP address has no MX");
    }
    if (std::ranges::find(server.fallback, server.address) != server.fallback.end()) {
        section.add_problem(
            "fallback",
            format_endpoint(server.address) + " is the address already; write other ones"
        );
    }
    const auto sixes = std::ranges::count_if(server.source, [](const std::string& address) {
        return address.find(':') != std::string::npos;
    });
    const auto fours = std::ssize(server.source) - sixes;
    if (sixes > 1 || fours > 1) {
        section.add_problem("source", "has two of one family; allowed: one IPv4, one IPv6 address");
    }
}

}  // namespace

Result<std::string> ServerName::operator()(const Key&, std::string_view text) const {
    if (!servers_.contains(std::string{text})) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is none of the servers; there are: {}",
                escape(text),
                escape(fmt::format("{}", fmt::join(std::views::keys(servers_), ", ")))
            )};
    }
    return std::string{text};
}

void read_servers(Section& root, const FileValue& file, Config& config) {
    root.each_entry("servers", [&](const Entry& entry, Section& section) {
        Server server;
        section.read("address", server.address, server_value);
        section.read_list("fallback", server.fallback, server_value);
        section.read("mx", server.mx, flag_value);
        section.read_list("source", server.source, ip_address_value);
        section.read("connect_timeout", server.connect_timeout, duration_value);
        section.read("tls", server.tls, enum_value<ServerTls>);
        section.read("tls_name", server.tls_name, hostname_value);
        section.read("ca_file", server.ca_file, file);
        section.read_list("tls_fingerprints", server.tls_fingerprints, fingerprint_value);
        read_auth(section, file, server.auth);
        section.read("xclient", server.xclient, flag_value);
        section.read("proxy_protocol", server.proxy_protocol, flag_value);
        read_limits(section, server);
        check_tls(section, server);
        check_addresses(section, server);
        config.servers.insert_or_assign(entry.key, std::move(server));
    });
}

}  // namespace siding::config
