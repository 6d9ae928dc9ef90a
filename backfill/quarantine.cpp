#include "backfill/quarantine.hpp"

#include "backfill/archive_entries.hpp"
#include "backfill/limits.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

}  // namespace

awaitable<Result<void>> Quarantine::keep(
    const Mailbox& mailbox, const FetchedMessage& message, std::string words
) {
    auto keep = [&]() -> Result<void> {
        const std::lock_guard lock{mutex_};
        auto written = write(mailbox, message, words);
        if (!written) {
            // A store that has failed takes nothing more; the next message opens it anew.
            open_.clear();
            lease_.reset();
        }
        return written;
    };
    auto kept = co_await net::run_on(needs_.blocking, keep);
    if (!kept) {
        log.error(
            "refused_message_not_archived",
            {{"account", needs_.account},
             {"mailbox", mailbox.folder.name},
             {"uid", message.uid},
             {"reason", kept.error()}}
        );
    }
    co_return kept;
}

Result<ArchivedMessages*> Quarantine::open(const Mailbox& mailbox) {
    if (!lease_) {
        SIDING_ASSIGN(auto lease, needs_.keeper.take(needs_.directory));
        lease_.emplace(std::move(lease));
    }
    Key key{mailbox.folder.name, mailbox.uid_validity};
    if (const auto known = open_.find(key); known != open_.end()) {
        return &known->second;
    }
    if (open_.size() >= limits::pairs_max) {
        open_.clear();  // each of the pairs is at one mailbox
    }
    ArchiveStore& store = lease_->store();
    const auto all = store.mailboxes();
    const auto known = std::ranges::find_if(all, [&](const ArchiveStore::Listed& each) {
        return each.is_latest && each.mailbox.account == needs_.account &&
               each.mailbox.name == key.first && each.mailbox.uid_validity == key.second;
    });
    if (known != all.end()) {
        SIDING_ASSIGN(ArchivedMessages messages, store.messages(known->mailbox.number));
        return &open_.emplace(std::move(key), std::move(messages)).first->second;
    }
    ArchiveMailbox record = archive_mailbox(needs_.account, mailbox.prefix, mailbox.folder);
    record.uid_validity = mailbox.uid_validity;
    SIDING_ASSIGN(const std::uint32_t number, store.put(std::move(record)));
    SIDING_ASSIGN(ArchivedMessages messages, store.messages(number));
    return &open_.emplace(std::move(key), std::move(messages)).first->second;
}

Result<void> Quarantine::write(
    const Mailbox& mailbox, const FetchedMessage& message, std::string words
) {
    SIDING_ASSIGN(ArchivedMessages * messages, open(mailbox));
    const WallTime now = needs_.clock.now();
    if (!messages->uids().contains(message.uid)) {
        std::vector<ArchiveStore::Incoming> incoming;
        incoming.push_back({archive_entry(message, now), octets_of(message)});
        SIDING_TRY(lease_->store().add(*messages, incoming));
    }
    if (words.empty() || messages->words_of(message.uid) == words) {
        return {};
    }
    return messages->append({ArchiveRefused{message.uid, std::move(words), now}});
}

awaitable<Result<std::unique_ptr<Quarantine::Kept>>> Quarantine::find(
    std::string name, std::string uid_validity
) {
    auto look = [&]() -> Result<std::unique_ptr<Kept>> {
        std::error_code failed;
        if (!std::filesystem::exists(needs_.directory / "mailboxes.index", failed)) {
            return nullptr;
        }
        SIDING_ASSIGN(ArchiveKeeper::Lease lease, needs_.keeper.take(needs_.directory));
        const ArchiveStore& store = lease.store();
        const auto all = store.mailboxes();
        const auto found = std::ranges::find_if(all, [&](const ArchiveStore::Listed& each) {
            return each.mailbox.account == needs_.account && each.mailbox.name == name &&
                   each.mailbox.uid_validity == uid_validity;
        });
        if (found == all.end()) {
            return nullptr;
        }
        SIDING_ASSIGN(ArchivedMessages messages, store.messages(found->mailbox.number));
        return std::make_unique<Kept>(std::move(lease), std::move(messages));
    };
    auto found = co_await net::run_on(needs_.blocking, look);
    co_return found;
}

}  // namespace siding::backfill
