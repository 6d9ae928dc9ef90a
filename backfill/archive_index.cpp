#include "backfill/archive_index.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t piece_octets = 256 * 1024;
constexpr std::size_t guess_octets = 512;  // of one record

}  // namespace

std::string ArchiveIndex::Damage::words() const {
    return octets == 0 ? file + " is not there; what it says is not known"
                       : fmt::format(
                             "{}: {} octets at {} are damaged; what they say is not known",
                             file,
                             octets,
                             offset
                         );
}

Result<ArchiveIndex> ArchiveIndex::open(const std::filesystem::path& path) {
    auto file = ArchiveFile::open(path);
    if (!file && file.error().is(Errc::not_found)) {
        return ArchiveIndex{std::nullopt, path.filename().string(), false};
    }
    if (!file) {
        return std::move(file).error();
    }
    return ArchiveIndex{std::move(*file), path.filename().string(), false};
}

Result<ArchiveIndex> ArchiveIndex::open_to_write(const std::filesystem::path& path) {
    SIDING_ASSIGN(ArchiveFile file, ArchiveFile::open_to_write(path));
    return ArchiveIndex{std::move(file), path.filename().string(), true};
}

Result<std::vector<ArchiveIndex::Damage>> ArchiveIndex::walk(const Each& each) {
    std::vector<Damage> damages;
    if (!file_) {
        damages.push_back(Damage{name_, 0, 0});
        return damages;
    }
    std::string buffer;
    std::size_t at = 0;        // in the buffer
    std::uint64_t offset = 0;  // in the file, of the same
    std::uint64_t loaded = 0;  // of the file
    end_ = 0;
    for (;;) {
        const std::string_view rest = std::string_view{buffer}.substr(at);
        ScannedRecord scanned;
        if (!rest.empty()) {
            scanned = scan_record(rest);
        }
        if (scanned.octets == 0) {
            buffer.erase(0, at);
            at = 0;
            SIDING_ASSIGN(const std::string more, file_->read(loaded, piece_octets));
            loaded += more.size();
            buffer += more;
            if (!more.empty()) {
                continue;
            }
            if (buffer.empty()) {
                break;
            }
            scanned.octets = 1;  // unfinished; perhaps whole ones come behind it
        }
        if (scanned.record) {
            if (offset > end_) {
                damages.push_back(Damage{file_->name(), end_, offset - end_});
            }
            each(std::move(*scanned.record), offset);
            end_ = offset + scanned.octets;
        }
        at += scanned.octets;
        offset += scanned.octets;
    }
    if (is_writer_ && offset > end_) {
        SIDING_TRY(file_->cut(end_));
        SIDING_TRY(file_->sync());
    }
    return damages;
}

Result<ArchiveRecord> ArchiveIndex::at(std::uint64_t offset) const {
    for (const std::size_t octets : {guess_octets, archive_record_octets_max}) {
        SIDING_ASSIGN(const std::string piece, file_->read(offset, octets));
        ScannedRecord scanned = scan_record(piece);
        if (scanned.record) {
            return std::move(*scanned.record);
        }
    }
    return Error{
        Errc::corrupt, fmt::format("{}: the record at {} is damaged", file_->name(), offset)};
}

Result<std::vector<std::uint64_t>> ArchiveIndex::append(const std::vector<ArchiveRecord>& records) {
    std::string octets;
    std::vector<std::uint64_t> offsets;
    for (const ArchiveRecord& record : records) {
        const std::string one = format_record(record);
        if (one.empty()) {
            return Error{Errc::limit_exceeded, file_->name() + ": a record would be too long"};
        }
        offsets.push_back(end_ + octets.size());
        octets += one;
    }
    if (std::exchange(has_failed_, true)) {
        return Error{Errc::storage_failure, "an earlier write to " + file_->name() + " has failed"};
    }
    SIDING_TRY(file_->write(end_, octets));
    SIDING_TRY(file_->sync());
    has_failed_ = false;
    end_ += octets.size();
    return offsets;
}

}  // namespace siding::backfill
