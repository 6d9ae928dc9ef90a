// Who is who on two servers, by the accounts file: the user of an account at the source is that of
// the same account at the destination, for accounts between the same two servers. Pure.
#pragma once

#include "backfill/account.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// Source user to destination user.
using AclNames = std::map<std::string, std::string, std::less<>>;

// Whose mail a login opens, as an access control list names them.
std::string owner_of(const Login& login);

class AclDirectory {
public:
    AclDirectory() = default;
    explicit AclDirectory(const std::vector<Account>& accounts);

    // Never nothing.
    std::shared_ptr<const AclNames> names_for(const Account& account) const;

private:
    std::map<std::string, std::shared_ptr<AclNames>> by_servers_;
};

}  // namespace siding::backfill
