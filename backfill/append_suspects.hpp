// Messages of one account that were under way when connections to the destination were lost. Who
// was there twice is sent alone; who ends a connection alone again and again is not sent any more:
// some servers say goodbye to NUL instead of NO. Pure; on one io thread.
#pragma once

#include "backfill/copy_record.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace siding::backfill {

class AppendSuspects {
public:
    // `words`: how the connection ended.
    void note_lost(MailboxId mailbox, const std::set<std::uint64_t>& uids, std::string words);
    void clear(MailboxId mailbox, std::uint64_t uid);

    bool has(MailboxId mailbox, std::uint64_t uid) const;
    // How the connection ended, where it has ended with this one alone too often; else nothing.
    const std::string* condemned(MailboxId mailbox, std::uint64_t uid) const;

private:
    struct Suspect {
        unsigned times = 0;
        unsigned times_alone = 0;
        std::string words;
    };
    std::map<std::pair<MailboxId, std::uint64_t>, Suspect> suspects_;
};

}  // namespace siding::backfill
