#include "dns/panel.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <sstream>

namespace siding::dns {
namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t operators_max = 256;
constexpr std::size_t addresses_max = 16;

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

PanelOperator make_operator(
    std::string name, std::initializer_list<const char*> addresses, std::string note
) {
    PanelOperator made{std::move(name), std::move(note)};
    for (const char* const address : addresses) {
        made.addresses.emplace_back(address, dns_port);
    }
    return made;
}

Error wrong(std::size_t line, const std::string& what) {
    return {Errc::invalid_argument, "line " + std::to_string(line) + ": " + what};
}

// An address without brackets may be IPv6: then all of it is the host.
Result<net::HostPort> parse_address(std::string_view text) {
    const net::HostPort bare{std::string{text}, dns_port};
    if (bare.is_literal()) {
        return bare;
    }
    auto parsed = net::HostPort::parse(text, dns_port);
    if (!parsed || !parsed->is_literal()) {
        return Error{
            Errc::invalid_argument,
            "\"" + escape(text) +
                "\" is no address; write 192.0.2.1, 2001:db8::1, 192.0.2.1:5353 "
                "or [2001:db8::1]:5353"};
    }
    return parsed;
}

Result<PanelOperator> parse_operator(std::string_view line, std::size_t number) {
    PanelOperator made;
    const std::size_t hash = line.find('#');
    if (hash != std::string_view::npos) {
        made.note = escape(trim(line.substr(hash + 1)));
        line = trim(line.substr(0, hash));
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = trim(line.substr(0, colon));
    if (colon == std::string_view::npos || name.empty()) {
        return wrong(number, "write \"Name: 192.0.2.1, 2001:db8::1  # note\"");
    }
    made.name = escape(name);
    if (made.name != name) {
        return wrong(number, "the name \"" + made.name + "\" is too long, or no text");
    }
    std::string_view rest = line.substr(colon + 1);
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view text = trim(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        const auto address = parse_address(text);
        if (!address) {
            return wrong(number, address.error().context);
        }
        made.addresses.push_back(*address);
    }
    if (made.addresses.empty() || made.addresses.size() > addresses_max) {
        return wrong(
            number, made.name + " needs 1 to " + std::to_string(addresses_max) + " addresses"
        );
    }
    return made;
}

}  // namespace

const std::vector<PanelOperator>& default_panel() {
    static const std::vector<PanelOperator> operators{
        make_operator("Google", {"8.8.8.8", "8.8.4.4"}, "many caches behind an address"),
        make_operator("Cloudflare", {"1.1.1.1", "1.0.0.1"}, ""),
        make_operator("Quad9", {"9.9.9.9", "149.112.112.112"}, "filters"),
        make_operator("OpenDNS", {"208.67.222.222", "208.67.220.220"}, "may serve stale answers"),
        make_operator("Yandex", {"77.88.8.8", "77.88.8.1"}, "Russia"),
        make_operator("AdGuard", {"94.140.14.140", "94.140.14.141"}, "not filtered"),
        make_operator("CleanBrowsing", {"185.228.168.9", "185.228.169.9"}, "filters"),
        make_operator("Lumen", {"4.2.2.1", "4.2.2.2", "209.244.0.3"}, "Level 3"),
        make_operator("AliDNS", {"223.5.5.5", "223.6.6.6"}, "China"),
        make_operator("HiNet", {"168.95.1.1", "168.95.192.1"}, "Taiwan"),
        make_operator("Vercara", {"64.6.64.6", "64.6.65.6"}, "UltraDNS Public"),
        make_operator("Comodo", {"8.26.56.26", "8.20.247.20"}, "filters"),
        make_operator("DNS.WATCH", {"84.200.69.80", "84.200.70.40"}, "Germany"),
        make_operator("Hurricane Electric", {"74.82.42.42"}, ""),
        make_operator("Control D", {"76.76.2.0", "76.76.10.0"}, "not filtered"),
        make_operator("DNS4EU", {"86.54.11.100", "86.54.11.200"}, "not filtered"),
        make_operator("CIRA", {"149.112.121.10", "149.112.122.10"}, "Canada"),
        make_operator("Quad101", {"101.101.101.101", "101.102.103.104"}, "Taiwan"),
        make_operator("DNSPod", {"119.29.29.29"}, "China, Tencent"),
        make_operator("KT", {"168.126.63.1", "168.126.63.2"}, "Korea"),
        make_operator("FDN", {"80.67.169.12", "80.67.169.40"}, "France"),
        make_operator("UncensoredDNS", {"91.239.100.100", "89.233.43.71"}, "Denmark"),
        make_operator("UltraRecursive", {"156.154.70.5", "156.154.71.5"}, "Neustar"),
    };
    return operators;
}

Result<std::vector<PanelOperator>> parse_panel(std::string_view text) {
    std::vector<PanelOperator> operators;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        SIDING_ASSIGN(PanelOperator made, parse_operator(line, number));
        if (std::ranges::find(operators, made.name, &PanelOperator::name) != operators.end()) {
            return wrong(number, made.name + " is there already");
        }
        if (operators.size() == operators_max) {
            return wrong(number, "more than " + std::to_string(operators_max) + " operators");
        }
        operators.push_back(std::move(made));
    }
    if (operators.empty()) {
        return Error{Errc::invalid_argument, "there is no operator in it"};
    }
    return operators;
}

std::string format_panel(const std::vector<PanelOperator>& operators) {
    std::string out;
    for (const PanelOperator& each : operators) {
        std::string addresses;
        for (const net::HostPort& address : each.addresses) {
            addresses += addresses.empty() ? "" : ", ";
            addresses += address.port == dns_port ? address.host : address.text();
        }
        out += each.name + ": " + addresses + (each.note.empty() ? "" : "  # " + each.note) + "\n";
    }
    return out;
}

// resolv.conf(5): "nameserver ADDRESS", the first three count.
std::vector<PanelOperator> parse_resolv_conf(std::string_view text) {
    constexpr std::size_t servers_max = 3;
    PanelOperator system{"system", "this host's own", {}, true};
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string keyword;
        std::string address;
        words >> keyword >> address;
        const net::HostPort server{address, dns_port};
        if (keyword == "nameserver" && server.is_literal() &&
            system.addresses.size() < servers_max) {
            system.addresses.push_back(server);
        }
    }
    if (system.addresses.empty()) {
        return {};
    }
    return {std::move(system)};
}

std::vector<PanelOperator> system_panel() {
    std::ifstream file{"/etc/resolv.conf"};
    std::ostringstream text;
    text << file.rdbuf();
    return parse_resolv_conf(text.str());
}

}  // namespace siding::dns
