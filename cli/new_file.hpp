// A file that appears under its name only when it is whole and on disk, and never replaces another.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace siding::cli {

class NewFile {
public:
    // Writes to `temporary` first; both must be on one file system.
    // Errc::already_exists if either is there.
    static Result<NewFile> create(
        std::filesystem::path temporary, std::filesystem::path destination
    );
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();  // removes what was not finished

    Result<void> write(std::string_view octets);

    std::uint64_t size_octets() const { return written_ + buffer_.size(); }
    // Drops everything behind the first `octets`.
    Result<void> truncate(std::uint64_t octets);

    // Synced, then renamed. Errc::already_exists: somebody took the name meanwhile.
    Result<void> finish();

private:
    NewFile(int descriptor, std::filesystem::path temporary, std::filesystem::path destination);
    Result<void> flush();

    int descriptor_;
    std::filesystem::path temporary_;
    std::filesystem::path destination_;
    std::uint64_t written_ = 0;
    std::string buffer_;
};

// Makes the names in a directory durable.
Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace siding::cli
