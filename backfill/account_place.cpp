// AccountRun: whether the destination is the one that the ledger speaks of. A configuration may
// name another server, and a server may have been made anew.
#include "backfill/account_run.hpp"
#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Of the ledger: where the last whole pass has copied to. Empty: a verification has doubts.
constexpr std::string_view destination_key = "destination";

std::string text_of(const Login& login) {
    const std::string& user = login.authzid.empty() ? login.user : login.authzid;
    return fmt::format("{}:{} {}", login.address.host, login.address.port, user);
}

}  // namespace

// A final pass looks in any case.
awaitable<Result<void>> AccountRun::know_destination() {
    auto read = [this] { return needs_.ledger.value(record_.id, destination_key); };
    SIDING_CO_ASSIGN(const auto before, co_await net::run_on(needs_.blocking, read));
    is_new_login_ = before && !before->empty() && *before != text_of(account_.destination);
    is_other_server_ = is_new_login_ || (before && before->empty()) || options_.is_final;
    if (is_new_login_) {
        log.warn(
            "destination_changed",
            {{"account", account_.name},
             {"before", *before},
             {"now", text_of(account_.destination)}}
        );
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::note_destination(bool is_known) {
    auto write = [this, is_known] {
        const std::string now = is_known ? text_of(account_.destination) : std::string{};
        return needs_.ledger.put_value(record_.id, destination_key, now);
    };
    auto written = co_await net::run_on(needs_.blocking, write);
    co_return written;
}

// Where most that is there has other numbers it is another server, whatever its name is, and what
// is missing was not deleted by anybody.
void AccountRun::compare_servers(const std::vector<MailboxRecord>& mailboxes) {
    std::size_t same = 0;
    std::size_t other = 0;
    for (const MailboxRecord& mailbox : mailboxes) {
        const auto now = validities_.find(mailbox.destination);
        if (now != validities_.end() && !now->second.empty() &&
            !mailbox.destination_uid_validity.empty()) {
            ++(now->second == mailbox.destination_uid_validity ? same : other);
        }
    }
    is_other_server_ = is_new_login_ || other > same;
}

MailboxPass::Place AccountRun::place_of(const MailboxRecord& mailbox) const {
    if (mailbox.destination_uid_validity.empty()) {
        return MailboxPass::Place::same;
    }
    if (is_new_login_) {  // equal numbers prove nothing
        return MailboxPass::Place::other;
    }
    const auto now = validities_.find(mailbox.destination);
    if (now == validities_.end()) {  // deleted there, unless nothing is as it was
        return is_other_server_ ? MailboxPass::Place::other : MailboxPass::Place::removed;
    }
    const bool is_same = now->second.empty() || now->second == mailbox.destination_uid_validity;
    return is_same ? MailboxPass::Place::same : MailboxPass::Place::other;
}

}  // namespace siding::backfill
