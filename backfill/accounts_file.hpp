// The accounts file: CSV (RFC 4180) with a header row, columns in any order, or the lines of
// imapsync users without one ("host1;user1;password1;host2;user2;password2;"). Lines that begin
// with # and blank ones do not count. A row named * gives what is empty in the rows below it. What
// the file does not say is taken from the configuration.
//
// Every mistake is told with line and column; a line with one gives no account, the others do. No
// problem and no warning shows a letter of a secret.
#pragma once

#include "backfill/account.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct AccountsProblem {
    int line = 0;    // from 1
    int column = 0;  // octet of the line, from 1; 0: the line as a whole
    std::string what;

    std::string text() const;  // "4:17: source_port: '99x' is no port; …"
    bool operator==(const AccountsProblem&) const = default;
};

struct Accounts {
    std::vector<Account> list;  // in the order of the file
    std::vector<AccountsProblem> problems;
    std::vector<AccountsProblem> warnings;  // line 0: of the file
};

// `directory` is where relative paths start. Errc::invalid_argument: it is no accounts file at all
// (no text, no column that is known, none that names the accounts).
Result<Accounts> parse_accounts(
    std::string_view text, const config::Backfill& defaults, const std::string& directory = {}
);

// The file that `defaults.accounts` names; blocks. Warns of one with secrets in it that others can
// read. Errc::not_found: the configuration names none, or it is not there.
Result<Accounts> load_accounts(const config::Backfill& defaults);

const Account* find_account(const Accounts& accounts, std::string_view name);

}  // namespace siding::backfill
