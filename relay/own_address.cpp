#include "relay/own_address.hpp"

#include "net/interfaces.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

bool is_unspecified(const std::string& address) {
    return address == "0.0.0.0" || address == "::";
}

bool is_same_family(const std::string& a, const std::string& b) {
    return (a.find(':') == std::string::npos) == (b.find(':') == std::string::npos);
}

// A socket on :: takes IPv4 too, unless it was told otherwise.
bool covers(const std::string& listener, const std::string& target) {
    return listener == "::" || (listener == "0.0.0.0" && is_same_family(listener, target));
}

}  // namespace

bool is_own_address(const config::Config& config, const net::Endpoint& target) {
    const auto leads_here = [&](const config::Listener& listener) {
        if (listener.address.port != target.port || target.port == 0) {
            return false;
        }
        const std::string& own = listener.address.host;
        if (own == target.address) {
            return true;
        }
        // Who connects to 0.0.0.0 or :: reaches this host.
        if (is_unspecified(target.address)) {
            return is_unspecified(own) || config::is_loopback_address(own);
        }
        return covers(own, target.address) && (config::is_loopback_address(target.address) ||
                                               net::is_address_of_this_host(target.address));
    };
    return std::ranges::any_of(config.listeners, leads_here);
}

}  // namespace siding::relay
