#include "backfill/accounts_row.hpp"

#include "backfill/accounts_login.hpp"
#include "backfill/limits.hpp"
#include "backfill/way_back.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr Column name_column{Side::account, Field::name};
constexpr Column email_column{Side::account, Field::email};

bool is_printable(std::string_view text) {
    return is_utf8(text) && std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
           });
}

const std::string& mailbox_of(const Login& login) {
    return login.authzid.empty() ? login.user : login.authzid;
}

// An admin logs in for the user.
void put_admin(RowCells& cells, Side side, Login& login) {
    const CsvField* admin = cells.find({side, Field::admin});
    if (admin == nullptr) {
        return;
    }
    login.authzid = login.user;
    login.user = admin->text;
    if (login.authzid.empty()) {
        cells.refuse({side, Field::user}, "is missing; for whom does the admin log in?");
    }
}

// Whoever is not named is named by a mailbox of his, and has the same name on both sides.
void read_names(RowCells& cells, Account& account) {
    const std::string email = cells.text(email_column);
    Login& source = account.source;
    Login& destination = account.destination;
    account.name = cells.text(name_column);
    if (account.name.empty()) {
        account.name = email;
    }
    if (source.user.empty()) {
        source.user = account.name;
    }
    if (account.name.empty()) {
        account.name = mailbox_of(source);
    }
    // What joe*master is called elsewhere nobody can know.
    const bool is_master = mailbox_of(source).find('*') != std::string::npos;
    if (destination.user.empty() && !email.empty()) {
        destination.user = email;
    } else if (destination.user.empty() && !is_master) {
        destination.user = mailbox_of(source);
    }
    put_admin(cells, Side::source, source);
    put_admin(cells, Side::destination, destination);
    source.account = account.name;
    destination.account = account.name;
    if (is_name_of_way_back(account.name)) {
        cells.refuse(
            cells.find(name_column) != nullptr ? name_column : email_column,
            "ends as the names of `siding backfill back` do; call it otherwise"
        );
    }
    if (account.name.size() > limits::account_name_octets_max) {
        cells.refuse(
            cells.find(name_column) != nullptr ? name_column : email_column,
            fmt::format("is longer than {} octets", limits::account_name_octets_max)
        );
    }
}

void read_rules(RowCells& cells, FolderRules& rules) {
    rules.below = cells.text({Side::account, Field::folder});
    rules.skip = split_bars(cells.text({Side::account, Field::skip}));
    rules.only = split_bars(cells.text({Side::account, Field::only}));
    const Column map{Side::account, Field::map};
    for (const std::string& pair : split_bars(cells.text(map))) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size() ||
            pair.find('=', equals + 1) != std::string::npos) {
            cells.refuse(
                map, "is no list such as Old=New|Older=Archive/Older; a plan can say the rest"
            );
            return;
        }
        rules.map.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
}

bool is_one_mailbox(const Account& account) {
    const Login& source = account.source;
    const Login& destination = account.destination;
    return !source.user.empty() && source.address == destination.address &&
           mailbox_of(source) == mailbox_of(destination);
}

}  // namespace

std::optional<Account> read_account(RowCells& cells, const config::Backfill& defaults) {
    for (const auto& [column, cell] : cells.all()) {
        if (!is_printable(cell.text)) {
            cells.refuse(column, "has an octet that is no UTF-8, or a control character");
        }
    }
    if (!cells.problems.empty()) {
        return std::nullopt;
    }
    Account account;
    account.line = cells.line();
    account.source = read_login(cells, Side::source, defaults.source);
    account.destination = read_login(cells, Side::destination, defaults.destination);
    read_names(cells, account);
    check_login(cells, Side::source, account.source);
    check_login(cells, Side::destination, account.destination);
    read_rules(cells, account.rules);
    account.plan_file = cells.path({Side::account, Field::plan});
    if (is_one_mailbox(account)) {
        cells.refuse(
            cells.find({Side::destination, Field::user}) != nullptr
                ? Column{Side::destination, Field::user}
                : Column{Side::destination, Field::host},
            "is the source itself: its mail would be copied into itself with each pass"
        );
    }
    return cells.problems.empty() ? std::optional{std::move(account)} : std::nullopt;
}

}  // namespace siding::backfill
