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

}  // namespace siding::limits
