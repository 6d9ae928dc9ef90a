// Accounts files: whatever is in one, what is read is complete, and no message shows a secret.
#include "backfill/accounts_file.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace siding;
using namespace siding::backfill;

void check_login(const Login& login) {
    SIDING_CHECK(!login.address.host.empty() && login.address.port != 0, "no address");
    SIDING_CHECK(!login.user.empty() && is_utf8(login.user), "no user");
    SIDING_CHECK(!login.proxyauth || !login.authzid.empty(), "proxyauth for nobody");
    SIDING_CHECK(login.secret.kind != Secret::Kind::none || login.tokens, "no secret");
    SIDING_CHECK(
        login.secret.kind == Secret::Kind::none || !login.secret.value.empty(), "empty secret"
    );
}

// Others may be words of a message.
bool is_distinct(const Secret& secret) {
    return secret.kind == Secret::Kind::text && secret.value.size() > 8 &&
           std::ranges::any_of(secret.value, [](char c) { return c == '"' || c == '!'; });
}

void check_texts(const Accounts& accounts, const std::vector<AccountsProblem>& told) {
    for (const AccountsProblem& problem : told) {
        SIDING_CHECK(problem.line >= 0 && problem.column >= 0 && !problem.what.empty(), "place");
        for (const Account& account : accounts.list) {
            for (const Secret* secret : {&account.source.secret, &account.destination.secret}) {
                SIDING_CHECK(
                    !is_distinct(*secret) ||
                        problem.text().find(secret->value) == std::string::npos,
                    "a secret is told"
                );
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    config::Backfill defaults;
    defaults.source.address = config::Endpoint{"a.example", 993};
    defaults.destination.address = config::Endpoint{"b.example", 993};
    const auto accounts = parse_accounts(text, defaults, "/etc/siding");
    if (!accounts) {
        SIDING_CHECK(!accounts.error().context.empty(), "refused without a reason");
        return 0;
    }
    std::set<std::string> names;
    for (const Account& account : accounts->list) {
        SIDING_CHECK(!account.name.empty() && is_utf8(account.name), "no name");
        SIDING_CHECK(names.insert(to_lower(account.name)).second, "a name twice");
        SIDING_CHECK(find_account(*accounts, account.name) == &account, "not found");
        check_login(account.source);
        check_login(account.destination);
    }
    check_texts(*accounts, accounts->problems);
    check_texts(*accounts, accounts->warnings);
    return 0;
}
