// MailboxPass: what the other way has brought here.
#include "backfill/mailbox_pass.hpp"
#include "backfill/way_back.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {

using net::awaitable;

// Takes out what needs no copying, and records it. Where the other way has come from here, nothing
// at the destination need be read to know what it has.
awaitable<Result<void>> MailboxPass::take_from_other_way(ImapSet& uids) {
    auto look = [this, &uids] {
        return known_by_other_way(account_.ledger, *account_.other_way, record_, uids);
    };
    SIDING_CO_ASSIGN(std::vector<CopyRecord> rows, co_await net::run_on(account_.blocking, look));
    ImapSet known;
    for (CopyRecord& row : rows) {
        row.pass = account_.pass;
        known.add(row.uid);
    }
    has_learned_ = has_learned_ || !rows.empty();
    uids = uids.minus(known);
    auto written = co_await write(std::move(rows));
    co_return written;
}

}  // namespace siding::backfill
