// A file of records (archive_record.hpp). What a crash has left unfinished at its end is found and
// cut; what the disk has changed in the middle is stepped over and told.
#pragma once

#include "backfill/archive_file.hpp"
#include "backfill/archive_record.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace siding::backfill {

class ArchiveIndex {
public:
    struct Damage {  // records that cannot be read, with others behind them
        std::string file;
        std::uint64_t offset = 0;
        std::uint64_t octets = 0;  // 0: there is no such file

        std::string words() const;
    };
    using Each = std::function<void(ArchiveRecord record, std::uint64_t offset)>;

    // The file need not be there to be read: that is a damage.
    static Result<ArchiveIndex> open(const std::filesystem::path& path);
    static Result<ArchiveIndex> open_to_write(const std::filesystem::path& path);

    // All of them, and then one may append. Memory does not grow with the file.
    Result<std::vector<Damage>> walk(const Each& each);
    Result<ArchiveRecord> at(std::uint64_t offset) const;
    // One synced write; only behind walk(). Answers with the offset of each.
    Result<std::vector<std::uint64_t>> append(const std::vector<ArchiveRecord>& records);

private:
    ArchiveIndex(std::optional<ArchiveFile> file, std::string name, bool is_writer)
        : file_{std::move(file)}, name_{std::move(name)}, is_writer_{is_writer} {}

    std::optional<ArchiveFile> file_;
    std::string name_;
    bool is_writer_ = false;
    std::uint64_t end_ = 0;
    bool has_failed_ = false;
};

}  // namespace siding::backfill
