// The messages of one mailbox of the archive, as its index file has them: which UIDs, with which
// flags, which of them are gone at the source. 24 octets of memory for each. Used by one at a time;
// every call that reads or writes blocks.
#pragma once

#include "backfill/archive_index.hpp"
#include "backfill/imap_set.hpp"
#include "base/block_deque.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class ArchivedMessages {
public:
    // `has_octets` says whether the archive knows where a message's octets are.
    using HasOctets = std::function<bool(const Digest& sha256)>;
    static Result<ArchivedMessages> open(ArchiveIndex index, const HasOctets& has_octets);

    // Those with octets; gone() of them are not at the source any more.
    const ImapSet& uids() const { return uids_; }
    const ImapSet& gone() const { return gone_; }
    // Entries whose octets the archive has not: UIDs in neither.
    const ImapSet& lost() const { return lost_; }
    const std::vector<ArchiveIndex::Damage>& damages() const { return damages_; }

    // As last taken. Of a UID in uids().
    const std::vector<std::string>& flags_of(std::uint64_t uid) const;
    // Of a UID in uids() or lost(), with the flags as last taken.
    Result<ArchiveEntry> entry(std::uint64_t uid) const;

    // Of a destination that has refused it, the last one; empty: none has.
    std::string_view words_of(std::uint64_t uid) const;
    std::size_t refused() const { return words_.size(); }

    // Entries, flags, what is gone and what was refused; on disk when it answers.
    Result<void> append(const std::vector<ArchiveRecord>& records);

private:
    struct Known {
        std::uint64_t uid = 0;
        std::uint64_t offset = 0;
        std::uint32_t flags = 0;  // in flags_
    };

    explicit ArchivedMessages(ArchiveIndex index) : index_{std::move(index)} {}
    void take(const ArchiveRecord& record, std::uint64_t offset, bool has_octets);
    void take_entry(const ArchiveEntry& entry, std::uint64_t offset, bool has_octets);
    BlockDeque<Known>::iterator place_of(std::uint64_t uid);
    std::uint32_t number_of(const std::vector<std::string>& flags);

    ArchiveIndex index_;
    BlockDeque<Known> known_;  // by UID
    std::vector<std::vector<std::string>> flags_;
    std::map<std::vector<std::string>, std::uint32_t> flag_numbers_;
    ImapSet uids_;
    ImapSet gone_;
    ImapSet lost_;
    std::map<std::uint64_t, std::string> words_;
    std::vector<ArchiveIndex::Damage> damages_;
};

}  // namespace siding::backfill
