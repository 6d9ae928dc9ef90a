#include "base/bytes.hpp"
#include "config/load_parts.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::config {
namespace {

void check_hosts(Section& section, const MxMove& mx) {
    for (const std::string& host : mx.old_hosts) {
        if (std::ranges::find(mx.new_hosts, host) != mx.new_hosts.end()) {
            section.add_problem(
                "old", fmt::format("{} is a new one, too; a host is one or the other", escape(host))
            );
        }
    }
}

}  // namespace

void read_dns(Section& root, const FileValue& file, Dns& dns) {
    root.group("dns", [&](Section& section) {
        section.read_list("servers", dns.servers, resolver_value);
        section.read("timeout", dns.timeout, duration_value);
        section.read("tries", dns.tries, count_value);
        section.read("enabled", dns.enabled, flag_value);
        section.read("watch", dns.watch, duration_value);
        section.read("watch_near", dns.watch_near, duration_value);
        std::string panel = "default";
        section.read("panel", panel, [&](const Key& key, std::string_view text) {
            const bool word = text == "default" || text == "off";
            return word ? Result<std::string>{std::string{text}} : file(key, text);
        });
        dns.panel = panel != "off";
        if (panel.starts_with('/')) {
            dns.panel_file = panel;
        }
        section.read("samples", dns.samples, count_value);
        section.read("rounds", dns.rounds, count_value);
        section.read("slack", dns.slack, duration_value);
        section.read("floor", dns.floor, duration_value);
        section.read("allowance", dns.allowance, duration_value);
        section.read("coverage_min", dns.coverage_min, share_value);
        section.read("straggler_max", dns.straggler_max, share_value);
        section.read("operators_min", dns.operators_min, count_value);
        section.read_list("roots", dns.roots, resolver_value);
        section.read("port", dns.port, count_value);
        if (dns.watch_near > dns.watch) {
            section.add_problem("watch_near", "is above dns.watch; near a switch is more often");
        }
    });
}

void read_mx(Section& domain, const FileValue& file, DomainSettings& settings) {
    MxMove& mx = settings.mx;
    domain.group("mx", [&](Section& section) {
        section.read_list("new", mx.new_hosts, hostname_value);
        section.read_list("old", mx.old_hosts, hostname_value);
        section.read("switch_at", mx.switch_at, time_value);
        check_hosts(section, mx);
    });
    domain.group("stragglers", [&](Section& section) {
        section.read("log", settings.stragglers.log, file);
        section.read_list("networks", settings.stragglers.networks, network_value);
    });
}

}  // namespace siding::config
