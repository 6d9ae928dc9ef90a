#include "config/settings_sheet.hpp"
#include "config/units.hpp"

#include <cmath>
#include <fmt/format.h>

namespace siding::config {
namespace {

std::uint64_t millionths_of(double share) {
    return static_cast<std::uint64_t>(std::llround(share * 1e6));
}

}  // namespace

void add_mx(const std::string& path, const DomainSettings& settings, Sheet& sheet) {
    const MxMove& mx = settings.mx;
    sheet.add(path + ".mx.new", "domains.*.mx.new", format_words(mx.new_hosts));
    sheet.add(path + ".mx.old", "domains.*.mx.old", format_words(mx.old_hosts));
    sheet.add(
        path + ".mx.switch_at",
        "domains.*.mx.switch_at",
        mx.switch_at ? format_time(*mx.switch_at) : ""
    );
    const Stragglers& stragglers = settings.stragglers;
    sheet.add(path + ".stragglers.log", "domains.*.stragglers.log", stragglers.log.value_or(""));
    std::vector<std::string> networks;
    for (const Network& network : stragglers.networks) {
        networks.push_back(network.text());
    }
    sheet.add(
        path + ".stragglers.networks", "domains.*.stragglers.networks", format_words(networks)
    );
}

void add_dns(const Dns& dns, Sheet& sheet) {
    sheet.add("dns.servers", format_endpoints(dns.servers));
    sheet.add("dns.timeout", format_duration(dns.timeout));
    sheet.add("dns.tries", std::to_string(dns.tries));
    sheet.add("dns.enabled", fmt::format("{}", dns.enabled));
    sheet.add("dns.watch", format_duration(dns.watch));
    sheet.add("dns.watch_near", format_duration(dns.watch_near));
    sheet.add("dns.panel", dns.panel ? dns.panel_file.value_or("default") : "off");
    sheet.add("dns.samples", std::to_string(dns.samples));
    sheet.add("dns.rounds", std::to_string(dns.rounds));
    sheet.add("dns.slack", format_duration(dns.slack));
    sheet.add("dns.floor", format_duration(dns.floor));
    sheet.add("dns.allowance", format_duration(dns.allowance));
    sheet.add("dns.coverage_min", format_share(millionths_of(dns.coverage_min)));
    sheet.add("dns.straggler_max", format_share(millionths_of(dns.straggler_max)));
    sheet.add("dns.operators_min", std::to_string(dns.operators_min));
    sheet.add("dns.roots", format_endpoints(dns.roots));
    sheet.add("dns.port", std::to_string(dns.port));
}

}  // namespace siding::config
