// What there is to copy in an account, by sizes and dates alone, what will be in the way, and how
// long it may take. The first half is gathered by Assessor, the second is arithmetic.
#pragma once

#include "backfill/folder_plan.hpp"
#include "backfill/imap_session.hpp"
#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

struct Assessment {
    struct Name {
        std::string source;
        std::string destination;  // empty: left out
        std::string why;
        std::uint64_t messages = 0;
    };
    struct Large {
        std::string mailbox;
        std::uint64_t uid = 0;
        std::uint64_t octets = 0;
        std::string date;  // as the source writes it
    };

    WallTime made_at{};
    std::uint64_t folders = 0;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::uint64_t copied_messages = 0;  // of them, as the ledger says
    std::uint64_t copied_octets = 0;
    Large largest;
    std::optional<WallTime> oldest;  // INTERNALDATE
    std::optional<WallTime> newest;
    std::uint64_t undated = 0;  // with none that means anything

    std::optional<std::uint64_t> limit;  // octets of a message
    bool is_limit_told = false;          // by the operator; otherwise by the destination
    std::uint64_t over_limit = 0;
    std::vector<Large> over_limit_listed;  // listed_max at most

    std::vector<Name> renamed;
    std::vector<Name> special;  // `why`: "Sent"
    std::vector<Name> skipped;
    std::vector<std::string> notes;

    static constexpr std::size_t listed_max = 100;

    std::uint64_t messages_left() const;
    std::uint64_t octets_left() const;
};

// Reads sizes and dates of all that the plan copies. EXAMINE and FETCH, no bodies.
class Assessor {
public:
    // `limit`: octets of a message, told by the operator; 0: as the destination says.
    Assessor(ImapSession& source, const ImapSession& destination, std::uint64_t limit);

    net::awaitable<Result<void>> look(FolderPlan plan);
    Assessment& found() { return found_; }

private:
    net::awaitable<Result<void>> look_at(std::string mailbox);
    void take(const std::string& mailbox, const FetchItem& item);
    void take_names(const FolderPlan& plan);

    ImapSession& source_;
    Assessment found_;
};

// --- How long
struct CopyRate {
    double messages = 0;  // a second
    double octets = 0;
    bool is_measured = false;
};
// Of what earlier passes have done; assumed where that is too little to measure.
CopyRate copy_rate(std::uint64_t messages, std::uint64_t octets, std::chrono::milliseconds spent);

struct AssessTerms {
    CopyRate rate;  // of one account
    std::size_t accounts_at_once = 1;
    std::uint64_t bandwidth = 0;  // of all; 0: no bound. The same for the rest
    std::uint64_t daily = 0;      // the lesser of both sides
    std::uint64_t daily_account = 0;
};

struct TimeNeeded {
    std::chrono::seconds working{0};  // without budgets
    std::uint64_t days = 0;           // that daily budgets make of it; 0: there is none
};
TimeNeeded time_needed(const std::vector<const Assessment*>& accounts, const AssessTerms& terms);

}  // namespace siding::backfill
