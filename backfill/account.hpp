// An account: one user's mail on two servers, and how to log in to each.
#pragma once

#include "backfill/folder_rules.hpp"
#include "backfill/secret.hpp"
#include "backfill/side.hpp"
#include "config/backfill.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

enum class Mechanism { automatic, plain, login, scram_sha_256, xoauth2, oauthbearer };

std::string_view format_mechanism(Mechanism mechanism);  // "auto", "plain", "scram-sha-256", …
std::optional<Mechanism> parse_mechanism(std::string_view word);  // case does not count

struct Login {
    std::string account;        // whose it is: Account::name
    Side side = Side::account;  // of his two
    config::Endpoint address;
    config::ImapTls tls = config::ImapTls::implicit;
    std::optional<std::string> ca_file;     // absolute
    std::vector<std::string> fingerprints;  // SHA-256, 64 digits, a-f
    Mechanism mechanism = Mechanism::automatic;
    std::string user;     // who logs in, sent as it stands ("joe*master" is for the server to read)
    std::string authzid;  // whose mail it is, if another's: of PLAIN, or the target of PROXYAUTH
    bool proxyauth = false;  // log in as `user`, then PROXYAUTH `authzid`
    // With `tokens`: the refresh token, or none for client credentials (RFC 6749 §4.4). Without:
    // the password, and of XOAUTH2 and OAUTHBEARER the access token.
    Secret secret;
    std::optional<config::TokenSource> tokens;
    std::optional<std::string> prefix;  // of the user's folders; nothing: as NAMESPACE says
    bool compress = false;              // COMPRESS=DEFLATE, where it is offered

    // Logs in with an access token that has to be got first.
    bool needs_token() const;

    bool operator==(const Login&) const = default;
};

struct Account {
    std::string name;  // printable, unique without regard to ASCII case
    Login source;
    Login destination;
    FolderRules rules;
    std::optional<std::string> plan_file;  // absolute; a folder plan that was reviewed
    int line = 0;                          // of the accounts file

    bool operator==(const Account&) const = default;
};

}  // namespace siding::backfill
