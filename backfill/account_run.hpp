// One order for one account, from logging in on both sides to the end: a pass, a verification, a
// check of the login, or a plan. Connections that are lost are made again; what a server refuses
// for good ends the order. Runs as one coroutine on one io thread.
#pragma once

#include "backfill/account.hpp"
#include "backfill/account_pace.hpp"
#include "backfill/account_pass.hpp"
#include "backfill/account_status.hpp"
#include "backfill/acl_names.hpp"
#include "backfill/archive_store.hpp"
#include "backfill/folder_plan.hpp"
#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/order_options.hpp"
#include "backfill/token_source.hpp"
#include "base/clock.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::backfill {

class Verifier;

class ArchiveKeeper;
class Quarantine;

class AccountRun {
public:
    struct Needs {
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        const Clock& clock;
        std::filesystem::path spool;
        std::unique_ptr<AccountPace> pace;
        TokenSource& tokens;
        std::size_t pairs = 1;                     // of connections, at most
        std::uint64_t memory = 0;                  // octets of messages under way
        std::optional<WallTime> switched_at = {};  // when the account's domain changed its MX
        bool compare_all_flags = true;
        bool is_resumed = false;  // the order has begun before, and had to wait
        // Of all mailboxes, what is behind it is copied first.
        std::optional<WallTime> recent_since = {};
        // Who is who on the two servers; nothing: access control lists are not copied.
        std::shared_ptr<const AclNames> acl_names = {};
        ArchiveKeeper* archive = nullptr;  // for what the destination refuses; nothing: not kept
        std::filesystem::path archive_directory = {};
        // Changes the status that others see.
        std::function<void(const std::function<void(AccountStatus&)>&)> update;
        std::function<bool()> is_stopping;
    };

    AccountRun(Account account, Needs needs);
    ~AccountRun();

    net::awaitable<Result<void>> copy(OrderOptions options);
    net::awaitable<Result<void>> verify(OrderOptions options);
    net::awaitable<Result<FolderPlan>> plan();
    // Logs in on both sides and lists the folders; with a canary if that is wanted.
    net::awaitable<Result<void>> check(OrderOptions options);
    // What there is to copy, and what will be in the way. Writes nothing.
    net::awaitable<Result<void>> assess(OrderOptions options);
    // What was refused or unreadable, once more; repaired if that is wanted.
    net::awaitable<Result<void>> retry(const RetryRequest& request);
    // What the archive lacks of the source into it; what it has to the destination.
    net::awaitable<Result<void>> archive(ArchiveStore& store);
    net::awaitable<Result<void>> restore(ArchiveStore& store);

private:
    net::awaitable<Result<void>> open();
    net::awaitable<Result<void>> open_source();
    net::awaitable<Result<void>> open_destination();
    // The destination, into `session`; as a task of its own.
    static net::awaitable<void> open_beside(
        AccountRun& self, std::unique_ptr<ImapSession>& session, Result<void>& outcome
    );
    net::awaitable<void> close();
    net::awaitable<Result<void>> list();
    net::awaitable<Result<void>> list_source();
    net::awaitable<Result<void>> make_plan_of_both();
    net::awaitable<Result<void>> follow_way_out(
        const std::vector<FolderState>& there, FolderPlan& plan
    );
    net::awaitable<Result<void>> copy_persistently();
    net::awaitable<Result<void>> copy_once();
    net::awaitable<Result<void>> prepare();
    static net::awaitable<void> ask_recent(AccountRun& self, Result<void>& outcome);
    net::awaitable<Result<void>> note_found();
    net::awaitable<Result<void>> make_final();
    net::awaitable<Result<void>> check_all_copied();
    net::awaitable<Result<void>> wait_quietly();
    static net::awaitable<Result<void>> open_pair(
        AccountRun& self, AccountPass::Sessions& sessions
    );
    net::awaitable<Result<bool>> is_anything_new();
    net::awaitable<Result<void>> know_destination();
    net::awaitable<Result<void>> note_destination(bool is_known);
    MailboxPass::Place place_of(const MailboxRecord& mailbox) const;
    void compare_servers(const std::vector<MailboxRecord>& mailboxes);
    net::awaitable<Result<void>> keep_skipped();
    net::awaitable<Result<void>> make_all_folders();
    net::awaitable<Result<void>> make_folders();
    net::awaitable<Result<void>> run_pass();
    net::awaitable<Result<bool>> are_acls_due();
    net::awaitable<Result<void>> copy_acls();
    net::awaitable<Result<void>> count_known();
    net::awaitable<Result<MailboxTotals>> count_copied();
    net::awaitable<Result<void>> send_canary();
    net::awaitable<bool> put_aside_corrupt();
    net::awaitable<bool> may_try_again(const Error& error);
    net::awaitable<Result<void>> verify_once(
        Verifier& verifier, const std::vector<MailboxRecord>& mailboxes
    );
    const FolderState* state_of(const std::string& source) const;

    Result<std::vector<MailboxRecord>> mailboxes_to_retry(const RetryRequest& request) const;
    net::awaitable<Result<void>> retry_once(const RetryRequest& request);
    net::awaitable<Result<std::uint64_t>> retry_mailbox(
        MailboxRecord mailbox, const RetryRequest& request
    );

    using ArchiveOrder = net::awaitable<Result<void>> (AccountRun::*)(ArchiveStore&);
    net::awaitable<Result<void>> persist(ArchiveOrder order, ArchiveStore& store);
    net::awaitable<Result<void>> archive_once(ArchiveStore& store);
    net::awaitable<Result<void>> restore_once(ArchiveStore& store);
    net::awaitable<Result<void>> restore_mailboxes(
        ArchiveStore& store, const std::map<std::string, ArchiveMailbox>& mailboxes
    );
    Result<std::vector<ArchiveMailbox>> choose_to_archive(ArchiveStore& store) const;

    Account account_;
    Needs needs_;
    AccountRecord record_;
    std::optional<AccountId> other_way_;  // way_back.hpp
    std::unique_ptr<Quarantine> quarantine_;
    std::unique_ptr<ImapSession> source_;
    std::unique_ptr<ImapSession> destination_;
    std::vector<FolderState> source_folders_;
    FolderSide source_side_;
    bool must_ask_first_ = false;       // AppendWriter::Needs
    AppendSuspects suspects_;           // likewise
    std::set<Twin> moving_;             // of the pass under way
    bool is_uid_plus_proven_ = false;   // MailboxPass::Account
    bool strict_names_ = false;         // the destination has refused one of the usual kind
    std::set<std::string> subscribed_;  // at the destination
    // UIDVALIDITY of the destination's mailboxes, as its list says; by name.
    std::map<std::string, std::string> validities_;
    bool is_new_login_ = false;  // the accounts file names another one than at the last whole pass
    bool is_other_server_ = false;  // than then, as far as is known
    std::optional<FolderPlan> plan_;
    OrderOptions options_;  // of copy()
    std::map<std::string, RecentMessages> recent_;
    std::map<std::string, PassCounts> found_;  // what was not as before, by mailbox
    WallTime listed_at_{};                     // the source
    std::uint64_t progress_ = 0;               // rows written
    std::uint64_t progress_before_ = 0;        // at the last loss of a connection
    unsigned losses_ = 0;                      // without progress between
};

}  // namespace siding::backfill
