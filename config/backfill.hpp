// The settings of siding-backfilld: which accounts are copied, between which servers, and how hard.
#pragma once

#include "config/endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::config {

enum class ImapTls { implicit, starttls, off };

// Where the tokens of XOAUTH2 and OAUTHBEARER come from (RFC 6749 §4.4 and §6, RFC 8628).
struct TokenSource {
    std::string endpoint;  // https URL
    std::string client_id;
    std::optional<std::string> client_secret_file;  // absolute
    std::string scope;
    std::string device_endpoint;         // https URL, or empty: no device flow
    std::optional<std::string> ca_file;  // absolute; instead of the system's roots
    bool operator==(const TokenSource&) const = default;
};

// One side, for what the accounts file does not say.
struct ImapServer {
    std::optional<Endpoint> address;
    ImapTls tls = ImapTls::implicit;
    std::optional<std::string> ca_file;     // absolute; instead of the system's roots
    std::vector<std::string> fingerprints;  // SHA-256, lower-case hex; instead of names and roots
    std::optional<TokenSource> tokens;
    unsigned connections = 16;        // at once, of all accounts together
    std::uint64_t daily = 0;          // octets a day, of all accounts; 0: no bound
    std::uint64_t daily_account = 0;  // of each account
    bool compress = false;            // RFC 4978, where it is offered
    bool operator==(const ImapServer&) const = default;
};

// A part of each day, in the machine's time zone; it may go over midnight.
struct DayTime {
    std::chrono::minutes from{0};
    std::chrono::minutes to{0};
    bool operator==(const DayTime&) const = default;
};

struct Backfill {
    std::optional<std::string> accounts;  // absolute; a CSV file
    ImapServer source;
    ImapServer destination;
    unsigned accounts_at_once = 8;
    std::uint64_t memory = 64ULL * 1024 * 1024;  // octets of messages under way, of all accounts
    std::uint64_t bandwidth = 0;                 // octets a second, of all accounts; 0: no bound
    std::vector<DayTime> quiet_hours;            // nothing is copied then
    // Of all mailboxes, what is younger comes first; 0: nothing does.
    std::chrono::milliseconds recent = std::chrono::days{30};
    bool acls = true;  // copied where both sides have them (RFC 4314)
    std::chrono::milliseconds poll = std::chrono::minutes{1};  // of `follow`, without IDLE
    std::string socket = "/run/siding/backfill.sock";
    std::optional<Endpoint> http;  // a loopback address
    bool operator==(const Backfill&) const = default;
};

}  // namespace siding::config
