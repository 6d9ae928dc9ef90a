// What each authoritative server of one domain has served, from its first to its last time: what
// deadlines are computed from. A value, bounded by limits::dns_epochs_max and
// dns_history_octets_max, of which what is said of MX and name servers has the first claim; knows
// no clock and no network. Times are those of our looks, so the truth about an end lies between
// `last` and the next epoch's `first`.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// The page of an MTA-STS policy, beside the types of DNS (private use, RFC 6895 §3.1): its text as
// `data`, its max_age as `ttl`.
inline constexpr std::uint16_t policy_type = 65280;

// One answer of one server.
struct Served {
    std::string server;           // "ns2.example.net 192.0.2.2"
    std::string name;             // owner, lower case
    std::uint16_t type = 0;       // RecordType
    std::string data;             // sorted rdata joined by "; "; "" for none
    std::chrono::seconds ttl{0};  // of the record set; of the absence, where there is none
    std::uint32_t serial = 0;     // of the zone, 0 where it is not known
    WallTime at{};
};

// The same answer over a time. Another set or another TTL is another epoch; another serial is not,
// since zones that are signed afresh each hour would have nothing but epochs.
struct Epoch {
    std::string server;
    std::string name;
    std::uint16_t type = 0;
    std::string data;
    std::chrono::seconds ttl{0};
    std::uint32_t first_serial = 0;
    std::uint32_t serial = 0;  // the last one seen
    WallTime first{};
    WallTime last{};

    std::vector<std::string> records() const;  // of `data`; for types without "; " in their rdata
    bool operator==(const Epoch&) const = default;
};

class History {
public:
    // True if this server has not said this before, or has said something else in between. What is
    // older than what that server has said already is passed over.
    bool note(const Served& served);

    // Of one server, name and type in order of time; the servers' epochs lie mixed.
    const std::vector<Epoch>& epochs() const { return epochs_; }
    // Of one name and type, by server, oldest first.
    std::map<std::string, std::vector<Epoch>> by_server(std::string_view name, std::uint16_t type)
        const;

    // Forgets what ended before that time; what a server said last is kept.
    void prune(WallTime before);

    // A text of lines that fits a value of the queue; see load().
    std::string save() const;
    // What save() gave. Errc::corrupt names the line.
    static Result<History> load(std::string_view text);

    bool operator==(const History&) const = default;

private:
    void make_room();

    std::vector<Epoch> epochs_;
};

}  // namespace siding::dns
