// A file that somebody else writes: what tells two states of it apart, and its whole content at one
// of them. Blocks.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace siding::relay {

struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size_octets = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const FileStamp&) const = default;
};

struct FileContent {
    std::string text;
    FileStamp stamp;
};

// Errors name what the system said, not the path. Symbolic links are followed.
Result<FileStamp> look_at_file(const std::string& path);

// Errc::unavailable when the file changed while it was read, Errc::limit_exceeded above
// limits::recipient_file_octets_max, Errc::invalid_argument for what is no regular file.
Result<FileContent> read_whole_file(const std::string& path);

}  // namespace siding::relay
