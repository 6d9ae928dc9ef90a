// The archive's records: each comes back as it was, and whatever happens to octets in front of it.
#include "backfill/archive_record.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::literals;

std::vector<ArchiveRecord> samples() {
    const Digest sha = sha256("x");
    const WallTime now{std::chrono::milliseconds{1'700'000'000'123}};
    return {
        ArchiveFrame{sha, 1, 2, 3, 4},
        ArchiveMailbox{7, "ann", "INBOX/Größe", "3", "INBOX.", '\0', {"\\Sent"}, true, true},
        ArchiveEntry{5, sha, 6, " 1-Feb-2024 10:00:00 +0100", {"\\Seen", "Work"}, now},
        ArchiveFlags{8, {}},
        ArchiveGone{"1:4,7"},
        ArchiveRefused{7, "[TOOBIG] too large", WallTime{std::chrono::milliseconds{5}}},
    };
}

std::vector<ArchiveRecord> scan(std::string_view octets) {
    std::vector<ArchiveRecord> found;
    while (!octets.empty()) {
        const ScannedRecord scanned = scan_record(octets);
        if (scanned.record) {
            found.push_back(*scanned.record);
        }
        octets.remove_prefix(scanned.octets == 0 ? 1 : scanned.octets);
    }
    return found;
}

TEST(ArchiveRecord, comes_back_as_it_was) {
    for (const ArchiveRecord& record : samples()) {
        const std::string octets = format_record(record);
        const ScannedRecord scanned = scan_record(octets);
        EXPECT_EQ(scanned.record, record);
        EXPECT_EQ(scanned.octets, octets.size());
        for (std::size_t cut = 0; cut < octets.size(); ++cut) {
            const ScannedRecord part = scan_record(std::string_view{octets}.substr(0, cut));
            EXPECT_FALSE(part.record) << cut;
            EXPECT_EQ(part.octets, 0U) << cut;
        }
    }
}

TEST(ArchiveRecord, one_that_is_damaged_costs_no_other) {
    std::string octets;
    for (const ArchiveRecord& record : samples()) {
        octets += format_record(record);
    }
    for (std::size_t at = 0; at < octets.size(); ++at) {
        std::string changed = octets;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_EQ(scan(changed).size(), samples().size() - 1) << at;
    }
}

TEST(ArchiveRecord, too_long_is_none) {
    EXPECT_EQ(format_record(ArchiveGone{std::string(archive_record_octets_max, '1')}), "");
    EXPECT_NE(format_record(ArchiveGone{std::string(archive_record_octets_max - 100, '1')}), "");
}

}  // namespace
}  // namespace siding::backfill
