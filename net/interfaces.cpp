#include "net/interfaces.hpp"

#include "net/endpoint.hpp"

#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>

namespace siding::net {
namespace {

struct FreeInterfaces {
    void operator()(ifaddrs* first) const { ::freeifaddrs(first); }
};

std::string_view without_zone(std::string_view address) {
    return address.substr(0, address.find('%'));
}

}  // namespace

bool is_address_of_this_host(std::string_view address) {
    ifaddrs* first = nullptr;
    if (address.empty() || ::getifaddrs(&first) != 0) {
        return false;
    }
    const std::unique_ptr<ifaddrs, FreeInterfaces> owner{first};
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) {
            continue;
        }
        const bool is_ipv6 = entry->ifa_addr->sa_family == AF_INET6;
        if (!is_ipv6 && entry->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        const std::size_t size = is_ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
        const Endpoint own = make_endpoint(entry->ifa_addr, size);
        if (without_zone(own.address) == without_zone(address)) {
            return true;
        }
    }
    return false;
}

}  // namespace siding::net
