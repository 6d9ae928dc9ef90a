// What the archive notes of a mailbox and of a message as a source gives them.
#pragma once

#include "backfill/archive_record.hpp"
#include "backfill/fetched_message.hpp"
#include "backfill/folder_plan.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

// Without number and UIDVALIDITY.
ArchiveMailbox archive_mailbox(std::string account, std::string_view prefix, const Folder& folder);

ArchiveEntry archive_entry(const FetchedMessage& message, WallTime now);

}  // namespace siding::backfill
