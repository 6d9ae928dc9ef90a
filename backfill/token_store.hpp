// Where the refresh tokens are: in the accounts' own secrets, and the newer ones that an endpoint
// has given since. A new one goes back into the file that the old one came from. Where there is no
// such file, or it cannot be written, it goes into a directory of ours, under the digest of the one
// that it takes the place of: when the operator puts another one there, that one counts again.
//
// Blocks. Knows no network.
#pragma once

#include "backfill/account.hpp"
#include "base/result.hpp"

#include <filesystem>
#include <string>

namespace siding::backfill {

struct StoredToken {
    std::string key;      // the same for all logins that share it
    std::string refresh;  // empty: there is none, and the client asks in its own name
};

class TokenStore {
public:
    explicit TokenStore(std::filesystem::path directory) : directory_{std::move(directory)} {}

    // Errors as of Secret::read().
    Result<StoredToken> find(const Login& login) const;

    // On disk when this returns. Errc::storage_failure where it is nowhere.
    Result<void> keep(const Login& login, const std::string& refresh) const;

private:
    std::filesystem::path authorized_path(const Login& login) const;
    std::filesystem::path successor_path(const std::string& original) const;
    Result<void> write(const std::filesystem::path& path, const std::string& refresh) const;

    std::filesystem::path directory_;
};

}  // namespace siding::backfill
