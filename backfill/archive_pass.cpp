#include "backfill/archive_pass.hpp"

#include "backfill/archive_entries.hpp"
#include "backfill/flags.hpp"
#include "backfill/limits.hpp"
#include "backfill/message_reader.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::size_t gone_octets_max = 64 * 1024;  // of one record

}  // namespace

awaitable<Result<void>> ArchivePass::run() {
    SIDING_CO_TRY(co_await needs_.source.examine(mailbox_.name));
    mailbox_.uid_validity = needs_.source.mailbox()->uid_validity;
    SIDING_CO_TRY(co_await open());
    SIDING_CO_ASSIGN(const ImapSet there, co_await needs_.source.uids(1));
    SIDING_CO_TRY(co_await note_gone(there));
    ImapSet known = messages_->uids().both(there);
    SIDING_CO_TRY(co_await note_flags(std::move(known)));
    ImapSet missing = there.minus(messages_->uids());
    auto fetched = co_await fetch(std::move(missing));
    co_return fetched;
}

awaitable<Result<void>> ArchivePass::open() {
    auto open = [this]() -> Result<ArchivedMessages> {
        SIDING_ASSIGN(const std::uint32_t number, needs_.store.put(mailbox_));
        return needs_.store.messages(number);
    };
    auto opened = co_await net::run_on(needs_.blocking, open);
    if (!opened) {
        co_return std::move(opened).error();
    }
    messages_.emplace(std::move(*opened));
    co_return Result<void>{};
}

awaitable<Result<void>> ArchivePass::append(std::vector<ArchiveRecord> records) {
    if (records.empty()) {
        co_return Result<void>{};
    }
    auto append = [this, &records] { return messages_->append(records); };
    auto appended = co_await net::run_on(needs_.blocking, append);
    co_return appended;
}

awaitable<Result<void>> ArchivePass::note_gone(const ImapSet& there) {
    const ImapSet gone = messages_->uids().minus(there).minus(messages_->gone());
    std::vector<ArchiveRecord> records;
    if (!gone.empty()) {
        for (std::string& text : gone.split(gone_octets_max)) {
            records.emplace_back(ArchiveGone{std::move(text)});
        }
        PassCounts more;
        more.gone = gone.count();
        needs_.on_progress(more);
    }
    auto noted = co_await append(std::move(records));
    co_return noted;
}

awaitable<Result<void>> ArchivePass::note_flags(ImapSet known) {
    while (!known.empty()) {
        ImapSet part = known.take_front(limits::ledger_page_rows);
        std::vector<ArchiveRecord> changed;
        ImapSession::Each each = [this, &part, &changed](const FetchItem& item) {
            if (!item.uid || !item.flags || !part.contains(*item.uid)) {
                return;
            }
            std::vector<std::string> flags = normal_flags(*item.flags);
            if (flags != messages_->flags_of(*item.uid)) {
                changed.emplace_back(ArchiveFlags{*item.uid, std::move(flags)});
            }
        };
        SIDING_CO_TRY(co_await needs_.source.fetch(part, "(UID FLAGS)", std::move(each)));
        if (!changed.empty()) {
            PassCounts more;
            more.flags = changed.size();
            needs_.on_progress(more);
        }
        SIDING_CO_TRY(co_await append(std::move(changed)));
    }
    co_return Result<void>{};
}

awaitable<Result<void>> ArchivePass::fetch(ImapSet missing) {
    if (missing.empty()) {
        co_return Result<void>{};
    }
    PassCounts wanted;
    wanted.to_copy = missing.count();
    needs_.on_progress(wanted);
    MessageReader::Needs reading{needs_.blocking, needs_.spool};
    reading.pace = &needs_.pace;
    MessageReader reader{needs_.source, std::move(reading), missing};
    std::vector<FetchedMessage> batch;
    std::uint64_t in_memory = 0;
    for (bool is_end = false; !is_end;) {
        SIDING_CO_ASSIGN(std::optional<FetchedMessage> message, co_await reader.next());
        is_end = !message.has_value();
        if (message) {
            const std::uint64_t octets = message->octets;
            in_memory += message->octets_in_memory();
            batch.push_back(std::move(*message));
            co_await needs_.pace.on_message(octets);
        }
        if (is_end || batch.size() >= limits::append_batch_messages_max ||
            in_memory >= limits::append_batch_octets_max) {
            std::vector<FetchedMessage> full = std::exchange(batch, {});
            in_memory = 0;
            SIDING_CO_TRY(co_await add(std::move(full)));
            if (!is_end) {
                SIDING_CO_TRY(needs_.pace.check());
            }
        }
    }
    for (const auto& [uid, words] : reader.unread()) {
        log.warn(
            "archive_unreadable", {{"mailbox", mailbox_.name}, {"uid", uid}, {"reason", words}}
        );
        PassCounts one;
        one.unreadable = 1;
        needs_.on_progress(one);
    }
    co_return Result<void>{};
}

awaitable<Result<void>> ArchivePass::add(std::vector<FetchedMessage> messages) {
    if (messages.empty()) {
        co_return Result<void>{};
    }
    PassCounts more;
    std::vector<ArchiveStore::Incoming> incoming;
    for (const FetchedMessage& message : messages) {
        incoming.push_back({archive_entry(message, needs_.clock.now()), octets_of(message)});
        more.octets += message.octets;
    }
    more.copied = messages.size();
    auto add = [this, &incoming] { return needs_.store.add(*messages_, incoming); };
    SIDING_CO_TRY(co_await net::run_on(needs_.blocking, add));
    needs_.on_progress(more);
    co_return Result<void>{};
}

}  // namespace siding::backfill
