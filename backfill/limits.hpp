// Every bound of the backfill that is not configuration, with the clause or the arithmetic behind
// it; base/limits.hpp is the same for the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace siding::limits {

using namespace std::chrono_literals;

// --- What a server may send
// ----------------------------------------------------------------------- A line without its
// literals; SEARCH results of a large mailbox are the longest there are.
inline constexpr std::size_t imap_line_octets_max = 16 * 1024 * 1024;
// A literal that is not a body of a message: names, headers of an envelope, texts.
inline constexpr std::size_t imap_literal_octets_max = 1024 * 1024;
// All such literals of one response.
inline constexpr std::size_t imap_literals_octets_max = 16 * 1024 * 1024;
inline constexpr std::size_t imap_nesting_max = 64;
inline constexpr std::size_t imap_values_max = 100'000;  // in one response
// UIDs that a server only counts are believed up to here; beyond that it has to name them.
inline constexpr std::uint64_t mailbox_messages_believed = 10'000'000;
inline constexpr std::uint64_t imap_body_octets_max = 4ULL * 1024 * 1024 * 1024;

// --- Waits
// -----------------------------------------------------------------------------------------
inline constexpr auto imap_reply_timeout = 5min;  // a large SELECT or LIST may think for long
inline constexpr auto imap_write_timeout = 5min;
inline constexpr auto imap_tls_timeout = 30s;
inline constexpr auto imap_idle_max = 25min;  // RFC 9051 §6.3.13: less than 29 minutes

// --- Copying
// ---------------------------------------------------------------------------------------
inline constexpr std::size_t append_batch_messages_max = 128;
inline constexpr std::size_t append_batch_octets_max = 4 * 1024 * 1024;
inline constexpr std::size_t fetch_range_messages_max = 500;
// The server works at the next one while we take the last one's answer.
// Connections to each side for one account: more make no server faster that we know.
inline constexpr std::size_t pairs_max = 4;
inline constexpr std::size_t fetches_under_way_max = 2;
// A longer message goes through a file: with 64 accounts at once that is 64 MiB at the most.
inline constexpr std::size_t message_in_memory_octets_max = 1024 * 1024;

// --- Orders
// -----------------------------------------------------------------------------------------
// Of one account, behind the one that it is at.
inline constexpr std::size_t orders_waiting_max = 16;

// --- Rounds and watches
// ------------------------------------------------------------------------------
// A first pass takes a mailbox with at most so many messages whole: to ask which are recent would
// cost more than they do.
inline constexpr std::uint64_t messages_worth_a_round = 200;
// Some 150 octets of commands each.
inline constexpr std::size_t mailboxes_asked_at_once = 32;
// A connection in IDLE looks so often whether it is still wanted.
inline constexpr auto watch_look = 500ms;
// After it was lost; doubled each time.
inline constexpr auto watch_pause_min = 1s;
inline constexpr auto watch_pause_max = 5min;
// Of a final pass, unless the order says otherwise: so long nothing may arrive at the source.
inline constexpr auto final_quiet = 30s;
inline constexpr auto final_quiet_max = 24h;

// --- Proofs
// -----------------------------------------------------------------------------------------
// Messages of the destination that are not ours, of one account: some 300 octets each.
inline constexpr std::size_t extras_listed_max = 1000;

// Of the archive, read back by each order that adds to it: about a second.
inline constexpr std::uint64_t archive_scrub_octets = 256ULL * 1024 * 1024;

// --- Ledger
// ----------------------------------------------------------------------------------------
inline constexpr std::size_t ledger_page_rows = 1000;

// --- Digests
// ---------------------------------------------------------------------------------------
// More header than any server accepts; what lies behind it is digested but not understood.
inline constexpr std::size_t digested_header_octets_max = 1024 * 1024;
inline constexpr std::size_t header_fact_octets_max = 998;  // RFC 5322 §2.1.1
inline constexpr std::size_t received_lines_max = 200;

// --- Accounts file and folder plans
// --------------------------------------------------------------
// An account takes some 100 octets of the file and some 1.5 KiB in memory.
inline constexpr std::size_t accounts_file_octets_max = 16 * 1024 * 1024;
inline constexpr std::size_t accounts_max = 50'000;
inline constexpr std::size_t accounts_problems_max = 1000;
inline constexpr std::size_t account_name_octets_max = 255;
inline constexpr std::size_t folder_plan_octets_max = 64 * 1024 * 1024;

// --- Tokens
// ----------------------------------------------------------------------------------------
inline constexpr std::size_t token_octets_max = 16 * 1024;  // Microsoft's have some 3,000
inline constexpr auto token_lifetime_unsaid = 10min;  // RFC 6749 §5.1: expires_in may be missing
inline constexpr auto token_margin_max =
    5min;  // an access token is got anew so long before its end
inline constexpr auto device_lifetime_unsaid = 15min;
inline constexpr auto device_slow_down = 5s;  // RFC 8628 §3.5
inline constexpr auto device_interval_max = 5min;
inline constexpr std::size_t device_flows_max = 1000;  // at once

}  // namespace siding::limits
