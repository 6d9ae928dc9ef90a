// Octets of one large message on disk, in a file without a name that is gone when nobody has it
// open. Every call blocks.
#pragma once

#include "base/result.hpp"
#include "net/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace siding::backfill {

class SpoolFile {
public:
    static Result<SpoolFile> create(const std::filesystem::path& directory);

    Result<void> append(std::string_view octets);
    // Fewer than asked for only at the end.
    Result<std::string> read(std::uint64_t from, std::size_t octets_max) const;

    std::uint64_t octets() const { return octets_; }

private:
    explicit SpoolFile(net::UniqueFd file) : file_{std::move(file)} {}

    net::UniqueFd file_;
    std::uint64_t octets_ = 0;
};

}  // namespace siding::backfill
