#include "backfill/acl_copy.hpp"

#include "backfill/imap_ear.hpp"
#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::string_view acls_key = "acls";
constexpr std::size_t mailboxes_at_once = 256;  // so many commands without an answer
constexpr std::size_t words_max = 1000;
constexpr std::size_t digest_octets = 16;
constexpr std::size_t name_max = 4000;
constexpr char between = '\t';

std::string name_of(const std::string& mailbox) {
    return escape(mailbox, name_max);
}

std::string digest_of(const AclEntries& entries) {
    std::string text;
    for (const auto& [identifier, rights] : entries) {
        text += fmt::format("{}:{}={};", identifier.size(), identifier, rights);
    }
    return to_hex(sha256(text).substr(0, digest_octets));
}

AclDialect dialect_of(const ImapSession& session) {
    return AclDialect::of(session.capabilities());
}

AclMerger make_merger(const AclCopy::Needs& needs) {
    return {
        AclSide{needs.source_owner, needs.source.kind(), dialect_of(needs.source)},
        AclSide{needs.destination_owner, needs.destination.kind(), dialect_of(needs.destination)},
        *needs.names};
}

// Each line "digest TAB mailbox TAB notes".
template <typename Take>
void for_each_line(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto first = line.find(between);
        const auto second = line.find(between, std::min(first, line.size() - 1) + 1);
        if (first != std::string_view::npos && second != std::string_view::npos) {
            take(
                line.substr(0, first),
                line.substr(first + 1, second - first - 1),
                line.substr(second + 1)
            );
        }
    }
}

}  // namespace

Result<std::vector<AclNote>> acl_notes(const Ledger& ledger, AccountId account) {
    SIDING_ASSIGN(const auto text, ledger.value(account, acls_key));
    std::vector<AclNote> notes;
    for_each_line(
        text.value_or(""),
        [&notes](std::string_view, std::string_view mailbox, std::string_view words) {
            if (!words.empty()) {
                notes.push_back({std::string{mailbox}, std::string{words}});
            }
        }
    );
    return notes;
}

Result<bool> are_acls_due(const Ledger& ledger, AccountId account) {
    SIDING_ASSIGN(const auto text, ledger.value(account, acls_key));
    return !text.has_value();
}

AclCopy::AclCopy(Needs needs) : needs_{std::move(needs)}, merger_{make_merger(needs_)} {}

awaitable<Result<void>> AclCopy::run(std::vector<Mailbox> mailboxes) {
    auto read = [this] { return needs_.ledger.value(needs_.account, acls_key); };
    SIDING_CO_ASSIGN(const auto before, co_await net::run_on(needs_.blocking, read));
    Known known;
    for_each_line(
        before.value_or(""),
        [&known](std::string_view digest, std::string_view mailbox, std::string_view words) {
            known[std::string{mailbox}] = {std::string{digest}, std::string{words}};
        }
    );
    const bool have_both =
        needs_.source.capabilities().acl() && needs_.destination.capabilities().acl();
    std::vector<Entry> due;
    for (Mailbox& mailbox : mailboxes) {
        if (have_both && (needs_.look_again || !known.contains(name_of(mailbox.source)))) {
            due.emplace_back().mailbox = std::move(mailbox);
        }
        if (due.size() == mailboxes_at_once) {
            SIDING_CO_TRY(co_await copy(std::exchange(due, {}), known));
        }
    }
    SIDING_CO_TRY(co_await copy(std::move(due), known));
    std::string text;
    for (const auto& [mailbox, done] : known) {
        text += fmt::format("{}{}{}{}{}\n", done.digest, between, mailbox, between, done.words);
    }
    if (before == text) {
        co_return Result<void>{};
    }
    auto write = [this, &text] { return needs_.ledger.put_value(needs_.account, acls_key, text); };
    auto written = co_await net::run_on(needs_.blocking, write);
    co_return written;
}

awaitable<Result<void>> AclCopy::copy(std::vector<Entry> entries, Known& known) {
    if (entries.empty()) {
        co_return Result<void>{};
    }
    SIDING_CO_TRY(co_await ask_source(entries));
    std::vector<Entry*> changed;
    for (Entry& entry : entries) {
        const auto done = known.find(name_of(entry.mailbox.source));
        const bool is_same = done != known.end() && done->second.digest == entry.digest;
        if (is_same && entry.words.empty()) {
            entry.words = done->second.words;  // of the last time, and still so
        } else if (entry.is_answered && merger_.has_others(entry.source)) {
            changed.push_back(&entry);
        }
    }
    SIDING_CO_TRY(co_await ask_destination(changed));
    SIDING_CO_TRY(co_await change(changed));
    for (Entry& entry : entries) {
        known[name_of(entry.mailbox.source)] = {
            std::move(entry.digest), escape(entry.words, words_max)};
    }
    co_return Result<void>{};
}

// The owner may always see it (RFC 4314 §2.2 leaves that to the server); who may not has no list.
awaitable<Result<void>> AclCopy::ask_source(std::vector<Entry>& entries) {
    std::map<std::string, Entry*> by_name;
    for (Entry& entry : entries) {
        by_name.emplace(entry.mailbox.source, &entry);
    }
    Ear ear{needs_.source, [&](const ImapResponse& response) {
                auto list = acl(response);
                if (!list) {
                    return;
                }
                const auto found = by_name.find(needs_.source.decode_mailbox(list->mailbox));
                if (found != by_name.end()) {
                    found->second->source = std::move(list->rights);
                    found->second->is_answered = true;
                }
            }};
    std::vector<ImapTag> tags;
    for (const Entry& entry : entries) {
        ImapCommand command{"GETACL"};
        needs_.source.add_mailbox(command, entry.mailbox.source);
        SIDING_CO_ASSIGN(
            ImapTag tag, co_await needs_.source.connection().start(std::move(command))
        );
        tags.push_back(std::move(tag));
    }
    for (std::size_t at = 0; at < tags.size(); ++at) {
        SIDING_CO_ASSIGN(
            ImapResponse answer, co_await needs_.source.connection().answer(std::move(tags[at]))
        );
        const auto checked = needs_.source.check(std::move(answer), ImapStage::other);
        if (!checked) {
            note(entries[at], "the source does not give it: " + needs_.source.last_no()->words);
        }
    }
    for (Entry& entry : entries) {
        entry.digest = digest_of(entry.source);
    }
    co_return Result<void>{};
}

awaitable<Result<void>> AclCopy::ask_destination(std::span<Entry* const> entries) {
    std::map<std::string, Entry*> by_name;
    for (Entry* entry : entries) {
        by_name.emplace(entry->mailbox.destination, entry);
    }
    Ear ear{needs_.destination, [&](const ImapResponse& response) {
                auto list = acl(response);
                if (!list) {
                    return;
                }
                const auto found = by_name.find(needs_.destination.decode_mailbox(list->mailbox));
                if (found != by_name.end()) {
                    found->second->destination = std::move(list->rights);
                }
            }};
    std::vector<ImapTag> tags;
    for (const Entry* entry : entries) {
        ImapCommand command{"GETACL"};
        needs_.destination.add_mailbox(command, entry->mailbox.destination);
        SIDING_CO_ASSIGN(
            ImapTag tag, co_await needs_.destination.connection().start(std::move(command))
        );
        tags.push_back(std::move(tag));
    }
    for (std::size_t at = 0; at < tags.size(); ++at) {
        SIDING_CO_ASSIGN(
            ImapResponse answer,
            co_await needs_.destination.connection().answer(std::move(tags[at]))
        );
        Entry& entry = *entries[at];
        const auto checked = needs_.destination.check(std::move(answer), ImapStage::other);
        entry.is_answered = checked.has_value();
        if (!checked) {
            note(
                entry,
                "the destination does not give its own: " + needs_.destination.last_no()->words
            );
        }
    }
    co_return Result<void>{};
}

// RFC 4314 §3.1: with "+" rights are added to those that are there.
awaitable<Result<void>> AclCopy::change(std::span<Entry* const> entries) {
    struct Asked {
        ImapTag tag;
        Entry* entry = nullptr;
        AclChange change;
    };
    std::vector<Asked> asked;
    for (Entry* entry : entries) {
        if (!entry->is_answered) {
            continue;
        }
        AclMerge merge = merger_.merge(entry->source, entry->destination);
        for (std::string& words : merge.notes) {
            note(*entry, std::move(words));
        }
        for (AclChange& change : merge.changes) {
            ImapCommand command{"SETACL"};
            needs_.destination.add_mailbox(command, entry->mailbox.destination);
            command.string(change.identifier).string("+" + change.rights);
            SIDING_CO_ASSIGN(
                ImapTag tag, co_await needs_.destination.connection().start(std::move(command))
            );
            asked.push_back({std::move(tag), entry, std::move(change)});
        }
    }
    for (Asked& each : asked) {
        SIDING_CO_ASSIGN(
            ImapResponse answer,
            co_await needs_.destination.connection().answer(std::move(each.tag))
        );
        const auto checked = needs_.destination.check(std::move(answer), ImapStage::other);
        if (checked) {
            log.info(
                "acl_set",
                {{"mailbox", each.entry->mailbox.destination},
                 {"identifier", each.change.identifier},
                 {"rights", each.change.rights}}
            );
        } else {
            note(
                *each.entry,
                fmt::format(
                    "{}: refused: {}",
                    escape(each.change.identifier),
                    needs_.destination.last_no()->words
                )
            );
        }
    }
    co_return Result<void>{};
}

void AclCopy::note(Entry& entry, std::string words) const {
    log.warn("acl_not_copied", {{"mailbox", entry.mailbox.source}, {"reason", words}});
    entry.words += (entry.words.empty() ? "" : "; ") + words;
}

}  // namespace siding::backfill
