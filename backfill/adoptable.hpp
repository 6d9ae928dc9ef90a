// Messages of one mailbox of the destination that belong to no row of the ledger yet, by their
// octets: each can be taken once, so that two identical ones stay two.
#pragma once

#include "backfill/copy_record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace siding::backfill {

class Adoptable {
public:
    void add(const MessageDigests& digests, std::uint64_t uid);
    // The UID of one with the same octets, else of one that differs in line ends alone.
    std::optional<std::uint64_t> take(const MessageDigests& digests);

    // One that was repaired: it is known by the source's octets, and its row says the rest.
    void add_repaired(const CopyRecord& row);
    const CopyRecord* repaired(std::uint64_t uid) const;

    // One that was deleted at the destination, and stays away.
    void add_deleted(const MessageDigests& digests);
    bool take_deleted(const MessageDigests& digests);

    bool empty() const { return free_.empty(); }
    std::size_t size() const { return free_.size(); }

private:
    using Index = std::unordered_multimap<std::string, std::uint64_t>;
    std::optional<std::uint64_t> take(Index& index, const Digest& digest);

    Index raw_;
    Index canonical_;
    std::set<std::uint64_t> free_;
    std::map<std::uint64_t, CopyRecord> repaired_;
    std::unordered_multiset<std::string> deleted_;  // by raw digest
};

}  // namespace siding::backfill
