#include "relay/session_list.hpp"

#include <utility>

namespace siding::relay {

SessionList::Entry::Entry(SessionList& list, SessionInfo info)
    : list_{list}, info_{std::move(info)} {
    const std::lock_guard lock{list_.mutex_};
    info_.id = ++list_.last_id_;
    list_.entries_.emplace(info_.id, this);
}

SessionList::Entry::~Entry() {
    const std::lock_guard lock{list_.mutex_};
    list_.entries_.erase(info_.id);
}

std::vector<SessionInfo> SessionList::all() const {
    const std::lock_guard lock{mutex_};
    std::vector<SessionInfo> out;
    out.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) {
        const std::lock_guard entry_lock{entry->mutex_};
        out.push_back(entry->info_);
    }
    return out;
}

}  // namespace siding::relay
