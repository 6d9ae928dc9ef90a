// Compares what the destination really returns with what the source has given, message by message,
// by digest. Every message of the source gets exactly one verdict:
//   exact · exact but line ends · headers rewritten · body rewritten · different ·
//   missing (recorded, and not at the destination, where it was never seen) ·
//   deleted (seen there once, and gone since: its user did that) · in another folder ·
//   refused · unreadable at source · not copied (no pass has seen it yet) · in doubt
// A message that the source has expunged since is not compared.
#pragma once

#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace siding::backfill {

// Whether a verdict means that the message is where it should be.
bool is_good_verdict(std::string_view verdict);

class Verifier {
public:
    struct Needs {
        ImapSession& source;
        ImapSession& destination;
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
        AccountId account = 0;
        std::uint32_t pass = 0;
        std::function<void(const std::string&)> on_verdict;
    };

    explicit Verifier(Needs needs) : needs_{std::move(needs)} {}

    // `is_at_source`: the mailbox is still there.
    net::awaitable<Result<void>> verify(MailboxRecord mailbox, bool is_at_source);
    // Messages of a mailbox that no verify() has spoken of, because the ledger does not know it.
    net::awaitable<Result<void>> count_uncopied(std::string source_name);

private:
    net::awaitable<Result<void>> judge_page(MailboxRecord mailbox, std::vector<CopyRecord> rows);

    Needs needs_;
    std::set<std::string> seen_;
};

}  // namespace siding::backfill
