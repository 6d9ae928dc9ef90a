#include "backfill/archived_messages.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {

Result<ArchivedMessages> ArchivedMessages::open(ArchiveIndex index, const HasOctets& has_octets) {
    ArchivedMessages messages{std::move(index)};
    const auto take = [&](const ArchiveRecord& record, std::uint64_t offset) {
        const auto* entry = std::get_if<ArchiveEntry>(&record);
        messages.take(record, offset, entry == nullptr || has_octets(entry->sha256));
    };
    SIDING_ASSIGN(messages.damages_, messages.index_.walk(take));
    return messages;
}

std::uint32_t ArchivedMessages::number_of(const std::vector<std::string>& flags) {
    const auto [at, is_new] =
        flag_numbers_.emplace(flags, static_cast<std::uint32_t>(flags_.size()));
    if (is_new) {
        flags_.push_back(flags);
    }
    return at->second;
}

BlockDeque<ArchivedMessages::Known>::iterator ArchivedMessages::place_of(std::uint64_t uid) {
    if (known_.empty() || known_.back().uid < uid) {
        return known_.end();
    }
    return std::ranges::lower_bound(known_, uid, {}, &Known::uid);
}

void ArchivedMessages::take_entry(
    const ArchiveEntry& entry, std::uint64_t offset, bool has_octets
) {
    const Known known{entry.uid, offset, number_of(entry.flags)};
    const auto place = place_of(entry.uid);
    if (place != known_.end() && place->uid == entry.uid) {
        *place = known;
    } else {
        known_.insert(place, known);
    }
    if (has_octets) {
        uids_.add(entry.uid);
    }
    if (!has_octets || lost_.contains(entry.uid)) {
        const ImapSet one{entry.uid, entry.uid};
        uids_ = has_octets ? uids_ : uids_.minus(one);
        lost_ = lost_.minus(one);
        if (!has_octets) {
            lost_.add(entry.uid);
        }
    }
}

void ArchivedMessages::take(const ArchiveRecord& record, std::uint64_t offset, bool has_octets) {
    if (const auto* entry = std::get_if<ArchiveEntry>(&record)) {
        take_entry(*entry, offset, has_octets);
    } else if (const auto* flags = std::get_if<ArchiveFlags>(&record)) {
        const auto place = place_of(flags->uid);
        if (place != known_.end() && place->uid == flags->uid) {
            place->flags = number_of(flags->flags);
        }
    } else if (const auto* gone = std::get_if<ArchiveGone>(&record)) {
        if (auto uids = ImapSet::parse(gone->uids)) {
            gone_.add(*uids);
        }
    } else if (const auto* refused = std::get_if<ArchiveRefused>(&record)) {
        words_[refused->uid] = refused->words;
    }
}

std::string_view ArchivedMessages::words_of(std::uint64_t uid) const {
    const auto words = words_.find(uid);
    return words == words_.end() ? std::string_view{} : words->second;
}

const std::vector<std::string>& ArchivedMessages::flags_of(std::uint64_t uid) const {
    return flags_[std::ranges::lower_bound(known_, uid, {}, &Known::uid)->flags];
}

Result<ArchiveEntry> ArchivedMessages::entry(std::uint64_t uid) const {
    const auto place = std::ranges::lower_bound(known_, uid, {}, &Known::uid);
    if (place == known_.end() || place->uid != uid) {
        return Error{Errc::not_found, fmt::format("UID {} is not in the archive", uid)};
    }
    SIDING_ASSIGN(ArchiveRecord record, index_.at(place->offset));
    auto* const entry = std::get_if<ArchiveEntry>(&record);
    if (entry == nullptr || entry->uid != uid) {
        return Error{Errc::corrupt, fmt::format("the entry of UID {} is another one now", uid)};
    }
    entry->flags = flags_[place->flags];
    return std::move(*entry);
}

Result<void> ArchivedMessages::append(const std::vector<ArchiveRecord>& records) {
    SIDING_ASSIGN(const auto offsets, index_.append(records));
    for (std::size_t at = 0; at < records.size(); ++at) {
        take(records[at], offsets[at], true);
    }
    return {};
}

}  // namespace siding::backfill
