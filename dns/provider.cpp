#include "dns/provider.hpp"

#include "base/domain.hpp"
#include "base/network.hpp"

#include <libpsl.h>

namespace siding::dns {

std::string registrable_domain(std::string_view name) {
    if (!network_of(name, {}).empty()) {
        return {};  // 192.0.2.1 looks like a name
    }
    const auto domain = Domain::parse(name);
    if (!domain || domain->text().find('.') == std::string::npos) {
        return {};
    }
    // The list that is compiled into the library: never freed, never null in Debian's build.
    const char* const found = psl_registrable_domain(psl_builtin(), domain->text().c_str());
    return found == nullptr ? std::string{} : std::string{found};
}

std::string provider_network(std::string_view address) {
    return network_of(address, {.ipv4_prefix = 24, .ipv6_prefix = 48});
}

std::string provider_of(const Client& client) {
    if (auto domain = registrable_domain(client.name); !domain.empty()) {
        return domain;
    }
    if (client.is_helo_confirmed) {
        if (auto domain = registrable_domain(client.helo); !domain.empty()) {
            return domain;
        }
    }
    return provider_network(client.address);
}

}  // namespace siding::dns
