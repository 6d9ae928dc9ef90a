// Messages that a destination refuses for good, in the local archive with the server's words, so
// that they are safe even if the old server goes away; and back out of it. The archive is open from
// the first one until the quarantine ends. Of one account, used from one io thread.
#pragma once

#include "backfill/archive_keeper.hpp"
#include "backfill/fetched_message.hpp"
#include "backfill/folder_plan.hpp"
#include "base/clock.hpp"
#include "net/asio.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace siding::backfill {

class Quarantine {
public:
    struct Needs {
        ArchiveKeeper& keeper;
        std::filesystem::path directory;  // of the archive
        net::asio::any_io_executor blocking;
        const Clock& clock;
        std::string account;
    };

    explicit Quarantine(Needs needs) : needs_{std::move(needs)} {}

    // A mailbox of the source with its UIDVALIDITY.
    struct Mailbox {
        Folder folder;
        std::string prefix;  // of the personal namespace
        std::string uid_validity;
    };

    // Where it is there already only the words are added. The message is as the source gave it.
    // What goes wrong is said in the log, and costs the quarantine, not the copy.
    net::awaitable<Result<void>> keep(
        const Mailbox& mailbox, const FetchedMessage& message, std::string words
    );

    struct Kept {
        Kept(ArchiveKeeper::Lease from, ArchivedMessages all)
            : lease{std::move(from)}, messages{std::move(all)} {}

        ArchiveKeeper::Lease lease;
        ArchivedMessages messages;
    };
    // What the archive has of a mailbox; nothing where it has none of it.
    net::awaitable<Result<std::unique_ptr<Kept>>> find(std::string name, std::string uid_validity);

private:
    using Key = std::pair<std::string, std::string>;

    Result<void> write(const Mailbox& mailbox, const FetchedMessage& message, std::string words);
    Result<ArchivedMessages*> open(const Mailbox& mailbox);

    Needs needs_;
    std::mutex mutex_;  // of what follows, on the blocking threads
    std::optional<ArchiveKeeper::Lease> lease_;
    std::map<Key, ArchivedMessages> open_;
};

}  // namespace siding::backfill
