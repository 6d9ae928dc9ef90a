#include "config/settings_sheet.hpp"
#include "config/units.hpp"

namespace siding::config {
namespace {

void add_server(const std::string& path, const ImapServer& server, Sheet& sheet) {
    sheet.add(path + ".address", server.address ? format_endpoint(*server.address) : "");
    sheet.add_choice(path + ".tls", path + ".tls", server.tls);
    sheet.add(path + ".ca_file", server.ca_file.value_or(""));
    sheet.add(path + ".fingerprints", format_words(server.fingerprints));
    const TokenSource tokens = server.tokens.value_or(TokenSource{});
    sheet.add(path + ".tokens.endpoint", tokens.endpoint);
    sheet.add(path + ".tokens.client_id", tokens.client_id);
    sheet.add(path + ".tokens.client_secret_file", tokens.client_secret_file.value_or(""));
    sheet.add(path + ".tokens.scope", tokens.scope);
    sheet.add(path + ".tokens.device_endpoint", tokens.device_endpoint);
    sheet.add(path + ".tokens.ca_file", tokens.ca_file.value_or(""));
    sheet.add(path + ".connections", std::to_string(server.connections));
    sheet.add(path + ".daily", format_size(server.daily));
    sheet.add(path + ".daily_account", format_size(server.daily_account));
    sheet.add(path + ".compress", server.compress ? "true" : "false");
}

}  // namespace

void add_backfill(const Backfill& backfill, Sheet& sheet) {
    sheet.add("backfill.accounts", backfill.accounts.value_or(""));
    add_server("backfill.source", backfill.source, sheet);
    add_server("backfill.destination", backfill.destination, sheet);
    sheet.add("backfill.accounts_at_once", std::to_string(backfill.accounts_at_once));
    sheet.add("backfill.memory", format_size(backfill.memory));
    sheet.add("backfill.bandwidth", format_size(backfill.bandwidth));
    std::vector<std::string> hours;
    for (const DayTime& part : backfill.quiet_hours) {
        hours.push_back(format_day_time(part));
    }
    sheet.add("backfill.quiet_hours", format_words(hours));
    sheet.add("backfill.recent", format_duration(backfill.recent));
    sheet.add("backfill.acls", backfill.acls ? "true" : "false");
    sheet.add("backfill.poll", format_duration(backfill.poll));
    sheet.add("backfill.socket", backfill.socket);
    sheet.add("backfill.http", backfill.http ? format_endpoint(*backfill.http) : "");
}

}  // namespace siding::config
