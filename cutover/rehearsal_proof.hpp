// What a rehearsal's sender was told and what its next hops were given, message by message; and
// whether the two agree. Knows no network: sender and sinks report here, on one thread.
//
// Each recipient address is used for one message only, so that an arrival names its message without
// anything being added to it.
#pragma once

#include "base/digest.hpp"
#include "cutover/rehearsal_mail.hpp"
#include "cutover/sink.hpp"
#include "smtp/verdict.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

enum class NextHop { old_server, new_server };

// A copy that differs from what was sent; the first few are kept whole, as evidence.
struct ChangedCopy {
    std::size_t number;
    std::string arrived;
};

struct ProofSummary {
    std::uint64_t messages = 0;    // acknowledged
    std::uint64_t recipients = 0;  // of those
    std::uint64_t octets = 0;      // of those, as sent
    std::uint64_t lost = 0;        // recipients whose message was acknowledged and is nowhere
    std::uint64_t changed = 0;     // copies
    std::uint64_t misrouted = 0;   // copies at the wrong next hop
    std::uint64_t refused = 0;     // messages
    // Second copies of messages whose first try was cut off between the end of the data and the
    // answer: the sender must send again, and nobody can know (RFC 5321 §4.2.5, §6.1).
    std::uint64_t duplicates = 0;
    std::uint64_t surplus = 0;        // further copies, which have no such excuse
    std::uint64_t bare_newlines = 0;  // messages in which a lone CR was made CRLF
    std::vector<std::string> problems;
};

class Proof {
public:
    using Instant = std::chrono::steady_clock::time_point;

    static constexpr std::string_view domain = "rehearsal.example";

    Proof(std::string siding_name, std::size_t messages);

    static std::string address_of(std::size_t number, std::size_t recipient);

    // Where the message belongs once it is acknowledged.
    void expect_at(std::size_t number, NextHop hop) { records_[number].belongs_at = hop; }

    void on_sending(std::size_t number, const RehearsalMail& mail);
    void on_answer(std::size_t number, std::span<const smtp::Verdict> verdicts);
    void on_unreadable(std::size_t number, const Error& error);
    void on_arrival(NextHop hop, const Arrival& arrival);

    // Not acknowledged yet, and not refused either.
    bool is_open(std::size_t number) const;
    std::uint64_t acknowledged() const { return acknowledged_; }
    std::uint64_t acknowledged_recipients() const { return acknowledged_recipients_; }
    std::uint64_t acknowledged_octets() const { return acknowledged_octets_; }
    // Recipients of tries that were cut off before their answer: each may have been stored.
    std::uint64_t doubtful_recipients() const { return doubtful_recipients_; }
    std::uint64_t arrivals(NextHop hop) const { return arrivals_[index(hop)]; }  // recipients
    std::optional<Instant> last_arrival() const { return last_arrival_; }
    // Moves whenever anything is reported.
    std::uint64_t events() const { return events_; }

    const std::vector<ChangedCopy>& changed_copies() const { return changed_copies_; }
    ProofSummary summary() const;

private:
    struct Record {
        NextHop belongs_at = NextHop::new_server;
        bool acknowledged = false;
        std::uint32_t doubtful_tries = 0;
        Digest digest;  // of what must arrive; empty before the first try
        std::uint64_t octets = 0;
        bool bare_newlines = false;
        std::string reverse_path;
        std::string refusal;                               // the words; empty: none
        std::vector<std::array<std::uint32_t, 2>> copies;  // per recipient, at each next hop
    };

    static std::size_t index(NextHop hop) { return static_cast<std::size_t>(hop); }
    bool check_copy(std::size_t number, const Arrival& arrival);
    void add_problem(std::string text);
    void judge(std::size_t number, const Record& record, ProofSummary& summary) const;

    std::string siding_name_;
    std::vector<Record> records_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t acknowledged_recipients_ = 0;
    std::uint64_t acknowledged_octets_ = 0;
    std::uint64_t doubtful_recipients_ = 0;
    std::array<std::uint64_t, 2> arrivals_{};
    std::optional<Instant> last_arrival_;
    std::uint64_t events_ = 0;
    std::uint64_t changed_ = 0;
    std::vector<ChangedCopy> changed_copies_;
    std::size_t changed_octets_kept_ = 0;
    std::vector<std::string> problems_;
};

// What is stored for these octets: a CR that stands alone is made CRLF at the door.
std::string as_stored(std::string_view octets);

// Without the one Received field in front that `siding_name` has put there; nothing if there is
// none of it.
std::optional<std::string_view> without_trace(
    std::string_view octets, std::string_view siding_name
);

// "23 octets instead of 25, the first difference at octet 7: \"…\" instead of \"…\""
std::string describe_difference(std::string_view arrived, std::string_view sent);

}  // namespace siding::cutover
