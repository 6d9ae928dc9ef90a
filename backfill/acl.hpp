// Access control lists (RFC 4314, and servers of RFC 2086 alone): what a mailbox's list at the
// source asks for at the destination. Pure. Only ever more rights: nothing that the destination's
// list has is taken away or narrowed, and the owner's own entry is the destination's affair.
#pragma once

#include "backfill/acl_names.hpp"
#include "backfill/folder_name.hpp"
#include "backfill/imap_capabilities.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::backfill {

// Identifier and rights, as ACL has them (RFC 4314 §3.6).
using AclEntries = std::vector<std::pair<std::string, std::string>>;

// The rights of RFC 4314 §2.1 in its order, then others: "c" of RFC 2086 as "kx", "d" as "te"; of a
// server that knows the four itself both say nothing more (§2.1.1).
std::string normal_rights(std::string_view rights);

// The letters of a server.
struct AclDialect {
    std::string more;     // beyond lrswipa; upper-case RIGHTS= in lower case: "kxte"
    bool is_old = false;  // RFC 2086: "c" and "d" in place of "kxte"

    static AclDialect of(const ImapCapabilities& capabilities);
    // Normal rights as this server takes them. One that it has no letter for is left out.
    std::string format(std::string_view normal) const;
};

struct AclSide {
    std::string owner;  // whose mailbox it is
    ServerKind kind = ServerKind::generic;
    AclDialect dialect;
};

struct AclChange {
    std::string identifier;  // with "-" in front: rights that are denied
    std::string rights;      // to be added

    bool operator==(const AclChange&) const = default;
};

struct AclMerge {
    std::vector<AclChange> changes;
    std::vector<std::string> notes;  // what cannot be said at the destination, for people

    bool operator==(const AclMerge&) const = default;
};

class AclMerger {
public:
    AclMerger(AclSide source, AclSide destination, const AclNames& names)
        : source_{std::move(source)}, destination_{std::move(destination)}, names_{names} {}

    // Whether somebody other than the owner is in the source's list.
    bool has_others(const AclEntries& source) const;
    AclMerge merge(const AclEntries& source, const AclEntries& destination) const;

private:
    AclSide source_;
    AclSide destination_;
    const AclNames& names_;
};

}  // namespace siding::backfill
