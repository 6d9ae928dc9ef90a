// All mailboxes of an account in one pass: looked at one after the other, then copied by several
// pairs of connections, each taking the next turn. A mailbox that is known to have recent messages
// and others has two turns: these behind the recent ones of all mailboxes. Lives on one io thread.
#pragma once

#include "backfill/account_status.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/recent_messages.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::backfill {

class AccountPass {
public:
    struct Sessions {
        Governor::Permit permit;  // goes last
        std::unique_ptr<ImapSession> source;
        std::unique_ptr<ImapSession> destination;
    };
    struct Needs {
        MailboxPass::Pair first;  // logged in
        // Another pair; Errc::limit_exceeded: not now.
        std::function<net::awaitable<Result<void>>(Sessions&)> open;
        std::size_t pairs_max = 1;
        bool has_gone_messages = false;                     // of earlier passes
        std::map<std::string, RecentMessages> recent = {};  // by mailbox, where it is known
        std::function<void(const std::function<void(AccountStatus&)>&)> update;
        std::function<bool()> is_stopping;
    };

    AccountPass(Needs needs, std::vector<std::unique_ptr<MailboxPass>> mailboxes);

    net::awaitable<Result<void>> run();
    const std::vector<std::unique_ptr<MailboxPass>>& mailboxes() const { return mailboxes_; }
    bool has_found_gone() const { return has_found_gone_; }

private:
    struct Turn {
        MailboxPass* mailbox = nullptr;
        const ImapSet* only = nullptr;
        bool is_last = true;  // of this mailbox
    };

    net::awaitable<Result<void>> look();
    void take_turns();
    std::optional<Turn> next_turn();
    bool has_turn() const;
    bool may_take(const Turn& turn) const;
    // Until there is no turn left, or until somebody else wants the permit, if there is one.
    net::awaitable<Result<void>> copy(
        const MailboxPass::Pair& pair, const Governor::Permit* permit = nullptr
    );
    static net::awaitable<void> rest(AccountPass& self);
    static net::awaitable<void> work(AccountPass& self);
    std::size_t pairs_worth() const;
    void fail(const Error& error);

    Needs needs_;
    std::vector<std::unique_ptr<MailboxPass>> mailboxes_;
    std::deque<Turn> turns_;
    std::set<const MailboxPass*> busy_;           // with a pair at work
    std::set<net::asio::steady_timer*> resting_;  // pairs that have to wait for their permit
    bool is_over_ = false;
    bool has_found_gone_ = false;   // by look()
    std::optional<Error> failure_;  // the first one; the other pairs stop at their next mailbox
};

}  // namespace siding::backfill
