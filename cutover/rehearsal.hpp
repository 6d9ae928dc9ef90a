// A whole cutover on loopback, with a real sidingd: mail passes to the old server, is held, the
// daemon is killed in the middle, comes back, and everything is released to the new one. Then every
// octet is compared and the books are audited. Touches nothing outside its own directory.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

struct RehearsalOptions {
    std::filesystem::path sidingd;
    std::filesystem::path parent;               // of the rehearsal's directory
    std::optional<std::filesystem::path> mail;  // unset: the bundled sample
    std::size_t sample_messages = 500;
    bool keep = false;  // the directory, even when all is well
};

struct RehearsalReport {
    // What the sender was told.
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0;
    std::uint64_t octets = 0;
    // While holding.
    double accepted_per_second = 0;
    double accepted_octets_per_second = 0;
    double released_per_second = 0;
    std::chrono::milliseconds restart{0};  // from exec to listening, with the held mail there
    std::chrono::milliseconds took{0};
    // What the next hops have.
    std::uint64_t lost = 0;
    std::uint64_t changed = 0;
    std::uint64_t misrouted = 0;
    std::uint64_t refused = 0;
    std::uint64_t duplicates = 0;  // a crash cut off the answer, and the sender sent again
    std::uint64_t surplus = 0;     // duplicates without that excuse
    std::uint64_t bare_newlines = 0;
    // The audit's.
    bool balanced = false;
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t elsewhere = 0;  // held, due, in flight, parked, discarded
    std::uint64_t ledger_entries = 0;

    bool interrupted = false;
    std::vector<std::string> problems;  // one sentence each
    std::filesystem::path evidence;     // the directory, where it was kept

    bool ok() const { return problems.empty() && !interrupted; }
};

// Watches a rehearsal; called on the caller's thread.
class RehearsalView {
public:
    virtual ~RehearsalView() = default;

    struct Opening {
        std::string mail;  // "bundled sample"
        std::size_t messages;
        std::uint64_t octets;  // roughly
        std::filesystem::path directory;
    };
    virtual void on_opening(const Opening& opening) = 0;
    virtual void on_step(std::string_view name) = 0;
    virtual void on_progress(std::uint64_t done, std::uint64_t total) = 0;
    virtual void on_step_end(std::string_view told, bool ok) = 0;
};

// Takes SIGINT and SIGTERM while it runs: they end it, and it cleans up. An error means that it
// could not begin; Errc::invalid_argument: the mail that was named is none.
Result<RehearsalReport> rehearse(const RehearsalOptions& options, RehearsalView& view);

}  // namespace siding::cutover
