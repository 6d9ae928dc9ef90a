// Compares what the destination really returns with what the source has given, message by message,
// by digest. Every message of the source gets exactly one verdict:
//   exact · exact but line ends · headers rewritten · body rewritten · different ·
//   missing (recorded, and not at the destination, where it was never seen) ·
//   unreadable at destination (it lists the UID, and does not give the message) ·
//   deleted (seen there once, and gone since: its user did that) · in another folder ·
//   refused · unreadable at source · not copied (no pass has seen it yet) · in doubt ·
//   repaired (the operator has chosen so, and that is what is there) · not sampled
// A message that the source has expunged since is not compared. Of a sample, bodies are read of
// those that were chosen, whose size is another or that were wrong before; of the rest UID and
// size.
//
// What is at the destination besides is counted and listed: new mail, or what was there before.
#pragma once

#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"
#include "backfill/sample.hpp"
#include "backfill/verification.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::backfill {

class Verifier {
public:
    struct Needs {
        // Those that are open when verify() is called: others may be opened between two calls.
        const std::unique_ptr<ImapSession>& source;
        const std::unique_ptr<ImapSession>& destination;
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
        AccountId account = 0;
        std::uint32_t pass = 0;
        std::optional<SampleSize> sample;  // nothing: every message
        std::uint64_t seed = 0;            // of the sample
        std::function<void(const std::string& verdict, std::uint64_t messages)> on_verdict;
    };

    explicit Verifier(Needs needs) : needs_{std::move(needs)} {}

    // Each of these goes on where it was when it is called again after a lost connection.
    //
    // `is_at_source`: the mailbox is still there.
    net::awaitable<Result<void>> verify(MailboxRecord mailbox, bool is_at_source);
    // Messages of a mailbox that no verify() has spoken of, because the ledger does not know it.
    net::awaitable<Result<void>> count_uncopied(std::string source_name);
    // Behind all that: what is at the destination and not ours.
    net::awaitable<Result<void>> find_extras();

    // Without its times.
    const Verification& result() const { return result_; }

private:
    // A mailbox of the destination; several of the source may go there.
    struct Place {
        ImapSet there;
        ImapSet ours;
        bool is_known = true;  // its UIDs are those of the ledger
    };
    using Rows = std::map<std::uint64_t, CopyRecord*>;  // by UID at the destination

    ImapSession& source() const { return *needs_.source; }
    ImapSession& destination() const { return *needs_.destination; }
    net::awaitable<Result<ImapSet>> open(MailboxRecord mailbox, bool is_at_source);
    net::awaitable<Result<LedgerPage>> read_page(MailboxRecord mailbox, std::uint64_t from_uid);
    net::awaitable<Result<void>> choose_sample(MailboxRecord mailbox, ImapSet at_source);
    net::awaitable<Result<void>> judge_page(MailboxRecord mailbox, std::vector<CopyRecord> rows);
    net::awaitable<Result<void>> compare_sizes(const Rows& wanted, ImapSet& bodies, ImapSet& fit);
    net::awaitable<Result<void>> compare_bodies(const Rows& wanted, ImapSet bodies);
    void count(const CopyRecord& row);
    void say(const std::string& verdict, std::uint64_t messages = 1);
    void judge_unread(CopyRecord& row);
    net::awaitable<Result<void>> list_extras(std::string mailbox, ImapSet uids);

    Needs needs_;
    Verification result_;
    std::set<std::string> seen_;           // mailboxes of the source of which all is said
    std::uint64_t next_uid_ = 0;           // of the mailbox under way; 0: it is about to begin
    ImapSet known_;                        // likewise: UIDs that the ledger has, so far
    std::map<std::string, Place> places_;  // by name at the destination
    ImapSet there_;                        // of the mailbox under way: UIDs at the destination
    std::map<std::uint64_t, std::string> unread_;  // of the page under way: the server's words
    ImapSet chosen_;                               // UIDs at the source, of the mailbox under way
    std::uint64_t suspects_max_ = 0;               // likewise
    std::vector<Sampled> sampled_;
};

}  // namespace siding::backfill
