// The columns of an accounts file: our own names for them, and those of other programs' files.
#pragma once

#include "backfill/side.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace siding::backfill {

enum class Field {
    // of the account
    name,
    email,   // the name, and the destination's user where nothing else says it
    folder,  // FolderRules::below
    plan,
    map,
    skip,
    only,
    // of a side
    host,
    port,
    tls,
    ca_file,
    fingerprints,
    auth,
    user,
    admin,  // logs in for `user`
    authzid,
    proxyauth,
    secret,
    secret_file,
    secret_env,
    secret_credential,
    token_endpoint,
    token_client_id,
    token_client_secret_file,
    token_scope,
    token_device_endpoint,
    token_ca_file,
    prefix,
};

struct Column {
    Side side = Side::account;
    Field field = Field::name;

    auto operator<=>(const Column&) const = default;
};

// "source_host", "host1", "Source Host", "EmailAddress"; case, blanks and hyphens do not count.
std::optional<Column> column_of(std::string_view header);

// "source_host"
std::string format_column(Column column);

// The column that may have been meant; nothing where none is near. Never what was written.
std::optional<std::string> column_near(std::string_view header);

// Whether a header that is no column looks like one of a side: "source_pasword".
bool names_a_side(std::string_view header);

}  // namespace siding::backfill
