// A local archive of mailboxes: each message's octets once, by their SHA-256, and for each mailbox
// which messages it has.
//
//     packs/000001.pack       messages, packed
//     messages.index          where in the packs each message is
//     mailboxes.index         accounts and their mailboxes
//     mailboxes/000001.index  UIDs, dates, flags
//
// Written in this order and synced in between, so that whatever an index names is there; what a
// crash has left behind the last name is cut when the archive is opened to write. Nothing is ever
// changed or removed. Every call blocks. Thread-safe; one process writes, others may read.
#pragma once

#include "backfill/archive_frames.hpp"
#include "backfill/archive_index.hpp"
#include "backfill/archive_pack.hpp"
#include "backfill/archive_record.hpp"
#include "backfill/archived_messages.hpp"
#include "net/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::backfill {

class ArchiveStore {
public:
    // Errc::not_found: no archive there.
    static Result<std::unique_ptr<ArchiveStore>> open(const std::filesystem::path& directory);
    // Makes one where there is none. Errc::conflict: another process writes.
    static Result<std::unique_ptr<ArchiveStore>> open_to_write(
        const std::filesystem::path& directory
    );
    ArchiveStore(const ArchiveStore&) = delete;
    ArchiveStore& operator=(const ArchiveStore&) = delete;

    struct Listed {
        ArchiveMailbox mailbox;
        bool is_latest = false;  // of those with its name: the UIDVALIDITY that was seen last
    };
    std::vector<Listed> mailboxes() const;
    // As it is now; its number is given here. Written only when something is new.
    Result<std::uint32_t> put(ArchiveMailbox mailbox);

    // To read, or to append to, where the archive is open to write; by one at a time.
    Result<ArchivedMessages> messages(std::uint32_t mailbox) const;
    // The same, and nothing is made or mended: what is not there is among its damages().
    Result<ArchivedMessages> read_messages(std::uint32_t mailbox) const;

    struct Incoming {
        ArchiveEntry entry;
        OctetProducer octets;  // asked only for octets that are new
    };
    // On disk when it answers: how many were new. After an error nothing more is taken, and what is
    // there stays as it was: open it anew.
    Result<std::size_t> add(ArchivedMessages& messages, const std::vector<Incoming>& incoming);

    bool has(const Digest& sha256) const;
    // Counted from 0, in no order; nothing for a message that it has not.
    std::optional<std::size_t> number_of(const Digest& sha256) const;
    // Compared with the digest; see ArchivePack::read.
    Result<void> read(const Digest& sha256, const OctetSink& sink) const;

    // Octets that cannot be read any more: until they come in anew the archive has them not, for
    // as long as it is open.
    void forget(const Digest& sha256);
    bool begin_scrub();  // true for the first who asks

    // Each message once, in the order of the packs.
    Result<void> for_each_frame(const std::function<void(const ArchiveFrame&)>& each) const;
    const std::filesystem::path& directory() const { return directory_; }
    // Of messages.index and mailboxes.index.
    const std::vector<ArchiveIndex::Damage>& damages() const { return damages_; }

private:
    ArchiveStore(std::filesystem::path directory, net::UniqueFd lock);
    Result<void> load();
    void take(const ArchiveRecord& record);
    Result<void> add_frames(const std::vector<Incoming>& incoming, std::size_t& added);
    Result<void> open_pack();
    bool has_readable(const Digest& sha256) const;
    std::filesystem::path pack_path(std::uint32_t number) const;
    std::filesystem::path mailbox_path(std::uint32_t number) const;

    std::filesystem::path directory_;
    net::UniqueFd lock_;  // valid: open to write
    mutable std::mutex mutex_;
    std::optional<ArchiveIndex> frames_index_;
    std::optional<ArchiveIndex> mailboxes_index_;
    ArchiveFrames frames_;
    std::vector<ArchiveMailbox> mailboxes_;  // in the order in which they were last written
    std::vector<ArchiveIndex::Damage> damages_;
    std::optional<ArchivePack> pack_;  // the last one, to append to
    std::uint32_t last_pack_ = 0;
    std::uint64_t last_pack_end_ = 0;
    std::uint32_t last_mailbox_ = 0;
    bool has_failed_ = false;
    bool is_scrubbed_ = false;
};

}  // namespace siding::backfill
