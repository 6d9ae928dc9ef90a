#include "backfill/token_store.hpp"

#include "backfill/secret_file.hpp"
#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <optional>

namespace siding::backfill {
namespace {

const Logger log{"backfill"};
const std::string nul(1, '\0');

std::string text_of(const config::TokenSource& tokens) {
    return tokens.endpoint + nul + tokens.client_id + nul + tokens.scope + nul +
           tokens.client_secret_file.value_or("");
}

// Nothing where there is no such file.
Result<std::optional<std::string>> read(const std::filesystem::path& path) {
    auto secret = Secret{Secret::Kind::file, path.string()}.read();
    if (secret) {
        return std::optional{std::move(*secret)};
    }
    if (secret.error().is(Errc::not_found)) {
        return std::optional<std::string>{};
    }
    return std::move(secret).error();
}

}  // namespace

// Of logins that had no refresh token before a user authorized us.
std::filesystem::path TokenStore::authorized_path(const Login& login) const {
    const std::string who = fmt::format("{}{}{}", login.account, nul, to_text(login.side));
    return directory_ / (to_hex(sha256("authorized" + nul + who)) + ".token");
}

std::filesystem::path TokenStore::successor_path(const std::string& original) const {
    return directory_ / (to_hex(sha256("successor" + nul + original)) + ".token");
}

Result<StoredToken> TokenStore::find(const Login& login) const {
    StoredToken found;
    const std::string source = text_of(*login.tokens);
    auto original = login.secret.read();
    if (original) {
        const auto kind = static_cast<int>(login.secret.kind);
        found.key = fmt::format("secret {}{}{}{}", kind, login.secret.value, nul, source);
        SIDING_ASSIGN(auto successor, read(successor_path(*original)));
        found.refresh = successor.value_or(std::move(*original));
        return found;
    }
    if (!original.error().is(Errc::not_found)) {
        return std::move(original).error();
    }
    SIDING_ASSIGN(auto authorized, read(authorized_path(login)));
    if (authorized) {
        found.key = fmt::format(
            "authorized {}{}{}{}{}", login.account, nul, to_text(login.side), nul, source
        );
        found.refresh = std::move(*authorized);
        return found;
    }
    if (login.secret.kind != Secret::Kind::none) {
        return std::move(original).error();
    }
    found.key = "client" + nul + source;
    return found;
}

Result<void> TokenStore::keep(const Login& login, const std::string& refresh) const {
    const auto original = login.secret.read();
    if (login.secret.kind == Secret::Kind::file) {
        const auto written = write_secret_file(login.secret.value, refresh);
        if (written) {
            return {};
        }
        log.info(
            "refresh_token_kept_elsewhere",
            {{"account", login.account}, {"side", to_text(login.side)}, {"reason", written.error()}}
        );
    }
    return write(original ? successor_path(*original) : authorized_path(login), refresh);
}

Result<void> TokenStore::write(const std::filesystem::path& path, const std::string& refresh)
    const {
    std::error_code failure;
    std::filesystem::create_directories(directory_, failure);
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, failure);
    if (failure) {
        return Error{
            Errc::storage_failure,
            fmt::format("{} cannot be made: {}", escape(directory_.string()), failure.message())};
    }
    return write_secret_file(path.string(), refresh);
}

}  // namespace siding::backfill
