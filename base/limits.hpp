// Every bound in the program that is not configuration, with the clause or the arithmetic behind
// it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace siding::limits {

using namespace std::chrono_literals;

// --- SMTP lines ---------------------------------------------------------------------------------
// RFC 5321 §4.5.3.1.4 asks for 512 octets with CRLF; ORCPT and SMTPUTF8 parameters need more.
inline constexpr std::size_t command_line_octets_max = 4096;
// Octets of an over-long command line that are thrown away before the connection is closed.
inline constexpr std::size_t discarded_line_octets_max = 64 * 1024;
// RFC 5321 §4.5.3.1.5 says 512; real servers send more, and more than this is an attack.
inline constexpr std::size_t reply_line_octets_max = 4096;
inline constexpr std::size_t reply_lines_max = 128;
// RFC 5321 §4.5.3.1.3 asks for 256; bounce and list addresses are longer in practice.
inline constexpr std::size_t path_octets_max = 1024;
// Commands sent before the first answer is read: their answers (128 octets each, usually less than
// half) must fit a default receive buffer, or both ends could block in a write (RFC 2920 §3.1).
inline constexpr std::size_t pipelined_commands_max = 64;

// --- Inbound dialogue (Postfix's values: smtpd_soft_error_limit and neighbours) -------------
inline constexpr std::size_t errors_soft_max = 10;  // from the next on, an error's reply is delayed
inline constexpr std::size_t errors_hard_max = 20;  // this one ends the session
inline constexpr std::size_t junk_commands_max = 100;  // NOOP, RSET, VRFY, EHLO per message
inline constexpr auto error_delay = 1s;
// RFC 5321 §6.3 says at least 100 for a general relay; a relay between two hosts needs fewer.
inline constexpr std::size_t received_fields_max = 50;
inline constexpr std::size_t message_id_octets_max = 512;
inline constexpr std::uint64_t header_section_octets_max = 1024 * 1024;
// A BDAT smaller than this counts as a command: a message may have any number of real chunks.
inline constexpr std::uint64_t small_chunk_octets = 1024;

// --- Bodies -------------------------------------------------------------------------------------
inline constexpr std::size_t inline_body_octets_max =
    256 * 1024;                                               // travels inside the commit batch
inline constexpr std::size_t body_chunk_octets = 256 * 1024;  // a session's memory for one body
static_assert(inline_body_octets_max <= body_chunk_octets);
inline constexpr std::size_t read_buffer_octets = 16 * 1024;

// --- Committer ----------------------------------------------------------------------------------
inline constexpr std::size_t commit_group_changes_max = 1024;
inline constexpr std::size_t commit_group_octets_max = 8 * 1024 * 1024;
// Callers wait for their commit, so the queue is bounded by sessions + deliveries; past this bound
// a caller is refused (451) instead of growing memory.
inline constexpr std::size_t commit_queue_changes_max = 65536;
inline constexpr auto commit_deadline = 30s;  // a stalled disk becomes 451, not a hung sender

// --- Disk ---------------------------------------------------------------------------------------
// What is in memtables (192 MiB at most) is written once more when they are flushed, and in one
// interval a fast sender writes 30 MB twice: below this much free space a flush could fail.
inline constexpr std::uint64_t disk_reserve_octets_min = 256ULL * 1024 * 1024;
inline constexpr auto disk_look_interval = 100ms;

// --- Pages --------------------------------------------------------------------------------------
inline constexpr std::size_t claim_page_rows = 256;
inline constexpr std::size_t change_page_rows = 1000;
inline constexpr std::size_t list_page_rows_max = 1000;
inline constexpr std::size_t prune_page_messages = 256;  // retained messages that go in one batch

// --- Small values -------------------------------------------------------------------------------
inline constexpr std::size_t value_key_octets_max = 1024;
inline constexpr std::size_t value_octets_max = 64 * 1024;

// --- Release jobs -------------------------------------------------------------------------------
// Of more than this many, those whose recipients have all ended are forgotten.
inline constexpr std::size_t finished_releases_kept = 100;
// A job has at most so many due at once: some seconds of the fastest lane, and more than what one
// mailbox that takes little holds back. A pause finds the others still on hold.
inline constexpr std::uint64_t release_ahead_max = 100'000;
inline constexpr std::size_t release_gathered_max = 50'000;  // ids of 16 octets
// Addresses that go first. They are part of the job's record, which is written each second.
inline constexpr std::size_t release_first_max = 10'000;
inline constexpr auto release_look_interval = 200ms;

// --- Recipient verification --------------------------------------------------------------------
// An entry is some 200 octets with its key and up to 256 of a reply: 50 MB at the very most.
inline constexpr std::size_t verify_cache_entries_max = 100'000;
inline constexpr std::size_t verify_reply_octets_max = 256;
// Questions and probes under way: a question has one task, and one more for each server.
inline constexpr std::size_t verify_tasks_max = 32 * 1024;
// Answers that wait for their commit; more are not stored, only asked for again after a restart.
inline constexpr std::size_t verify_writes_max = 10'000;
inline constexpr auto verify_pause = 5s;  // a server that failed is not asked again for so long
inline constexpr auto verify_catch_all_lifetime = 1h;
inline constexpr auto verify_sweep_interval = 10min;
// A positive answer is kept past its lifetime, for when no server can be asked.
inline constexpr auto verify_last_known_kept = 31 * 24h;

// --- Inbound session (RFC 5321 §4.5.3.2.7) -------------------------------------------------------
inline constexpr auto command_timeout = 5min;
inline constexpr auto data_block_timeout = 3min;  // §4.5.3.2.5
inline constexpr auto write_timeout = 5min;

// Refusals on one connection to a server without a message taken in between; then it is left.
inline constexpr std::size_t server_errors_max = 8;

// --- Outbound session (RFC 5321 §4.5.3.2.1 to .6)
// --------------------------------------------------
inline constexpr auto connect_timeout = 30s;
inline constexpr auto greeting_timeout = 5min;
inline constexpr auto tls_handshake_timeout = 30s;
inline constexpr auto mail_timeout = 5min;
inline constexpr auto rcpt_timeout = 5min;
inline constexpr auto data_timeout = 2min;
inline constexpr auto data_send_timeout = 3min;
inline constexpr auto data_done_timeout = 10min;
inline constexpr auto quit_timeout = 10s;
// Transactions that are streamed to a server without waiting for its answers, and their octets. A
// loss puts all of them in doubt, and a server's answers to them (some 4 KiB) fit its send buffer.
inline constexpr std::size_t stream_window = 32;
inline constexpr std::uint64_t stream_octets_max = 8ULL * 1024 * 1024;
// A larger body waits for the answers to RCPT, in case that nobody is accepted.
inline constexpr std::uint64_t stream_body_octets_max = 1024 * 1024;
// What a connection keeps in memory of what is not written yet, besides one piece of a body.
inline constexpr std::size_t unwritten_octets_max = 64 * 1024;

// --- DNS ----------------------------------------------------------------------------------------
// Questions under way; each io thread may look up the hosts of every server at the same time.
inline constexpr std::size_t dns_questions_max = 1024;
inline constexpr std::size_t mx_hosts_max = 10;
// A server with many addresses that do not answer costs its connect_timeout so many times.
inline constexpr std::size_t next_hop_addresses_max = 16;
inline constexpr std::size_t next_hops_kept_max = 1024;
inline constexpr auto next_hop_ttl_min = 5s;
inline constexpr auto next_hop_ttl_max = 1h;
inline constexpr auto next_hop_failure_ttl = 10s;

// --- Propagation ---------------------------------------------------------------------------------
// What authoritative servers have served: some 150 octets each; 16 servers with 30 epochs of MX, NS
// and SOA each, and past that the oldest ends go.
inline constexpr std::size_t dns_epochs_max = 400;
inline constexpr std::size_t dns_history_octets_max = 60 * 1024;  // saved
static_assert(dns_history_octets_max < value_octets_max);
inline constexpr std::size_t dns_served_octets_max = 2048;  // of one epoch's data
// How long a planned switch that does not come, or a change that is not finished, is looked at
// closely.
inline constexpr auto dns_near_max = 72h;

// --- Senders of a domain ------------------------------------------------------------------------
// Some 100 octets each in memory. The providers beyond the first thousands of a domain have a mail
// or two a month each, and coverage is told in tenths of a percent.
inline constexpr std::size_t sender_providers_max = 5000;
inline constexpr std::size_t sender_networks_max = 20'000;
inline constexpr std::size_t sender_names_max = 20'000;  // addresses whose names were seen
inline constexpr std::size_t unnamed_senders_max = 256;  // addresses that wait for a lookup
inline constexpr std::size_t stragglers_kept_max = 2000;
inline constexpr std::size_t missing_senders_max = 50;
inline constexpr auto senders_kept = 35 * 24h;
// Lines of a mail log, and mail whose end the log has not told yet.
inline constexpr std::size_t log_line_octets_max = 64 * 1024;
inline constexpr std::size_t log_pending_max = 10'000;
inline constexpr std::size_t log_recipients_max = 1000;  // of one mail
inline constexpr std::uint64_t log_poll_octets_max = 8ULL * 1024 * 1024;

// --- Recipient files ----------------------------------------------------------------------------
// Offsets into a loaded file's records are 32 bits wide; a record is at most twice its line.
inline constexpr std::uint64_t recipient_file_octets_max = 1ULL << 30;
inline constexpr std::size_t rewrite_targets_max = 1000;
// Names that the recipients of one message may become, where limits.recipients is less: a row each,
// all in one commit that everybody else waits for.
inline constexpr std::size_t names_max = rewrite_targets_max;
inline constexpr auto recipient_look_interval = 1s;  // a change counts at the second look

// --- Remapped addresses --------------------------------------------------------------------------
// All in memory, some 200 octets each; past this an address map of its own is the better tool.
inline constexpr std::size_t remaps_max = 100'000;

// --- Delivery reports ---------------------------------------------------------------------------
// What of the message goes back with RET=FULL; of a longer one only the header section does.
inline constexpr std::size_t dsn_returned_octets_max = 1024 * 1024;

// --- Waves ---------------------------------------------------------------------------------------
// Recipients that operators put into one wave; some 150 octets each. A file has no such bound.
inline constexpr std::size_t wave_members_max = 500'000;

// --- Control API
// ----------------------------------------------------------------------------------
inline constexpr std::size_t http_header_octets_max = 16 * 1024;
inline constexpr std::size_t http_body_octets_max = 1024 * 1024;
inline constexpr auto http_timeout = 60s;
inline constexpr std::size_t http_connections_max = 64;

}  // namespace siding::limits
