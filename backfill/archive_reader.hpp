// Messages of one mailbox of the archive, as MessageReader gives those of a server: whole, with
// their digests, the large ones through a file. What cannot be read ends up in unread().
#pragma once

#include "backfill/archive_store.hpp"
#include "backfill/fetched_message.hpp"
#include "net/asio.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace siding::backfill {

class ArchiveReader {
public:
    struct Needs {
        const ArchiveStore& store;
        const ArchivedMessages& messages;
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
    };

    ArchiveReader(Needs needs, ImapSet uids) : needs_{std::move(needs)}, uids_{std::move(uids)} {}

    net::awaitable<Result<std::optional<FetchedMessage>>> next();
    const std::map<std::uint64_t, std::string>& unread() const { return unread_; }

private:
    Result<FetchedMessage> read(std::uint64_t uid) const;

    Needs needs_;
    ImapSet uids_;
    std::map<std::uint64_t, std::string> unread_;
};

}  // namespace siding::backfill
