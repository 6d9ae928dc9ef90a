#include "config/settings.hpp"

#include "config/settings_sheet.hpp"
#include "config/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::config {
namespace {

std::string format_networks(const std::vector<Network>& networks) {
    std::vector<std::string> words;
    for (const Network& network : networks) {
        words.push_back(network.text());
    }
    return format_list(words);
}

void add_tls(const Tls& tls, Sheet& sheet) {
    const Identity identity = tls.identity.value_or(Identity{});
    sheet.add("tls.certificate", identity.certificate);
    sheet.add("tls.key", identity.key);
    sheet.add_choice("tls.minimum", "tls.minimum", tls.minimum);
    for (const auto& [name, own] : tls.names) {
        const std::string path = "tls.names." + name;
        sheet.add(path, "tls.names", "");
        sheet.add(path + ".certificate", "tls.names.*.certificate", own.certificate);
        sheet.add(path + ".key", "tls.names.*.key", own.key);
    }
}

void add_verify(const Config& config, Sheet& sheet) {
    const Verify& verify = config.verify;
    const bool usual = verify.sender == default_probe_sender(config.hostname);
    const std::string sender = verify.sender.empty() ? "<>" : verify.sender;
    sheet.add("verify.sender", usual ? "" : sender);
    sheet.add("verify.positive_ttl", format_duration(verify.positive_ttl));
    sheet.add("verify.negative_ttl", format_duration(verify.negative_ttl));
    sheet.add("verify.timeout", format_duration(verify.timeout));
    sheet.add("verify.connections", std::to_string(verify.connections));
    sheet.add_choice("verify.when_unreachable", "verify.when_unreachable", verify.when_unreachable);
    sheet.add("verify.detect_catch_all", fmt::format("{}", verify.detect_catch_all));
}

void add_filter(const Filter& filter, Sheet& sheet) {
    sheet.add("filter.rspamd", filter.rspamd.value_or(""));
    sheet.add_choice("filter.on_failure", "filter.on_failure", filter.on_failure);
    sheet.add_choice("filter.on_reject", "filter.on_reject", filter.on_reject);
    sheet.add("filter.timeout", format_duration(filter.timeout));
    sheet.add("filter.max_size", format_size(filter.max_size_bytes));
}

void add_limits(const Limits& limits, Sheet& sheet) {
    sheet.add("limits.message_size", format_size(limits.message_size_bytes));
    sheet.add("limits.header_size", format_size(limits.header_size_bytes));
    sheet.add("limits.received", std::to_string(limits.received));
    sheet.add("limits.recipients", std::to_string(limits.recipients));
    sheet.add("limits.commands", std::to_string(limits.commands));
    sheet.add("limits.connections", std::to_string(limits.connections));
    sheet.add("limits.connections_per_client", std::to_string(limits.connections_per_client));
    sheet.add("limits.connection_rate", std::to_string(limits.connection_rate));
    sheet.add("limits.message_rate", std::to_string(limits.message_rate));
    sheet.add("limits.recipient_rate", std::to_string(limits.recipient_rate));
    sheet.add("limits.exempt", format_networks(limits.exempt));
    sheet.add("limits.stress", format_percent(limits.stress_percent));
    sheet.add("limits.soft_errors", std::to_string(limits.soft_errors));
    sheet.add("limits.hard_errors", std::to_string(limits.hard_errors));
}

void add_timeouts(const Timeouts& timeouts, Sheet& sheet) {
    sheet.add("timeouts.greeting", format_duration(timeouts.greeting));
    sheet.add("timeouts.command", format_duration(timeouts.command));
    sheet.add("timeouts.data", format_duration(timeouts.data));
    sheet.add("timeouts.message", format_duration(timeouts.message));
    sheet.add("timeouts.stressed_command", format_duration(timeouts.stressed_command));
    sheet.add("timeouts.stressed_data", format_duration(timeouts.stressed_data));
    sheet.add("timeouts.data_rate_min", std::to_string(timeouts.data_rate_min));
}

void add_peers(const TrustedPeers& peers, std::string_view name, std::vector<std::string>& facts) {
    if (!peers.networks.empty()) {
        facts.push_back(fmt::format(
            "{} {} {}",
            name,
            peers.required ? "required from" : "from",
            format_networks(peers.networks)
        ));
    }
}

// The address, and in parentheses what is not as usual.
std::string format_listener(const Listener& listener) {
    std::vector<std::string> facts;
    if (listener.tls != ListenerTls::off) {
        facts.push_back(fmt::format("tls {}", choice_text("listeners[].tls", listener.tls)));
    }
    if (listener.tls_required) {
        facts.emplace_back("tls_required");
    }
    if (listener.client_certificates) {
        facts.emplace_back("client_certificates");
    }
    add_peers(listener.proxy_protocol, "proxy_protocol", facts);
    add_peers(listener.xclient, "xclient", facts);
    if (listener.extensions) {
        facts.push_back("extensions " + format_list(*listener.extensions));
    }
    const std::string address = format_endpoint(listener.address);
    return facts.empty() ? address : fmt::format("{} ({})", address, fmt::join(facts, ", "));
}

std::string format_listeners(const std::vector<Listener>& listeners) {
    std::vector<std::string> texts;
    for (const Listener& listener : listeners) {
        texts.push_back(format_listener(listener));
    }
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string format_schedule(const Retry& retry) {
    std::vector<std::string> waits;
    for (const auto wait : retry.schedule) {
        waits.push_back(format_duration(wait));
    }
    return format_list(waits);
}

}  // namespace

std::map<std::string, Setting> settings_of(const Config& config) {
    Sheet sheet;
    sheet.add("hostname", config.hostname);
    sheet.add("data_dir", config.data_dir);
    sheet.add("listeners", format_listeners(config.listeners));
    add_tls(config.tls, sheet);
    sheet.add("extensions", format_list(config.extensions));
    add_servers(config, sheet);
    add_domains(config, sheet);
    sheet.add("recipient_delimiter", config.recipient_delimiter);
    add_verify(config, sheet);
    add_filter(config.filter, sheet);
    add_delivery(config, sheet);
    add_dns(config.dns, sheet);
    add_limits(config.limits, sheet);
    add_timeouts(config.timeouts, sheet);
    sheet.add_choice("early_talkers", "early_talkers", config.early_talkers);
    sheet.add("greeting_delay", format_duration(config.greeting_delay));
    sheet.add_choice("bare_newlines", "bare_newlines", config.bare_newlines);
    sheet.add("retry.schedule", format_schedule(config.retry));
    sheet.add("storage.disk_reserve", config.storage.disk_reserve.text());
    const Control& control = config.control;
    sheet.add("control.socket", control.socket);
    sheet.add("control.http", control.http ? format_endpoint(*control.http) : "");
    sheet.add("control.token_file", control.token_file.value_or(""));
    add_backfill(config.backfill, sheet);
    sheet.add_choice("log.level", "log.level", config.log.level);
    sheet.add("drain_timeout", format_duration(config.drain_timeout));
    sheet.add("threads", config.threads ? std::to_string(*config.threads) : "auto");
    return sheet.take();
}

}  // namespace siding::config
