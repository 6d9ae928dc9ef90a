// The way back, for a migration that is given up: what has arrived on the new server is copied to
// the old one. It is a copy like any other with the sides exchanged and a ledger entry of its own.
// What one way has brought is not new to the other: each knows the other one's rows.
#pragma once

#include "backfill/account.hpp"
#include "backfill/folder_plan.hpp"
#include "backfill/imap_set.hpp"
#include "backfill/ledger.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// With the sides exchanged. Rules and a reviewed plan are of the way out: they do not count.
Account way_back(Account account);

// "ann" for "ann (back)", and the other way round. The accounts file has no such names.
std::string name_of_other_way(std::string_view name);
bool is_name_of_way_back(std::string_view name);

// The other way's id, where it was ever gone. Blocks.
Result<std::optional<AccountId>> other_way(Ledger& ledger, const AccountRecord& account);

// Rows for those of `uids`, of this way's mailbox, that the other way has put there, as if this way
// had copied them. Blocks.
Result<std::vector<CopyRecord>> known_by_other_way(
    const Ledger& ledger, AccountId other, const MailboxRecord& mailbox, const ImapSet& uids
);

// Each folder goes back to where its mail has come from. `there`: the folders of the old server.
// Blocks.
Result<void> follow_way_out(
    Ledger& ledger, AccountId way_out, const std::set<std::string>& there, FolderPlan& plan
);

}  // namespace siding::backfill
