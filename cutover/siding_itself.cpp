// Which mail in the old server's log is no straggler: senders.hpp.
#include "base/bytes.hpp"
#include "cutover/senders.hpp"
#include "net/endpoint.hpp"

#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>

namespace siding::cutover {
namespace {

struct FreeAddresses {
    void operator()(ifaddrs* addresses) const { freeifaddrs(addresses); }
};

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

std::size_t size_of(const sockaddr& address) {
    return address.sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

}  // namespace

SidingItself this_siding(const std::string& hostname) {
    SidingItself siding;
    siding.hostname = hostname;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) {
        return siding;  // the hostname must do
    }
    const std::unique_ptr<ifaddrs, FreeAddresses> owned{first};
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
        const sockaddr* const address = one->ifa_addr;
        if (address == nullptr ||
            (address->sa_family != AF_INET && address->sa_family != AF_INET6)) {
            continue;
        }
        const std::string text = net::make_endpoint(address, size_of(*address)).address;
        const auto network = Network::parse(text);
        if (network && !is_loopback(text)) {
            siding.networks.push_back(*network);
        }
    }
    return siding;
}

std::optional<SeenMail> straggler_of(
    const LoggedMail& mail, const Domain& domain, const SidingItself& siding
) {
    const auto is_siding = [&](std::string_view name) {
        return !siding.hostname.empty() && equals_ignoring_case(name, siding.hostname);
    };
    if (!is_for(mail, domain) || is_siding(mail.client_name) || is_siding(mail.helo) ||
        contains(siding.networks, mail.client_address)) {
        return std::nullopt;
    }
    SeenMail seen;
    seen.at = mail.at;
    seen.client = {mail.client_name, mail.client_address, mail.helo};
    seen.sender = mail.sender;
    // From a printer in a private network it is a straggler like any other; what was handed in
    // locally or with a login, the old server took for its own.
    seen.is_old_server =
        mail.is_internal && (mail.client_address.empty() || is_loopback(mail.client_address) ||
                             !dns::is_private_address(mail.client_address));
    return seen;
}

}  // namespace siding::cutover
