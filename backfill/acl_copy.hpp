// Access control lists from the source's mailboxes to the destination's: which are due, what each
// server says, what is done. Commands go out without waiting for each other. A server's NO about
// one mailbox is a note; an error is the connection's or the disk's.
//
// What was done is one value of the account in the ledger: a line for each mailbox, with a digest
// of the source's list and the notes.
#pragma once

#include "backfill/acl.hpp"
#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace siding::backfill {

struct AclNote {
    std::string mailbox;  // at the source, escaped
    std::string words;
};

Result<std::vector<AclNote>> acl_notes(const Ledger& ledger, AccountId account);
// Whether no pass has looked at the lists of this account.
Result<bool> are_acls_due(const Ledger& ledger, AccountId account);

class AclCopy {
public:
    struct Needs {
        ImapSession& source;
        ImapSession& destination;
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        AccountId account = 0;
        std::string source_owner;
        std::string destination_owner;
        std::shared_ptr<const AclNames> names;
        bool look_again = false;  // also at lists that were copied in an earlier pass
    };
    struct Mailbox {
        std::string source;
        std::string destination;
    };

    explicit AclCopy(Needs needs);

    net::awaitable<Result<void>> run(std::vector<Mailbox> mailboxes);

private:
    struct Entry {
        Mailbox mailbox;
        std::string digest;  // of the source's list
        AclEntries source;
        AclEntries destination;
        std::string words;  // notes
        bool is_answered = false;
    };
    struct Done {
        std::string digest;
        std::string words;
    };
    using Known = std::map<std::string, Done>;  // by escaped name

    net::awaitable<Result<void>> copy(std::vector<Entry> entries, Known& known);
    net::awaitable<Result<void>> ask_source(std::vector<Entry>& entries);
    net::awaitable<Result<void>> ask_destination(std::span<Entry* const> entries);
    net::awaitable<Result<void>> change(std::span<Entry* const> entries);
    void note(Entry& entry, std::string words) const;

    Needs needs_;
    AclMerger merger_;
};

}  // namespace siding::backfill
