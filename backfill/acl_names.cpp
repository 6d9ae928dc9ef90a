#include "backfill/acl_names.hpp"

#include <fmt/format.h>

namespace siding::backfill {
namespace {

std::string servers_of(const Account& account) {
    return fmt::format(
        "{}:{} {}:{}",
        account.source.address.host,
        account.source.address.port,
        account.destination.address.host,
        account.destination.address.port
    );
}

}  // namespace

// "joe*master" is joe's mailbox, opened by somebody else.
std::string owner_of(const Login& login) {
    if (!login.authzid.empty()) {
        return login.authzid;
    }
    const auto star = login.user.find('*');
    return star == 0 ? login.user : login.user.substr(0, star);
}

AclDirectory::AclDirectory(const std::vector<Account>& accounts) {
    for (const Account& account : accounts) {
        auto& names = by_servers_[servers_of(account)];
        if (!names) {
            names = std::make_shared<AclNames>();
        }
        names->emplace(owner_of(account.source), owner_of(account.destination));
    }
}

std::shared_ptr<const AclNames> AclDirectory::names_for(const Account& account) const {
    const auto found = by_servers_.find(servers_of(account));
    return found == by_servers_.end() ? std::make_shared<const AclNames>() : found->second;
}

}  // namespace siding::backfill
