#include "backfill/archive_store.hpp"

#include "net/network_error.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <utility>

namespace siding::backfill {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t pack_head_octets = 64;

Result<void> make_directory(const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (!failed) {
        fs::permissions(directory, fs::perms::owner_all, failed);
    }
    if (failed) {
        return Error{
            Errc::storage_failure,
            fmt::format("making {}: {}", directory.string(), failed.message())};
    }
    return sync_archive_directory(directory.parent_path());
}

Result<net::UniqueFd> lock(const fs::path& file) {
    net::UniqueFd lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!lock.valid()) {
        return net::make_system_error("opening " + file.string());
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return Error{
            Errc::conflict,
            fmt::format("another process writes the archive {}", file.parent_path().string())};
    }
    return lock;
}

}  // namespace

ArchiveStore::ArchiveStore(fs::path directory, net::UniqueFd lock)
    : directory_{std::move(directory)}, lock_{std::move(lock)} {}

fs::path ArchiveStore::pack_path(std::uint32_t number) const {
    return directory_ / "packs" / fmt::format("{:06}.pack", number);
}

fs::path ArchiveStore::mailbox_path(std::uint32_t number) const {
    return directory_ / "mailboxes" / fmt::format("{:06}.index", number);
}

Result<std::unique_ptr<ArchiveStore>> ArchiveStore::open(const fs::path& directory) {
    std::error_code failed;
    if (!fs::is_directory(directory / "packs", failed)) {
        return Error{Errc::not_found, fmt::format("there is no archive in {}", directory.string())};
    }
    std::unique_ptr<ArchiveStore> store{new ArchiveStore{directory, net::UniqueFd{}}};
    SIDING_TRY(store->load());
    return store;
}

Result<std::unique_ptr<ArchiveStore>> ArchiveStore::open_to_write(const fs::path& directory) {
    for (const fs::path& each : {directory, directory / "packs", directory / "mailboxes"}) {
        SIDING_TRY(make_directory(each));
    }
    SIDING_ASSIGN(net::UniqueFd locked, lock(directory / "lock"));
    std::unique_ptr<ArchiveStore> store{new ArchiveStore{directory, std::move(locked)}};
    SIDING_TRY(store->load());
    return store;
}

Result<void> ArchiveStore::load() {
    const auto open = lock_.valid() ? &ArchiveIndex::open_to_write : &ArchiveIndex::open;
    const auto walk = [this,
                       open](const char* name, std::optional<ArchiveIndex>& index) -> Result<void> {
        SIDING_ASSIGN(index, open(directory_ / name));
        SIDING_ASSIGN(
            const auto damages,
            index->walk([this](const ArchiveRecord& record, std::uint64_t) { take(record); })
        );
        damages_.insert(damages_.end(), damages.begin(), damages.end());
        return {};
    };
    SIDING_TRY(walk("messages.index", frames_index_));
    return walk("mailboxes.index", mailboxes_index_);
}

void ArchiveStore::take(const ArchiveRecord& record) {
    if (const auto* frame = std::get_if<ArchiveFrame>(&record)) {
        frames_.put(frame->sha256, {frame->pack, static_cast<std::uint32_t>(frame->offset)});
        const std::uint64_t end = frame->offset + pack_head_octets + frame->packed_octets;
        if (frame->pack >= last_pack_) {
            last_pack_end_ = frame->pack > last_pack_ ? end : std::max(last_pack_end_, end);
            last_pack_ = frame->pack;
        }
    } else if (const auto* mailbox = std::get_if<ArchiveMailbox>(&record)) {
        std::erase_if(mailboxes_, [mailbox](const ArchiveMailbox& other) {
            return other.number == mailbox->number;
        });
        mailboxes_.push_back(*mailbox);
        last_mailbox_ = std::max(last_mailbox_, mailbox->number);
    }
}

std::vector<ArchiveStore::Listed> ArchiveStore::mailboxes() const {
    const std::lock_guard guard{mutex_};
    std::vector<Listed> listed;
    std::set<std::pair<std::string, std::string>> seen;
    for (auto at = mailboxes_.rbegin(); at != mailboxes_.rend(); ++at) {
        const bool is_latest = seen.emplace(at->account, at->name).second;
        listed.push_back(Listed{*at, is_latest});
    }
    std::ranges::sort(listed, {}, [](const Listed& one) { return one.mailbox.number; });
    return listed;
}

Result<std::uint32_t> ArchiveStore::put(ArchiveMailbox mailbox) {
    const std::lock_guard guard{mutex_};
    const auto has_name = [&mailbox](const ArchiveMailbox& other) {
        return other.account == mailbox.account && other.name == mailbox.name;
    };
    const auto latest = std::find_if(mailboxes_.rbegin(), mailboxes_.rend(), has_name);
    const auto known = std::ranges::find_if(mailboxes_, [&](const ArchiveMailbox& other) {
        return has_name(other) && other.uid_validity == mailbox.uid_validity;
    });
    mailbox.number = known == mailboxes_.end() ? last_mailbox_ + 1 : known->number;
    if (latest != mailboxes_.rend() && *latest == mailbox) {
        return mailbox.number;
    }
    const std::vector<ArchiveRecord> records{mailbox};
    SIDING_TRY(mailboxes_index_->append(records));
    take(records.front());
    return mailbox.number;
}

Result<ArchivedMessages> ArchiveStore::messages(std::uint32_t mailbox) const {
    const auto open = lock_.valid() ? &ArchiveIndex::open_to_write : &ArchiveIndex::open;
    SIDING_ASSIGN(ArchiveIndex index, open(mailbox_path(mailbox)));
    return ArchivedMessages::open(std::move(index), [this](const Digest& sha256) {
        return has(sha256);
    });
}

Result<ArchivedMessages> ArchiveStore::read_messages(std::uint32_t mailbox) const {
    SIDING_ASSIGN(ArchiveIndex index, ArchiveIndex::open(mailbox_path(mailbox)));
    return ArchivedMessages::open(std::move(index), [this](const Digest& sha256) {
        return has(sha256);
    });
}

bool ArchiveStore::has(const Digest& sha256) const {
    const std::lock_guard guard{mutex_};
    return frames_.find(sha256).has_value();
}

std::optional<std::size_t> ArchiveStore::number_of(const Digest& sha256) const {
    const std::lock_guard guard{mutex_};
    return frames_.number_of(sha256);
}

void ArchiveStore::forget(const Digest& sha256) {
    const std::lock_guard guard{mutex_};
    frames_.forget(sha256);
}

bool ArchiveStore::begin_scrub() {
    const std::lock_guard guard{mutex_};
    return !std::exchange(is_scrubbed_, true);
}

Result<std::size_t> ArchiveStore::add(
    ArchivedMessages& messages, const std::vector<Incoming>& incoming
) {
    const std::lock_guard guard{mutex_};
    if (has_failed_) {
        return Error{Errc::storage_failure, "an earlier write to the archive has failed"};
    }
    std::size_t added = 0;
    auto done = add_frames(incoming, added);
    if (done) {
        std::vector<ArchiveRecord> entries;
        for (const Incoming& each : incoming) {
            entries.emplace_back(each.entry);
        }
        done = messages.append(entries);
    }
    if (!done) {
        has_failed_ = true;
        return std::move(done).error();
    }
    return added;
}

// Where the head of the frame cannot be read any more the octets are stored again.
bool ArchiveStore::has_readable(const Digest& sha256) const {
    const auto place = frames_.find(sha256);
    if (!place) {
        return false;
    }
    const auto pack = ArchivePack::open(pack_path(place->pack));
    const auto head = pack ? pack->head(place->offset) : Result<ArchiveFrame>{pack.error()};
    return head && head->sha256 == sha256;
}

Result<void> ArchiveStore::add_frames(const std::vector<Incoming>& incoming, std::size_t& added) {
    std::vector<ArchiveRecord> frames;
    for (const Incoming& each : incoming) {
        if (has_readable(each.entry.sha256)) {
            continue;
        }
        SIDING_TRY(open_pack());
        SIDING_ASSIGN(ArchiveFrame frame, pack_->append(each.entry.sha256, each.octets));
        frames_.put(frame.sha256, {frame.pack, static_cast<std::uint32_t>(frame.offset)});
        frames.emplace_back(std::move(frame));
    }
    if (frames.empty()) {
        return {};
    }
    added = frames.size();
    SIDING_TRY(pack_->sync());
    SIDING_TRY(frames_index_->append(frames));
    return {};
}

Result<void> ArchiveStore::open_pack() {
    const bool is_first = !pack_.has_value();
    if (pack_ && pack_->end() < archive_pack_octets) {
        return {};
    }
    if (pack_) {
        SIDING_TRY(pack_->sync());
    }
    const bool is_full = !is_first || last_pack_end_ >= archive_pack_octets;
    if (is_full || last_pack_ == 0) {
        ++last_pack_;
        last_pack_end_ = 0;
    }
    SIDING_ASSIGN(ArchivePack pack, ArchivePack::open_to_write(pack_path(last_pack_), last_pack_));
    SIDING_TRY(pack.begin_at(last_pack_end_));
    pack_.emplace(std::move(pack));
    return {};
}

Result<void> ArchiveStore::read(const Digest& sha256, const OctetSink& sink) const {
    std::optional<ArchiveFrames::Place> place;
    {
        const std::lock_guard guard{mutex_};
        place = frames_.find(sha256);
    }
    if (!place) {
        return Error{Errc::corrupt, "the archive does not know where the octets are"};
    }
    SIDING_ASSIGN(const ArchivePack pack, ArchivePack::open(pack_path(place->pack)));
    return pack.read(place->offset, sha256, sink);
}

Result<void> ArchiveStore::for_each_frame(const std::function<void(const ArchiveFrame&)>& each
) const {
    SIDING_ASSIGN(ArchiveIndex index, ArchiveIndex::open(directory_ / "messages.index"));
    auto walked = index.walk([&](const ArchiveRecord& record, std::uint64_t) {
        const auto* frame = std::get_if<ArchiveFrame>(&record);
        if (frame == nullptr) {
            return;
        }
        std::optional<ArchiveFrames::Place> place;
        {
            const std::lock_guard guard{mutex_};
            place = frames_.find(frame->sha256);
        }
        if (place && place->pack == frame->pack && place->offset == frame->offset) {
            each(*frame);
        }
    });
    SIDING_TRY(std::move(walked));
    return {};
}

}  // namespace siding::backfill
