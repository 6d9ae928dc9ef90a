#include "config/load_parts.hpp"

namespace siding::config {

void read_limits(Section& root, Limits& limits) {
    root.group("limits", [&](Section& section) {
        section.read("message_size", limits.message_size_bytes, size_value);
        section.read("header_size", limits.header_size_bytes, size_value);
        section.read("received", limits.received, count_value);
        section.read("recipients", limits.recipients, count_value);
        section.read("commands", limits.commands, count_value);
        section.read("connections", limits.connections, count_value);
        section.read("connections_per_client", limits.connections_per_client, count_value);
        section.read("connection_rate", limits.connection_rate, count_value);
        section.read("message_rate", limits.message_rate, count_value);
        section.read("recipient_rate", limits.recipient_rate, count_value);
        section.read_list("exempt", limits.exempt, network_value);
        section.read("stress", limits.stress_percent, percent_value);
        section.read("soft_errors", limits.soft_errors, count_value);
        section.read("hard_errors", limits.hard_errors, count_value);
    });
}

void read_timeouts(Section& root, Timeouts& timeouts) {
    root.group("timeouts", [&](Section& section) {
        section.read("greeting", timeouts.greeting, duration_value);
        section.read("command", timeouts.command, duration_value);
        section.read("data", timeouts.data, duration_value);
        section.read("message", timeouts.message, duration_value);
        section.read("stressed_command", timeouts.stressed_command, duration_value);
        section.read("stressed_data", timeouts.stressed_data, duration_value);
        section.read("data_rate_min", timeouts.data_rate_min, count_value);
    });
}

}  // namespace siding::config
