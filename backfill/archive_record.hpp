// The records of the archive's index files and how they stand on disk: a mark, the length of the
// body, a checksum, the body. Pure. Whatever the octets are, a record that is found is one that was
// written, but for a checksum that fits by chance.
#pragma once

#include "base/clock.hpp"
#include "base/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace siding::backfill {

// Where the octets of a message are. They are there once, however many entries have them.
struct ArchiveFrame {
    Digest sha256;
    std::uint64_t octets = 0;
    std::uint64_t packed_octets = 0;
    std::uint32_t pack = 0;
    std::uint64_t offset = 0;

    bool operator==(const ArchiveFrame&) const = default;
};

// A mailbox of an account with one UIDVALIDITY. Written again when something about it changes.
struct ArchiveMailbox {
    std::uint32_t number = 0;
    std::string account;
    std::string name;          // as at the source, UTF-8
    std::string uid_validity;  // decimal text
    std::string prefix;        // of the account's personal namespace
    char separator = '/';      // '\0': none
    std::vector<std::string> attributes;
    bool is_subscribed = false;
    bool is_gone = false;  // not at the source any more

    bool operator==(const ArchiveMailbox&) const = default;
};

// A message of a mailbox. A later one with the same UID stands in its place.
struct ArchiveEntry {
    std::uint64_t uid = 0;
    Digest sha256;
    std::uint64_t octets = 0;
    std::string internal_date;  // as the source wrote it; empty: not given
    std::vector<std::string> flags;
    WallTime taken_at{};

    bool operator==(const ArchiveEntry&) const = default;
};

struct ArchiveFlags {  // what they are now
    std::uint64_t uid = 0;
    std::vector<std::string> flags;

    bool operator==(const ArchiveFlags&) const = default;
};

struct ArchiveGone {   // expunged at the source
    std::string uids;  // "1:4,7"

    bool operator==(const ArchiveGone&) const = default;
};

struct ArchiveRefused {  // by a destination; its words, escaped
    std::uint64_t uid = 0;
    std::string words;
    WallTime at{};

    bool operator==(const ArchiveRefused&) const = default;
};

using ArchiveRecord = std::
    variant<ArchiveFrame, ArchiveMailbox, ArchiveEntry, ArchiveFlags, ArchiveGone, ArchiveRefused>;

inline constexpr std::size_t archive_record_octets_max = 1024 * 1024;

// As it stands in the file; empty where it would be longer than archive_record_octets_max.
std::string format_record(const ArchiveRecord& record);

struct ScannedRecord {
    std::optional<ArchiveRecord> record;
    // Of the record, or of what is no record and comes before the next one. 0: with more octets
    // there may be a record.
    std::size_t octets = 0;
};

// What is at the front of `octets`.
ScannedRecord scan_record(std::string_view octets);

}  // namespace siding::backfill
