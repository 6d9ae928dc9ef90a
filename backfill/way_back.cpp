#include "backfill/way_back.hpp"

#include "backfill/limits.hpp"

#include <map>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::string_view back_suffix = " (back)";
// In the ledger, of the way out: the other way has been gone.
constexpr const char* gone_back_key = "gone_back";

}  // namespace

Account way_back(Account account) {
    account.name = name_of_other_way(account.name);
    std::swap(account.source, account.destination);
    account.rules = {};
    account.plan_file.reset();
    return account;
}

bool is_name_of_way_back(std::string_view name) {
    return name.ends_with(back_suffix);
}

std::string name_of_other_way(std::string_view name) {
    if (is_name_of_way_back(name)) {
        name.remove_suffix(back_suffix.size());
        return std::string{name};
    }
    return std::string{name}.append(back_suffix);
}

Result<std::optional<AccountId>> other_way(Ledger& ledger, const AccountRecord& account) {
    const bool is_back = is_name_of_way_back(account.name);
    if (!is_back) {
        SIDING_ASSIGN(const auto gone, ledger.value(account.id, gone_back_key));
        if (!gone) {
            return std::nullopt;
        }
    }
    SIDING_ASSIGN(const AccountRecord other, ledger.account(name_of_other_way(account.name)));
    if (is_back) {
        SIDING_TRY(ledger.put_value(other.id, gone_back_key, "yes"));
    }
    return other.id;
}

Result<std::vector<CopyRecord>> known_by_other_way(
    const Ledger& ledger, AccountId other, const MailboxRecord& mailbox, const ImapSet& uids
) {
    std::vector<CopyRecord> rows;
    SIDING_ASSIGN(const auto mailboxes, ledger.mailboxes(other));
    for (const MailboxRecord& there : mailboxes) {
        if (there.destination != mailbox.source ||
            there.destination_uid_validity != mailbox.source_uid_validity) {
            continue;
        }
        const bool is_same_pair = there.source == mailbox.destination &&
                                  there.source_uid_validity == mailbox.destination_uid_validity;
        for (const std::uint64_t uid : uids.numbers(SIZE_MAX)) {
            SIDING_ASSIGN(auto row, ledger.find_by_destination(other, there, uid));
            if (row && row->state == CopyState::copied) {
                row->destination_uid = is_same_pair ? row->uid : 0;
                row->state = is_same_pair ? CopyState::copied : CopyState::skipped;
                row->uid = uid;
                row->is_gone_at_source = false;
                row->verified_pass = 0;
                row->verdict.clear();
                if (!row->repaired.raw.empty()) {
                    std::swap(row->digests, row->repaired);
                }
                row->email_id.clear();
                row->words = is_same_pair ? "" : "has come from the other server";
                rows.push_back(std::move(*row));
            }
        }
    }
    return rows;
}

Result<void> follow_way_out(
    Ledger& ledger, AccountId way_out, const std::set<std::string>& there, FolderPlan& plan
) {
    using Action = FolderPlan::Row::Action;
    SIDING_ASSIGN(const auto mailboxes, ledger.mailboxes(way_out));
    std::map<std::string, std::string> origins;
    for (const MailboxRecord& mailbox : mailboxes) {
        origins.emplace(mailbox.destination, mailbox.source);
    }
    for (FolderPlan::Row& row : plan.rows) {
        const auto origin = origins.find(row.source);
        if (origin != origins.end()) {
            row.destination = origin->second;
            row.action = there.contains(row.destination) ? Action::copy : Action::create_and_copy;
            row.why = "has come from there";
        }
    }
    return {};
}

}  // namespace siding::backfill
