// Which messages of many mailboxes are recent, asked for all of them in one go. It decides about
// the order of a first pass and about nothing else: whatever a server says here, every message is
// copied.
#pragma once

#include "backfill/imap_session.hpp"
#include "base/clock.hpp"

#include <map>
#include <string>
#include <vector>

namespace siding::backfill {

struct RecentMessages {
    ImapSet uids;
    bool is_all = false;  // the mailbox has no other
};

// Of mailboxes that are not empty, by name. One that cannot be asked has none that are recent. No
// mailbox that the caller knows of is open behind it. The error is the connection's.
net::awaitable<Result<std::map<std::string, RecentMessages>>> find_recent(
    ImapSession& session, std::vector<std::string> mailboxes, WallTime since
);

}  // namespace siding::backfill
