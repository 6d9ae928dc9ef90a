// Index files of the archive. The first octet chooses: whatever the rest is, it is walked to its
// end and what is found is what would be written; or records are cut and changed, and those that
// are whole are still found.
#include "backfill/archive_record.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace siding;
using namespace siding::backfill;

std::vector<ArchiveRecord> walk(std::string_view octets) {
    std::vector<ArchiveRecord> found;
    while (!octets.empty()) {
        ScannedRecord scanned = scan_record(octets);
        SIDING_CHECK(scanned.octets <= octets.size(), "more than there is");
        SIDING_CHECK(!scanned.record || scanned.octets > 0, "a record of no octets");
        if (scanned.record) {
            const std::string again = format_record(*scanned.record);
            const ScannedRecord second = scan_record(again);
            SIDING_CHECK(second.record == scanned.record, "what was read cannot be written");
            found.push_back(std::move(*scanned.record));
        }
        octets.remove_prefix(scanned.octets == 0 ? 1 : scanned.octets);
    }
    return found;
}

// With the checksum that belongs to it: the way into the parser of bodies.
void check_body(std::string_view octets) {
    ArchiveEntry entry;
    entry.uid = octets.size();
    entry.sha256 = sha256(octets);
    entry.internal_date = octets.substr(0, octets.size() / 2);
    for (std::string_view rest = octets; rest.size() > 3 && entry.flags.size() < 100;) {
        const std::size_t length = static_cast<unsigned char>(rest.front()) % 16;
        entry.flags.emplace_back(rest.substr(1, length));
        rest.remove_prefix(std::min(rest.size(), length + 1));
    }
    ArchiveMailbox mailbox;
    mailbox.name = octets;
    mailbox.attributes = entry.flags;
    const std::string text = format_record(entry) + std::string{octets} + format_record(mailbox);
    std::size_t whole = 0;
    for (const ArchiveRecord& record : walk(text)) {
        whole += record == ArchiveRecord{entry} || record == ArchiveRecord{mailbox} ? 1 : 0;
    }
    SIDING_CHECK(whole >= 2, "a whole record is not found");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    if (data[0] % 2 != 0) {
        check_body(text);
    }
    static_cast<void>(walk(text));
    return 0;
}
