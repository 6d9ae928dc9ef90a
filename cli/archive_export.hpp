// The messages of an archive to files that any mail program can read: a directory for each account,
// in it one for each mailbox; as Maildir in the layout Maildir++, which IMAP servers serve as it
// is.
#pragma once

#include "backfill/archive_store.hpp"
#include "cli/actions.hpp"
#include "cli/terminal.hpp"

#include <cstdint>

namespace siding::cli {

struct ArchiveExported {
    std::uint64_t mailboxes = 0;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::uint64_t unreadable = 0;  // named on err
};

Result<ArchiveExported> export_archive(
    const backfill::ArchiveStore& store, const ExportArchive& action, const Terminal& terminal
);

}  // namespace siding::cli
