// A file of the archive that grows at its end, and is read anywhere. Every call blocks.
#pragma once

#include "base/result.hpp"
#include "net/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace siding::backfill {

class ArchiveFile {
public:
    // The second makes it where there is none, readable by nobody else, and its name durable.
    static Result<ArchiveFile> open(const std::filesystem::path& path);
    static Result<ArchiveFile> open_to_write(const std::filesystem::path& path);

    // Fewer than asked for only at the end.
    Result<std::string> read(std::uint64_t from, std::size_t octets_max) const;
    Result<void> write(std::uint64_t at, std::string_view octets);
    Result<void> cut(std::uint64_t octets);
    Result<void> sync();
    Result<std::uint64_t> octets() const;

    const std::string& name() const { return name_; }

private:
    ArchiveFile(net::UniqueFd file, std::string name)
        : file_{std::move(file)}, name_{std::move(name)} {}

    net::UniqueFd file_;
    std::string name_;
};

Result<void> sync_archive_directory(const std::filesystem::path& directory);

}  // namespace siding::backfill
