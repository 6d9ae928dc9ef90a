// Messages of a mailbox that the source shows in others, too, Gmail's labels for one: which of them
// are at the destination already, and their copies there. Parts of a MailboxPass.
#pragma once

#include "backfill/email_claims.hpp"
#include "backfill/mailbox_pass.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

class ShowingCopy {
public:
    explicit ShowingCopy(MailboxPass& pass) : pass_{pass} {}

    // A row that shows the same message, and is at the destination.
    struct Shown {
        std::uint64_t uid = 0;  // here, at the source
        MailboxId mailbox = 0;
        std::uint64_t row = 0;              // its UID there
        std::uint64_t destination_uid = 0;  // and at the destination
        // Only where they are not those of the row.
        std::optional<std::vector<std::string>> flags;
    };
    struct Sorted {
        ImapSet fresh;  // to be sent
        ImapSet later;  // another mailbox is about to send them
        std::vector<Shown> shown;
    };

    net::awaitable<Result<Sorted>> sort_out(ImapSet uids, EmailClaims::Claim* claim);
    // The UIDs that could not be copied are to be sent.
    net::awaitable<Result<ImapSet>> copy(std::vector<Shown> shown);

private:
    // What the source says of a message without giving it.
    struct Facts {
        std::uint64_t uid = 0;
        std::uint64_t octets = 0;
        std::string email_id;
        std::string internal_date;
        std::vector<std::string> flags;
    };
    struct Found {
        std::vector<Shown> shown;
        std::vector<CopyRecord> rows;  // nothing is to be done at the destination for them
    };
    struct Group {
        MailboxRecord mailbox;
        std::vector<Shown> shown;
        std::vector<CopyRecord> rows;  // intents, as many
    };

    net::awaitable<Result<std::vector<Facts>>> ask(ImapSet uids);
    Result<Found> find(std::vector<Facts> facts);
    Result<void> find_one(Facts& facts, Found& found);
    CopyRecord make_row(const CopyRecord& row, const Facts& facts) const;
    Result<Group> make_group(std::vector<Shown> shown) const;
    net::awaitable<Result<void>> copy_group(Group group, ImapSet& failed);
    net::awaitable<Result<void>> settle(Group& group, const std::optional<CopyUid>& told);
    net::awaitable<Result<void>> store_flags(const Group& group);
    bool is_believed(const CopyUid& told) const;

    MailboxPass& pass_;
};

}  // namespace siding::backfill
