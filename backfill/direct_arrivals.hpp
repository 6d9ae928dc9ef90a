// Mail that reached a mailbox of the old server after the switch without passing Siding: somebody
// still sends to the old MX. It is known by the Received line that Siding writes, which is missing.
#pragma once

#include "backfill/fetched_message.hpp"
#include "backfill/ledger.hpp"
#include "base/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

struct DirectArrival {
    std::string mailbox;
    std::uint64_t uid = 0;
    std::string date;      // INTERNALDATE, as the source wrote it
    std::string from;      // of the header
    std::string received;  // its topmost Received field: which host brought it

    bool operator==(const DirectArrival&) const = default;
};

// Nothing for a message that came before the switch, has no date, or has passed Siding.
std::optional<DirectArrival> direct_arrival(
    const std::string& mailbox, const FetchedMessage& message, WallTime switched_at
);

// Kept among the account's values; each message once. Blocking.
Result<void> keep_direct_arrival(Ledger& ledger, AccountId account, const DirectArrival& arrival);
Result<std::vector<DirectArrival>> direct_arrivals(const Ledger& ledger, AccountId account);

}  // namespace siding::backfill
