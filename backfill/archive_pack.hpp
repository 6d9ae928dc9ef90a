// One pack: a file of messages, each a head of 64 octets and a zstd frame behind it. Nothing in it
// is ever written again; what no index names at its end is cut before more is appended.
//
// The only place that knows zstd. Messages pass in pieces: memory does not grow with them.
#pragma once

#include "backfill/archive_file.hpp"
#include "backfill/archive_record.hpp"
#include "backfill/octets.hpp"

namespace siding::backfill {

inline constexpr std::uint64_t archive_pack_octets = 256ULL * 1024 * 1024;

class ArchivePack {
public:
    static Result<ArchivePack> open(const std::filesystem::path& path);
    static Result<ArchivePack> open_to_write(
        const std::filesystem::path& path, std::uint32_t number
    );

    // Behind the last frame that an index names, whatever is there now.
    Result<void> begin_at(std::uint64_t end);
    // On disk after sync(). Errc::corrupt: the octets are not those of `sha256`; nothing is added.
    Result<ArchiveFrame> append(const Digest& sha256, const OctetProducer& octets);
    Result<void> sync() { return file_.sync(); }
    std::uint64_t end() const { return end_; }
    std::uint32_t number() const { return number_; }

    // Errc::corrupt: what is there is not what was written; said after the sink has had what can
    // be read of it, and never later than the last octet.
    Result<void> read(std::uint64_t offset, const Digest& sha256, const OctetSink& sink) const;
    // What the head says.
    Result<ArchiveFrame> head(std::uint64_t offset) const;

private:
    ArchivePack(ArchiveFile file, std::uint32_t number) : file_{std::move(file)}, number_{number} {}

    ArchiveFile file_;
    std::uint32_t number_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace siding::backfill
