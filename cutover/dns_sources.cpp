#include "cutover/dns_sources.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sstream>

namespace siding::cutover {
namespace {

Result<std::string> read_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.fail()) {
        return Error{
            Errc::not_found, fmt::format("{} cannot be read: {}", path, std::strerror(errno))};
    }
    return text.str();
}

std::vector<dns::PanelOperator> usual_panel(const config::Dns& dns) {
    std::vector<dns::PanelOperator> panel = dns::default_panel();
    if (dns.servers.empty()) {
        std::ranges::copy(dns::system_panel(), std::back_inserter(panel));
    } else {
        dns::PanelOperator own;
        own.name = "our resolvers";
        own.is_system = true;
        for (const config::Endpoint& server : dns.servers) {
            own.addresses.emplace_back(server.host, server.port);
        }
        panel.push_back(std::move(own));
    }
    return panel;
}

}  // namespace

dns::Roots roots_of(const config::Dns& dns) {
    dns::Roots roots = dns::default_roots();
    if (!dns.roots.empty()) {
        roots.servers.clear();
        for (const config::Endpoint& root : dns.roots) {
            roots.servers.emplace_back(root.host, root.port);
        }
    }
    roots.port = dns.port;
    return roots;
}

dns::ResolverOptions resolver_options(const config::Dns& dns) {
    dns::ResolverOptions options;
    for (const config::Endpoint& server : dns.servers) {
        options.servers.emplace_back(server.host, server.port);
    }
    options.timeout = dns.timeout;
    options.tries = dns.tries;
    return options;
}

Result<std::vector<dns::PanelOperator>> read_panel(const config::Dns& dns) {
    if (!dns.panel) {
        return std::vector<dns::PanelOperator>{};
    }
    if (!dns.panel_file) {
        return usual_panel(dns);
    }
    SIDING_ASSIGN(const std::string text, read_text(*dns.panel_file));
    auto panel = dns::parse_panel(text);
    if (panel.has_error()) {
        return with_context(panel.error(), *dns.panel_file);
    }
    return panel;
}

}  // namespace siding::cutover
