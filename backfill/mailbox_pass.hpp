// One mailbox in one pass. look() finds out what has changed at the source and brings flags over;
// copy() brings messages over. All mailboxes of an account are looked at before the first is
// copied, so that a message that has been moved is known to be gone from one before it appears in
// another.
//
// The source is only ever examined (EXAMINE, BODY.PEEK); at the destination nothing is deleted.
#pragma once

#include "backfill/account_pace.hpp"
#include "backfill/adoptable.hpp"
#include "backfill/append_writer.hpp"
#include "backfill/copy_window.hpp"
#include "backfill/folder_plan.hpp"
#include "backfill/imap_session.hpp"
#include "backfill/ledger.hpp"
#include "backfill/match.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace siding::backfill {

class ArchiveStore;
class EmailClaims;
class MessageQueue;
class MessageReader;
class ArchivedMessages;
class Quarantine;

// Of the ledger, while messages that are gone at the source may turn up in another mailbox: until a
// whole pass has found none gone.
inline constexpr std::string_view gone_key = "gone";

// What a pass has done, of one mailbox or of an account.
struct PassCounts {
    std::uint64_t to_copy = 0;  // known when copying begins
    std::uint64_t copied = 0;
    std::uint64_t octets = 0;
    std::uint64_t adopted = 0;  // were at the destination already
    std::uint64_t moved = 0;    // as the user has moved them at the source
    std::uint64_t flags = 0;    // messages whose flags were changed
    std::uint64_t gone = 0;     // expunged at the source
    std::uint64_t refused = 0;
    std::uint64_t unreadable = 0;

    PassCounts& operator+=(const PassCounts& other);
    // Messages that were new, gone, or otherwise not as they had been.
    std::uint64_t changes() const { return copied + moved + flags + gone + refused + unreadable; }
};

class MailboxPass {
public:
    // What all mailboxes of an account have in common; outlives them.
    struct Account {
        Ledger& ledger;
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;
        AccountId id = 0;
        std::uint32_t pass = 0;
        AccountPace& pace;
        bool& must_ask_first;                 // AppendWriter::Needs
        AppendSuspects& suspects;             // likewise
        std::set<Twin>& moving;               // likewise
        bool& is_uid_plus_proven;             // the UIDs that the destination tells are true
        std::uint64_t memory = 0;             // octets of messages under way
        std::optional<WallTime> switched_at;  // of the MX; for direct arrivals
        bool compare_all_flags = false;       // where the source has no CONDSTORE, too
        std::function<void(const PassCounts&)> on_progress;  // told what has been added
        EmailClaims* emails = nullptr;                       // where several are copied at once
        const CopyWindow* window = nullptr;                  // only what is in it; never whole
        std::function<bool()> is_stopping = {};              // asked four times a second
        std::optional<AccountId> other_way = {};             // way_back.hpp
        Quarantine* quarantine = nullptr;                    // for what the destination refuses
        std::string source_prefix = {};                      // of the account's personal namespace
    };

    // The two connections that a mailbox is worked at with.
    struct Pair {
        ImapSession& source;
        ImapSession& destination;
    };

    MailboxPass(
        const Account& account, FolderPlan::Row row, FolderState state, MailboxRecord record
    );

    // What has become of the mailbox at the destination since the last pass. `other`: it is there
    // with another UIDVALIDITY, or belongs to another server: what is not found in it goes again.
    // `removed`: its user has done that, and deleted what was in it.
    enum class Place { same, other, removed };
    void set_place(Place place) { place_ = place; }

    // Whether the mailbox is as it was at the end of its last whole pass, as far as the source's
    // numbers say. Intents that are left are another matter.
    static bool has_nothing_new(
        const MailboxRecord& record, const StatusItem& now, bool compare_all_flags
    );

    net::awaitable<Result<void>> look(const Pair& pair);
    struct Part {
        bool has_gone_messages = false;  // of the whole account, by look()
        const ImapSet* only = nullptr;   // a round before the others: of these what is new
    };
    // With the same pair or another one; once for each round.
    net::awaitable<Result<void>> copy(const Pair& pair, const Part& part);

    struct Archived {
        const ArchiveStore& store;
        const ArchivedMessages& messages;
        std::string uid_validity;
    };
    // Instead of both: from a mailbox of the archive. Of the pair only the destination is used.
    net::awaitable<Result<void>> restore(const Pair& pair, const Archived& archived);

    struct Retry {
        const ImapSet& uids;  // empty: all that are refused or unreadable
        RetryRepair repair;
        bool has_source = false;             // of the pair; its mailbox may be open already
        const Archived* archived = nullptr;  // of the same UIDVALIDITY
    };
    // Instead of copy(): what was refused or unreadable, once more.
    net::awaitable<Result<void>> retry(const Pair& pair, const Retry& retry);

    const PassCounts& counts() const { return counts_; }
    bool is_untouched() const { return is_untouched_; }
    // Roughly, by the source's count.
    std::uint64_t messages_expected() const;
    const MailboxRecord& record() const { return record_; }
    const FolderPlan::Row& row() const { return row_; }

private:
    friend class ShowingCopy;
    using Write = std::function<Result<void>()>;

    void check_destination();
    ImapSession& source() const { return pair_->source; }
    ImapSession& destination() const { return pair_->destination; }
    net::awaitable<Result<void>> begin_epoch();
    net::awaitable<Result<void>> recall_epoch();
    Result<void> learn_epoch(const std::string& validity, ImapSet bound);
    net::awaitable<Result<ImapSet>> recorded(std::uint64_t from);
    net::awaitable<Result<void>> ask_changes();
    net::awaitable<Result<void>> find_gone();
    net::awaitable<Result<void>> mark_gone(ImapSet gone);
    net::awaitable<Result<ImapSet>> uncopied();
    net::awaitable<Result<void>> take_from_other_way(ImapSet& uids);
    net::awaitable<Result<void>> keep_window(ImapSet& uids);
    net::awaitable<Result<void>> bring_flags();
    net::awaitable<Result<std::uint64_t>> behind_last_row();
    net::awaitable<Result<void>> compare_flags(std::vector<CopyRecord> rows);
    net::awaitable<Result<void>> apply_flags(
        std::vector<CopyRecord> rows, std::vector<std::vector<std::string>> wanted
    );
    net::awaitable<Result<void>> read_again(std::vector<CopyRecord>& rows);
    net::awaitable<Result<void>> store_flags(
        std::string item, std::vector<std::string> flags, ImapSet uids
    );
    net::awaitable<Result<void>> open_both();
    net::awaitable<Result<void>> open_destination();
    net::awaitable<Result<void>> take_destination();
    net::awaitable<Result<void>> settle_intents();
    net::awaitable<Result<void>> bind_left_over();
    // Rows whose messages are looked for by their octets: 96 octets for each, so that a million
    // fit.
    struct Sought {
        Sought() = default;  // no aggregate: net/asio.hpp
        void add(const CopyRecord& row);

        std::vector<std::uint64_t> uids;  // at the source
        std::vector<Known> known;
    };
    net::awaitable<Result<void>> bind(Sought rows, std::uint64_t from_uid);
    Result<void> unbind(std::vector<CopyRecord>& rows, Sought& sought);
    net::awaitable<Result<void>> rebind_destination();
    net::awaitable<Result<void>> give_up_unbound();
    net::awaitable<Result<void>> learn_destination();
    net::awaitable<Result<void>> bind_new();
    net::awaitable<Result<ImapSet>> unbound(ImapSet there);
    net::awaitable<Result<void>> bring(ImapSet uids, bool has_gone_messages);
    net::awaitable<Result<void>> transfer(ImapSet uids, bool has_gone_messages);
    static Error not_at_its_end();
    static net::awaitable<void> fetch(
        MailboxPass& self, ImapSet uids, MessageQueue& queue, Result<void>& outcome
    );
    static net::awaitable<void> fetch_archived(
        MailboxPass& self, ImapSet uids, MessageQueue& queue, Result<void>& outcome
    );
    struct StopWatch;
    static net::awaitable<void> watch_stop(MailboxPass& self, StopWatch& watch);
    net::awaitable<Result<ImapSet>> to_restore_anew(bool unbound);
    net::awaitable<Result<ImapSet>> to_retry();
    net::awaitable<Result<void>> retry_round(ImapSet uids);
    net::awaitable<Result<ImapSet>> next_to_repair(const ImapSet& all);
    net::awaitable<Result<void>> end_retry(const ImapSet& all);
    net::awaitable<Result<void>> mend(FetchedMessage& message);
    net::awaitable<Result<void>> keep_refused(const FetchedMessage& message, std::string words);
    net::awaitable<Result<void>> note_direct(const FetchedMessage& message);
    net::awaitable<Result<void>> note_rest(const ImapSet& asked, const MessageReader& reader);
    net::awaitable<Result<void>> note_lost(ImapSet lost);
    net::awaitable<Result<void>> note_unreadable(const std::map<std::uint64_t, std::string>& unread
    );
    net::awaitable<Result<ImapSet>> move(std::vector<AppendWriter::Move> moves);
    net::awaitable<Result<void>> hand_over(AppendWriter::Move& move);
    void count_move();
    net::awaitable<Result<void>> write(std::vector<CopyRecord> rows);
    net::awaitable<Result<void>> put_record();
    void on_row(const CopyRecord& row);

    const Account& account_;
    const Pair* pair_ = nullptr;  // of the call under way
    FolderPlan::Row row_;
    FolderState state_;
    MailboxRecord record_;
    OpenMailbox seen_;                             // of the source, when it was examined
    std::optional<ImapSession::Changes> changes_;  // that the source tells; none: it cannot
    const Archived* archived_ = nullptr;           // where restore() takes messages from
    const Retry* retry_ = nullptr;                 // of retry()
    std::map<std::uint64_t, Repairs> repairs_;     // that messages get before they go
    std::map<std::uint64_t, std::string> unread_;  // of one transfer of retry()
    std::map<std::uint64_t, std::string> left_;    // neither at the source nor in the archive
    Adoptable adoptable_;
    ImapSet again_;  // in doubt, and not at the destination
    PassCounts counts_;
    Place place_ = Place::same;
    bool is_untouched_ = false;
    bool has_unbound_ = false;       // copied, but the destination has not told the UID
    bool must_learn_ = false;        // a row in doubt has no digests
    bool has_learned_ = false;       // what is at the destination
    bool has_former_epoch_ = false;  // of which the ledger says what is there
    bool has_stopped_ = false;       // before its end, because it was told to
    ImapSet told_;                   // UIDs of this pass's copies, as the destination has told them
    std::uint64_t lowest_unbound_ = 0;
};

}  // namespace siding::backfill
