#include "config/load_parts.hpp"

#include <optional>

namespace siding::config {
namespace {

constexpr std::uint16_t imaps_port = 993;  // RFC 8314 §7.1
constexpr std::uint16_t imap_port = 143;

void read_tokens(Section& server, const FileValue& file, std::optional<TokenSource>& target) {
    server.group("tokens", [&](Section& section) {
        TokenSource& tokens = target.emplace();
        section.read("endpoint", tokens.endpoint, https_url_value);
        section.read("client_id", tokens.client_id, text_value);
        section.read("client_secret_file", tokens.client_secret_file, file);
        section.read("scope", tokens.scope, text_value);
        section.read("device_endpoint", tokens.device_endpoint, https_url_value);
        section.read("ca_file", tokens.ca_file, file);
    });
}

void check_tls(Section& section, const ImapServer& server) {
    for (const char* const name : {"ca_file", "fingerprints"}) {
        if (server.tls == ImapTls::off && section.has(name)) {
            section.add_problem(name, "is for TLS, which is off; take one of them out");
        }
    }
    if (server.tls != ImapTls::off && server.ca_file && section.has("fingerprints")) {
        section.add_problem("ca_file", "does not count beside fingerprints; write one of them");
    }
}

void read_server(Section& section, const FileValue& file, ImapServer& server) {
    section.read("tls", server.tls, enum_value<ImapTls>);
    const std::uint16_t port = server.tls == ImapTls::implicit ? imaps_port : imap_port;
    section.read("address", server.address, [port](const Key&, std::string_view text) {
        return parse_server(text, port);
    });
    section.read("ca_file", server.ca_file, file);
    section.read_list("fingerprints", server.fingerprints, fingerprint_value);
    read_tokens(section, file, server.tokens);
    section.read("connections", server.connections, count_value);
    section.read("daily", server.daily, size_value);
    section.read("daily_account", server.daily_account, size_value);
    section.read("compress", server.compress, flag_value);
    check_tls(section, server);
}

}  // namespace

void read_backfill(Section& root, const FileValue& file, Backfill& backfill) {
    root.group("backfill", [&](Section& section) {
        section.read("accounts", backfill.accounts, file);
        section.group("source", [&](Section& side) { read_server(side, file, backfill.source); });
        section.group("destination", [&](Section& side) {
            read_server(side, file, backfill.destination);
        });
        section.read("accounts_at_once", backfill.accounts_at_once, count_value);
        section.read("memory", backfill.memory, size_value);
        section.read("bandwidth", backfill.bandwidth, size_value);
        section.read_list("quiet_hours", backfill.quiet_hours, day_time_value);
        section.read("recent", backfill.recent, duration_value);
        section.read("acls", backfill.acls, flag_value);
        section.read("poll", backfill.poll, duration_value);
        section.read("socket", backfill.socket, path_value);
        section.read("http", backfill.http, loopback_value);
    });
}

}  // namespace siding::config
