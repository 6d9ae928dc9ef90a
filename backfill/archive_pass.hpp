// One mailbox of the source into the archive: only what the archive has not is fetched (EXAMINE,
// BODY.PEEK), and of the rest what has changed about flags and what is gone.
#pragma once

#include "backfill/account_pace.hpp"
#include "backfill/archive_store.hpp"
#include "backfill/imap_session.hpp"
#include "backfill/mailbox_pass.hpp"
#include "base/clock.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace siding::backfill {

class ArchivePass {
public:
    struct Needs {  // outlives the pass
        ImapSession& source;
        ArchiveStore& store;
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
        AccountPace& pace;
        const Clock& clock;
        std::function<void(const PassCounts&)> on_progress;  // told what has been added
    };

    // Number and UIDVALIDITY are found here.
    ArchivePass(const Needs& needs, ArchiveMailbox mailbox)
        : needs_{needs}, mailbox_{std::move(mailbox)} {}

    net::awaitable<Result<void>> run();

private:
    net::awaitable<Result<void>> open();
    net::awaitable<Result<void>> note_gone(const ImapSet& there);
    net::awaitable<Result<void>> note_flags(ImapSet known);
    net::awaitable<Result<void>> fetch(ImapSet missing);
    net::awaitable<Result<void>> add(std::vector<FetchedMessage> messages);
    net::awaitable<Result<void>> append(std::vector<ArchiveRecord> records);

    const Needs& needs_;
    ArchiveMailbox mailbox_;
    std::optional<ArchivedMessages> messages_;
};

}  // namespace siding::backfill
