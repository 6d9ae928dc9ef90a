#include "config/load_parts.hpp"

#include <algorithm>

namespace siding::config {
namespace {

void read_express(Section& root, Config& config) {
    root.each_entry("express", [&](const Entry& entry, Section& section) {
        ExpressRule rule;
        rule.name = entry.key;
        section.read("sender", rule.sender, glob_value);
        section.read("recipient", rule.recipient, glob_value);
        section.read("header", rule.header, header_glob_value);
        section.read("max_size", rule.max_size_bytes, size_value);
        section.read("min_size", rule.min_size_bytes, size_value);
        if (!is_name(rule.name)) {
            section.add_problem("is no name for a rule; allowed: up to 32 of a-z, 0-9, - and _");
        }
        if (section.is_empty()) {
            section.add_problem(
                "says nothing, so all mail would go; allowed: at least one of sender, recipient, "
                "header, max_size, min_size"
            );
        }
        if (rule.min_size_bytes && rule.max_size_bytes &&
            *rule.min_size_bytes > *rule.max_size_bytes) {
            section.add_problem("min_size", "is above max_size, so no message would match");
        }
        config.express.push_back(std::move(rule));
    });
    std::ranges::sort(config.express, {}, &ExpressRule::name);
    if (!config.express.empty() && !config.servers.contains("new")) {
        root.add_problem("express", "sends to the server 'new', which is missing under servers");
    }
}

}  // namespace

void read_delivery(Section& root, Config& config) {
    root.group("pass_through", [&](Section& section) {
        PassThrough& pass = config.pass_through;
        section.read("enabled", pass.enabled, flag_value);
        section.read("connections", pass.connections, count_value);
        section.read("connect_timeout", pass.connect_timeout, duration_value);
        section.read("rcpt_timeout", pass.rcpt_timeout, duration_value);
        section.read("data_timeout", pass.data_timeout, duration_value);
    });
    read_express(root, config);
    root.group("release", [&](Section& section) {
        section.read("rate", config.release.rate, count_value);
        section.read("canary", config.release.canary, count_value);
        section.read("pause_percent", config.release.pause_percent, percent_value);
        section.read("order", config.release.order, enum_value<Release::Order>);
    });
    root.group("retention", [&](Section& section) {
        section.read("time", config.retention.time, duration_value);
        section.read("size", config.retention.size_bytes, size_value);
    });
    root.group("dsn", [&](Section& section) {
        section.read("server", config.dsn.server, ServerName{config.servers});
    });
}

}  // namespace siding::config
