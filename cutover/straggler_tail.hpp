// Follows the Postfix log of the old server: each poll gives the mail that has come in since the
// last one. A log that is rotated is read to its end first, then the new one from its start; one
// that was cut short is read from its start. Blocks, so it belongs on a blocking thread; no locks.
#pragma once

#include "base/result.hpp"
#include "cutover/sender_log_postfix.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

class StragglerTail {
public:
    // `utc_offset`: of the times in the log, where they have no zone; unset: this host's.
    explicit StragglerTail(
        std::filesystem::path file, std::optional<std::chrono::minutes> utc_offset = {}
    );
    ~StragglerTail();
    StragglerTail(StragglerTail&& other) noexcept;
    StragglerTail& operator=(StragglerTail&&) = delete;

    // Up to limits::log_poll_octets_max of the log; more comes with the next poll. A mail is given
    // once it has left the old server's queue, or a minute after it came; none is from later than
    // `now`, whatever the old server's clock says. Errc::not_found or
    // Errc::unavailable if the log cannot be read; the next poll tries again.
    Result<std::vector<LoggedMail>> poll(WallTime now);

    // Where it stands, to be kept over a restart: the beginning of the oldest mail that was not
    // given yet, so that some may be given again afterwards, and none is lost. A log that has
    // become FILE.1 meanwhile is read to its end. A text that is no position is passed over.
    std::string position() const;
    void resume(std::string_view position);

    const std::filesystem::path& file() const { return path_; }

private:
    Result<void> open_log();
    void start_over();
    Result<bool> read_more(std::uint64_t& octets_left, std::vector<LoggedMail>& mails);
    void take_lines(std::vector<LoggedMail>& mails);
    void close_log();

    std::filesystem::path path_;
    std::optional<std::chrono::minutes> utc_offset_;
    PostfixLog log_;
    int descriptor_ = -1;
    std::uint64_t inode_ = 0;
    std::uint64_t offset_ = 0;  // of what has been read
    std::string rest_;          // of a line that has no end yet
    bool skipping_ = false;     // a line that is too long
    bool was_open_ = false;     // since resume(): FILE.1 has been read
};

}  // namespace siding::cutover
