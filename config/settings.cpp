#include "config/settings.hpp"

#include "base/check.hpp"
#include "config/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::config {
namespace {

class Sheet {
public:
    void add(const std::string& path, std::string value) { add(path, path, std::move(value)); }

    void add(const std::string& path, std::string_view schema, std::string value) {
        const Key* key = find_key(schema);
        SIDING_CHECK(key != nullptr, schema);
        settings_.insert_or_assign(path, Setting{key, std::move(value)});
    }

    std::map<std::string, Setting> take() { return std::move(settings_); }

private:
    std::map<std::string, Setting> settings_;
};

void add_servers(const Config& config, Sheet& sheet) {
    for (const auto& [name, server] : config.servers) {
        const std::string path = "servers." + name;
        sheet.add(path, "servers", "");
        sheet.add(path + ".address", "servers.*.address", format_endpoint(server.address));
        sheet.add(
            path + ".connections", "servers.*.connections", std::to_string(server.connections)
        );
        sheet.add(path + ".tls", "servers.*.tls", "off");
        sheet.add(
            path + ".connect_timeout",
            "servers.*.connect_timeout",
            format_duration(server.connect_timeout)
        );
    }
}

void add_domains(const Config& config, Sheet& sheet) {
    for (const auto& [domain, settings] : config.domains) {
        const std::string path = "domains." + domain.text();
        sheet.add(path, "domains", "");
        sheet.add(path + ".phase", "domains.*.phase", std::string{format_phase(settings.phase)});
        sheet.add(path + ".recipients", "domains.*.recipients", "any");
    }
}

void add_limits(const Limits& limits, Sheet& sheet) {
    sheet.add("limits.message_size", format_size(limits.message_size_bytes));
    sheet.add("limits.recipients", std::to_string(limits.recipients));
    sheet.add("limits.connections", std::to_string(limits.connections));
    sheet.add("limits.connections_per_client", std::to_string(limits.connections_per_client));
    sheet.add("limits.soft_errors", std::to_string(limits.soft_errors));
    sheet.add("limits.hard_errors", std::to_string(limits.hard_errors));
}

std::string format_listeners(const std::vector<Listener>& listeners) {
    std::vector<std::string> addresses;
    for (const Listener& listener : listeners) {
        addresses.push_back(format_endpoint(listener.address));
    }
    return fmt::format("{}", fmt::join(addresses, ", "));
}

std::string format_schedule(const Retry& retry) {
    std::vector<std::string> waits;
    for (const auto wait : retry.schedule) {
        waits.push_back(format_duration(wait));
    }
    return fmt::format("[{}]", fmt::join(waits, ", "));
}

}  // namespace

std::map<std::string, Setting> settings_of(const Config& config) {
    Sheet sheet;
    sheet.add("hostname", config.hostname);
    sheet.add("data_dir", config.data_dir);
    sheet.add("listeners", format_listeners(config.listeners));
    add_servers(config, sheet);
    add_domains(config, sheet);
    add_limits(config.limits, sheet);
    sheet.add("bare_newlines", std::string{format_bare_newlines(config.bare_newlines)});
    sheet.add("retry.schedule", format_schedule(config.retry));
    sheet.add("storage.disk_reserve", config.storage.disk_reserve.text());
    const Control& control = config.control;
    sheet.add("control.socket", control.socket);
    sheet.add("control.http", control.http ? format_endpoint(*control.http) : "");
    sheet.add("control.token_file", control.token_file.value_or(""));
    sheet.add("log.level", std::string{format_log_level(config.log.level)});
    sheet.add("drain_timeout", format_duration(config.drain_timeout));
    sheet.add("threads", config.threads ? std::to_string(*config.threads) : "auto");
    return sheet.take();
}

std::string_view format_log_level(LogLevel level) {
    switch (level) {
    case LogLevel::trace:
        return "trace";
    case LogLevel::debug:
        return "debug";
    case LogLevel::info:
        return "info";
    case LogLevel::warn:
        return "warn";
    case LogLevel::error:
        return "error";
    }
    SIDING_UNREACHABLE("log level");
}

std::string_view format_bare_newlines(BareNewlines policy) {
    switch (policy) {
    case BareNewlines::normalize:
        return "normalize";
    case BareNewlines::reject:
        return "reject";
    }
    SIDING_UNREACHABLE("bare newlines");
}

}  // namespace siding::config
