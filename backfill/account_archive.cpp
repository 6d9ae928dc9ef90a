// AccountRun: the source into the archive, and the archive to the destination.
#include "backfill/account_run.hpp"
#include "backfill/archive_entries.hpp"
#include "backfill/archive_pass.hpp"
#include "backfill/archive_scrub.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// What has gone into another mailbox tells nothing about this one.
std::string restore_name(const Account& account) {
    const Login& to = account.destination;
    return fmt::format(
        "restore:{}@{}:{}/{}",
        account.name,
        to.address.host,
        to.address.port,
        to.authzid.empty() ? to.user : to.authzid
    );
}

}  // namespace

// Begun anew after a lost connection, as copy().
awaitable<Result<void>> AccountRun::persist(ArchiveOrder order, ArchiveStore& store) {
    Result<void> done;
    for (;;) {
        done = co_await (this->*order)(store);
        if (done) {
            break;
        }
        const Error error = done.error();
        const bool again = co_await may_try_again(error);
        if (!again) {
            break;
        }
        log.warn("connection_lost", {{"account", account_.name}, {"reason", error.message()}});
    }
    co_await close();
    co_return done;
}

awaitable<Result<void>> AccountRun::archive(ArchiveStore& store) {
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::archiving;
        status.counts = {};
        status.started_at = needs_.clock.now();
        status.is_clean = false;
    });
    auto scrub = [&store] { return scrub_archive(store, limits::archive_scrub_octets); };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, scrub));
    const Result<void> done = co_await persist(&AccountRun::archive_once, store);
    if (done) {
        needs_.update([](AccountStatus& status) {
            status.is_clean = status.counts.unreadable == 0;
            status.mailbox.clear();
        });
    }
    co_return done;
}

// The plan's rules say which folders count; those that are not at the source any more are marked.
Result<std::vector<ArchiveMailbox>> AccountRun::choose_to_archive(ArchiveStore& store) const {
    FolderSide source = source_side_;
    std::erase_if(source.folders, [this](const Folder& folder) {
        const FolderState* state = state_of(folder.name);
        return state != nullptr && !state->is_selectable;
    });
    source.prefix = account_.source.prefix.value_or(source.prefix);
    FolderSide nowhere;
    nowhere.separator = source.separator;
    const FolderPlan plan = make_plan(account_.name, source, nowhere, account_.rules);
    std::set<std::string> wanted;
    for (const FolderPlan::Row& row : plan.rows) {
        if (row.action != FolderPlan::Row::Action::skip) {
            wanted.insert(row.source);
        }
    }
    std::vector<ArchiveMailbox> chosen;
    std::set<std::string> there;
    for (const Folder& folder : source.folders) {
        there.insert(folder.name);
        if (wanted.contains(folder.name)) {
            chosen.push_back(archive_mailbox(account_.name, source.prefix, folder));
        }
    }
    for (ArchiveStore::Listed& listed : store.mailboxes()) {
        ArchiveMailbox& mailbox = listed.mailbox;
        if (listed.is_latest && mailbox.account == account_.name && !mailbox.is_gone &&
            !there.contains(mailbox.name)) {
            mailbox.is_gone = true;
            SIDING_TRY(store.put(std::move(mailbox)));
        }
    }
    return chosen;
}

awaitable<Result<void>> AccountRun::archive_once(ArchiveStore& store) {
    SIDING_CO_TRY(co_await open_source());
    SIDING_CO_TRY(co_await list_source());
    auto choose = [this, &store] { return choose_to_archive(store); };
    SIDING_CO_ASSIGN(
        std::vector<ArchiveMailbox> mailboxes, co_await net::run_on(needs_.blocking, choose)
    );
    needs_.update([&mailboxes](AccountStatus& status) {
        status.mailboxes = mailboxes.size();
        status.mailboxes_done = 0;
        status.counts.to_copy = status.counts.copied;
        status.counts.unreadable = 0;
    });
    const ArchivePass::Needs needs{
        .source = *source_,
        .store = store,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .pace = *needs_.pace,
        .clock = needs_.clock,
        .on_progress =
            [this](const PassCounts& more) {
                progress_ += more.copied;
                needs_.update([&more](AccountStatus& status) { status.counts += more; });
            },
    };
    for (ArchiveMailbox& mailbox : mailboxes) {
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped; what is taken is in the archive"};
        }
        const std::string name = mailbox.name;
        needs_.update([&name](AccountStatus& status) { status.mailbox = name; });
        ArchivePass pass{needs, std::move(mailbox)};
        auto taken = co_await pass.run();
        if (!taken) {
            co_return with_context(std::move(taken).error(), escape(name));
        }
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AccountRun::restore(ArchiveStore& store) {
    auto begin = [this]() -> Result<void> {
        SIDING_ASSIGN(record_, needs_.ledger.account(restore_name(account_)));
        ++record_.pass;
        record_.phase = "restoring";
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, begin));
    needs_.update([this](AccountStatus& status) {
        status.phase = AccountPhase::restoring;
        status.counts = {};
        status.started_at = needs_.clock.now();
        status.is_clean = false;
    });
    const Result<void> done = co_await persist(&AccountRun::restore_once, store);
    auto end = [this, &done]() -> Result<void> {
        record_.phase = done ? "idle" : "failed";
        record_.words = done ? "" : done.error().message();
        record_.changed_at = needs_.clock.now();
        return needs_.ledger.put(record_);
    };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, end));
    co_return done;
}

awaitable<Result<void>> AccountRun::restore_once(ArchiveStore& store) {
    std::map<std::string, ArchiveMailbox> mailboxes;
    FolderSide side;
    for (ArchiveStore::Listed& listed : store.mailboxes()) {
        ArchiveMailbox& mailbox = listed.mailbox;
        if (!listed.is_latest || mailbox.is_gone || mailbox.account != account_.name) {
            continue;
        }
        Folder folder;
        folder.name = mailbox.name;
        folder.separator = mailbox.separator;
        folder.attributes = mailbox.attributes;
        folder.is_subscribed = mailbox.is_subscribed;
        side.folders.push_back(std::move(folder));
        side.prefix = mailbox.prefix;
        side.separator = mailbox.separator == '\0' ? side.separator : mailbox.separator;
        const std::string name = mailbox.name;
        mailboxes.emplace(name, std::move(mailbox));
    }
    if (mailboxes.empty()) {
        co_return Error{
            Errc::not_found, fmt::format("the archive has nothing of {}", escape(account_.name))};
    }
    source_side_ = std::move(side);
    source_folders_.clear();
    SIDING_CO_TRY(co_await open_destination());
    SIDING_CO_TRY(co_await make_plan_of_both());
    SIDING_CO_TRY(co_await make_all_folders());
    SIDING_CO_TRY(co_await restore_mailboxes(store, mailboxes));
    auto counted = co_await count_known();
    co_return counted;
}

awaitable<Result<void>> AccountRun::restore_mailboxes(
    ArchiveStore& store, const std::map<std::string, ArchiveMailbox>& mailboxes
) {
    std::string damaged;  // the first
    for (const ArchiveIndex::Damage& damage : store.damages()) {
        damaged = damaged.empty() ? damage.words() : damaged;
    }
    // Nothing is asked of the source.
    const MailboxPass::Pair pair{*destination_, *destination_};
    const MailboxPass::Account account{
        .ledger = needs_.ledger,
        .blocking = needs_.blocking,
        .spool = needs_.spool,
        .id = record_.id,
        .pass = record_.pass,
        .pace = *needs_.pace,
        .must_ask_first = must_ask_first_,
        .suspects = suspects_,
        .moving = moving_,
        .is_uid_plus_proven = is_uid_plus_proven_,
        .memory = needs_.memory,
        .switched_at = std::nullopt,
        .compare_all_flags = false,
        .on_progress =
            [this](const PassCounts& more) {
                progress_ += more.copied + more.refused + more.unreadable;
                needs_.update([&more](AccountStatus& status) { status.counts += more; });
            },
    };
    needs_.update([this](AccountStatus& status) {
        status.mailboxes = plan_->rows.size();
        status.mailboxes_done = 0;
        status.counts.to_copy = status.counts.copied + status.counts.refused;
    });
    for (const FolderPlan::Row& row : plan_->rows) {
        const auto mailbox = mailboxes.find(row.source);
        if (row.action == FolderPlan::Row::Action::skip || mailbox == mailboxes.end()) {
            needs_.update([](AccountStatus& status) { --status.mailboxes; });
            continue;
        }
        if (needs_.is_stopping()) {
            co_return Error{Errc::unavailable, "stopped; what is restored is in the ledger"};
        }
        needs_.update([&row](AccountStatus& status) { status.mailbox = row.source; });
        auto open = [&store, number = mailbox->second.number] {
            return store.read_messages(number);
        };
        auto messages = co_await net::run_on(needs_.blocking, open);
        if (!messages) {
            co_return std::move(messages).error();
        }
        for (const ArchiveIndex::Damage& damage : messages->damages()) {
            damaged = damaged.empty() ? row.source + ": " + damage.words() : damaged;
        }
        auto take = [this, &row] { return needs_.ledger.mailbox(record_.id, row.source); };
        SIDING_CO_ASSIGN(MailboxRecord record, co_await net::run_on(needs_.blocking, take));
        const MailboxPass::Archived archived{store, *messages, mailbox->second.uid_validity};
        MailboxPass pass{account, row, FolderState{}, std::move(record)};
        auto restored = co_await pass.restore(pair, archived);
        if (!restored) {
            co_return with_context(std::move(restored).error(), escape(row.source));
        }
        needs_.update([](AccountStatus& status) { ++status.mailboxes_done; });
    }
    if (!damaged.empty()) {
        co_return Error{
            Errc::corrupt,
            escape(damaged) + "; the rest is restored, `siding archive verify` lists all damages"};
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
