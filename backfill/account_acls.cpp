// AccountRun: access control lists, behind the messages.
#include "backfill/account_run.hpp"
#include "backfill/acl_copy.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {

using net::awaitable;

// Lists that no pass has looked at: one that finds nothing else to do goes to the destination for
// them.
awaitable<Result<bool>> AccountRun::are_acls_due() {
    if (!needs_.acl_names || !source_->capabilities().acl()) {
        co_return false;
    }
    auto look = [this] { return backfill::are_acls_due(needs_.ledger, record_.id); };
    auto due = co_await net::run_on(needs_.blocking, look);
    co_return due;
}

awaitable<Result<void>> AccountRun::copy_acls() {
    if (!needs_.acl_names || !source_->capabilities().acl()) {
        co_return Result<void>{};
    }
    std::set<std::string> planned;
    for (const FolderPlan::Row& row : plan_->rows) {
        if (row.action != FolderPlan::Row::Action::skip) {
            planned.insert(row.source);
        }
    }
    auto take = [this] { return needs_.ledger.mailboxes(record_.id); };
    SIDING_CO_ASSIGN(const auto records, co_await net::run_on(needs_.blocking, take));
    std::vector<AclCopy::Mailbox> mailboxes;
    for (const MailboxRecord& record : records) {
        if (record.pass > 0 && planned.contains(record.source)) {
            mailboxes.push_back({record.source, record.destination});
        }
    }
    AclCopy copy{AclCopy::Needs{
        .source = *source_,
        .destination = *destination_,
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .account = record_.id,
        .source_owner = owner_of(account_.source),
        .destination_owner = owner_of(account_.destination),
        .names = needs_.acl_names,
        .look_again = needs_.compare_all_flags,
    }};
    auto copied = co_await copy.run(std::move(mailboxes));
    co_return copied;
}

}  // namespace siding::backfill
