// Reads every octet of an archive back and compares it with its digest. Blocks for as long as the
// disk takes.
#pragma once

#include "backfill/archive_store.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace siding::backfill {

struct ArchiveProblem {
    std::string account;    // empty: of no entry
    std::string mailbox;    // with its account
    std::uint64_t uid = 0;  // 0: of the whole mailbox
    std::string what;
};

struct ArchiveTally {
    std::uint64_t mailboxes = 0;
    std::uint64_t entries = 0;
    std::uint64_t messages = 0;  // different ones
    std::uint64_t octets = 0;
    std::uint64_t packed_octets = 0;
    std::uint64_t problems = 0;
};

Result<ArchiveTally> verify_archive(
    const ArchiveStore& store,
    const std::function<void(const ArchiveProblem&)>& on_problem,
    const std::function<void(const ArchiveTally&)>& on_progress
);

}  // namespace siding::backfill
