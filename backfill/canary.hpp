// One message into a folder of its own at the destination, read back, compared and taken away
// again: what becomes of mail there, before the first real one goes. And what else would stop the
// copying: quota, size limits, keywords.
//
// Only the folder that it has made itself is ever selected, written to or deleted.
#pragma once

#include "backfill/imap_session.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

struct CanaryOutcome {
    struct Reason {
        bool is_blocking = false;  // says no; otherwise it is well to know
        std::string text;
    };

    std::string folder;  // that was made
    std::vector<Reason> reasons;
    std::vector<std::string> left_behind;  // folders, by this check or an earlier one

    bool is_go() const;
    void block(std::string text) { reasons.push_back({true, std::move(text)}); }
    void note(std::string text) { reasons.push_back({false, std::move(text)}); }
};

class Canary {
public:
    struct Needs {
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
        std::uint64_t octets_to_come = 0;  // by the source's count, without what is there already
        std::uint64_t messages_to_come = 0;
        std::optional<std::uint64_t> largest = {};  // octets; nothing: nobody has looked
        std::optional<std::string> prefix = {};     // of folders, where the account says so
        WallTime now{};
    };

    explicit Canary(Needs needs) : needs_{std::move(needs)} {}

    // Errors are those of the connection; what a server refuses is in the outcome.
    net::awaitable<Result<void>> run(ImapSession& destination);
    // Takes the folder away, also with another connection; nothing to do where none was made.
    net::awaitable<void> remove(ImapSession& destination);

    CanaryOutcome& outcome() { return outcome_; }

private:
    net::awaitable<Result<void>> look(ImapSession& destination);
    net::awaitable<Result<void>> look_at_quota(ImapSession& destination);
    void look_at_limit(const ImapSession& destination, std::optional<std::uint64_t> of_folder);
    net::awaitable<Result<bool>> make_folder(ImapSession& destination);
    net::awaitable<Result<bool>> append(ImapSession& destination);
    net::awaitable<Result<void>> read_back(ImapSession& destination);
    net::awaitable<Result<void>> try_remove(ImapSession& destination);

    Needs needs_;
    CanaryOutcome outcome_;
    std::string message_;
    bool is_made_ = false;  // the folder may be there
};

}  // namespace siding::backfill
