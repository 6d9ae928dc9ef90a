#include "backfill/append_suspects.hpp"

namespace siding::backfill {
namespace {

constexpr unsigned times_min = 2;        // any network fails once
constexpr unsigned times_alone_max = 3;  // a network that fails does so elsewhere, too

}  // namespace

void AppendSuspects::note_lost(
    MailboxId mailbox, const std::set<std::uint64_t>& uids, std::string words
) {
    for (const std::uint64_t uid : uids) {
        Suspect& suspect = suspects_[{mailbox, uid}];
        ++suspect.times;
        suspect.times_alone += uids.size() == 1 ? 1 : 0;
        suspect.words = words;
    }
}

void AppendSuspects::clear(MailboxId mailbox, std::uint64_t uid) {
    suspects_.erase({mailbox, uid});
}

bool AppendSuspects::has(MailboxId mailbox, std::uint64_t uid) const {
    const auto suspect = suspects_.find({mailbox, uid});
    return suspect != suspects_.end() && suspect->second.times >= times_min;
}

const std::string* AppendSuspects::condemned(MailboxId mailbox, std::uint64_t uid) const {
    const auto suspect = suspects_.find({mailbox, uid});
    const bool is_condemned =
        suspect != suspects_.end() && suspect->second.times_alone >= times_alone_max;
    return is_condemned ? &suspect->second.words : nullptr;
}

}  // namespace siding::backfill
