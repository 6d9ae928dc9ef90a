#include "backfill/archive_entries.hpp"

#include "backfill/flags.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

// RFC 9051 §7.3.1: they change with mail and with other folders, and nothing here depends on them.
constexpr std::string_view passing_attributes[] = {
    "\\Marked", "\\Unmarked", "\\HasChildren", "\\HasNoChildren", "\\Subscribed"};

}  // namespace

ArchiveMailbox archive_mailbox(std::string account, std::string_view prefix, const Folder& folder) {
    ArchiveMailbox mailbox;
    mailbox.account = std::move(account);
    mailbox.name = folder.name;
    mailbox.prefix = prefix;
    mailbox.separator = folder.separator;
    for (const std::string& attribute : folder.attributes) {
        const bool is_passing = std::ranges::any_of(passing_attributes, [&](std::string_view each) {
            return equals_ignoring_case(attribute, each);
        });
        if (!is_passing) {
            mailbox.attributes.push_back(attribute);
        }
    }
    std::ranges::sort(mailbox.attributes);
    mailbox.is_subscribed = folder.is_subscribed;
    return mailbox;
}

ArchiveEntry archive_entry(const FetchedMessage& message, WallTime now) {
    ArchiveEntry entry;
    entry.uid = message.uid;
    entry.sha256 = message.digests.raw;
    entry.octets = message.octets;
    entry.internal_date = message.internal_date;
    entry.flags = normal_flags(message.flags);
    entry.taken_at = now;
    return entry;
}

}  // namespace siding::backfill
