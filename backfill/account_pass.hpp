// All mailboxes of an account in one pass: looked at one after the other, then copied by several
// pairs of connections, each taking the next mailbox. Lives on one io thread.
#pragma once

#include "backfill/account_status.hpp"
#include "backfill/mailbox_pass.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace siding::backfill {

class AccountPass {
public:
    struct Sessions {
        std::unique_ptr<ImapSession> source;
        std::unique_ptr<ImapSession> destination;
    };
    struct Needs {
        MailboxPass::Pair first;                                      // logged in
        std::function<net::awaitable<Result<void>>(Sessions&)> open;  // another pair
        std::size_t pairs_max = 1;
        std::function<void(const std::function<void(AccountStatus&)>&)> update;
        std::function<bool()> is_stopping;
    };

    AccountPass(Needs needs, std::vector<std::unique_ptr<MailboxPass>> mailboxes);

    net::awaitable<Result<void>> run();

private:
    net::awaitable<Result<void>> look();
    net::awaitable<Result<void>> copy(const MailboxPass::Pair& pair);
    static net::awaitable<void> work(AccountPass& self);
    std::size_t pairs_worth() const;
    void fail(const Error& error);

    Needs needs_;
    std::vector<std::unique_ptr<MailboxPass>> mailboxes_;
    std::size_t next_ = 0;
    bool has_gone_messages_ = false;
    std::optional<Error> failure_;  // the first one; the other pairs stop at their next mailbox
};

}  // namespace siding::backfill
