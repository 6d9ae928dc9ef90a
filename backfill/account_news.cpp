// AccountRun: what is new at the source, by its list, and what of it is recent.
#include "backfill/account_run.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr const char* skipped_key = "skipped";

// What of the accounts file decides about folders: with other rules all is planned anew.
std::string text_of(const FolderRules& rules) {
    std::string text = rules.below;
    for (const auto& [from, to] : rules.map) {
        text += "\tmap " + from + " " + to;
    }
    for (const std::string& skip : rules.skip) {
        text += "\tskip " + skip;
    }
    for (const std::string& only : rules.only) {
        text += "\tonly " + only;
    }
    return text + "\n";
}

// It comes last, whatever is in it.
bool has_all_mail(const Folder& folder) {
    return std::ranges::any_of(folder.attributes, [](const std::string& attribute) {
        return equals_ignoring_case(attribute, "\\All");
    });
}

}  // namespace

// The rules, and the names of folders that the plan leaves out, a line each: a later pass must not
// take them for new.
awaitable<Result<void>> AccountRun::keep_skipped() {
    std::string names = text_of(account_.rules);
    for (const FolderPlan::Row& row : plan_->rows) {
        if (row.action == FolderPlan::Row::Action::skip) {
            names += row.source + "\n";
        }
    }
    auto keep = [this, &names]() -> Result<void> {
        SIDING_ASSIGN(const auto kept, needs_.ledger.value(record_.id, skipped_key));
        return kept == names ? Result<void>{}
                             : needs_.ledger.put_value(record_.id, skipped_key, names);
    };
    auto kept = co_await net::run_on(needs_.blocking, keep);
    co_return kept;
}

// Whether a folder is new, or not as it was, or in doubt.
awaitable<Result<bool>> AccountRun::is_anything_new() {
    if (account_.plan_file) {
        co_return true;  // it may have been edited
    }
    auto look = [this]() -> Result<bool> {
        SIDING_ASSIGN(const auto skipped, needs_.ledger.value(record_.id, skipped_key));
        if (!skipped || !skipped->starts_with(text_of(account_.rules))) {
            return true;  // no pass has come to its end, or it had other rules
        }
        const std::string skipped_lines = "\n" + *skipped;
        SIDING_ASSIGN(const auto mailboxes, needs_.ledger.mailboxes(record_.id));
        std::map<std::string, MailboxRecord> records;
        for (const MailboxRecord& mailbox : mailboxes) {
            records.emplace(mailbox.source, mailbox);
        }
        for (const FolderState& state : source_folders_) {
            const std::string& name = state.folder.name;
            if (!state.is_selectable ||
                skipped_lines.find("\n" + name + "\n") != std::string::npos) {
                continue;
            }
            const auto known = records.find(name);
            if (known == records.end() || !MailboxPass::has_nothing_new(
                                              known->second, state.status, needs_.compare_all_flags
                                          )) {
                return true;
            }
            SIDING_ASSIGN(const auto intents, needs_.ledger.intents(record_.id, known->second));
            if (!intents.empty()) {
                return true;
            }
        }
        return false;
    };
    auto found = co_await net::run_on(needs_.blocking, look);
    co_return found;
}

// Of mailboxes that are copied for the first time and are worth the question.
awaitable<void> AccountRun::ask_recent(AccountRun& self, Result<void>& outcome) {
    if (!self.needs_.recent_since || !self.options_.window.is_everything()) {
        co_return;
    }
    auto read = [&self] { return self.needs_.ledger.mailboxes(self.record_.id); };
    const auto records = co_await net::run_on(self.needs_.blocking, read);
    if (!records) {
        outcome = records.error();
        co_return;
    }
    std::set<std::string> known;
    for (const MailboxRecord& record : *records) {
        if (record.pass > 0) {
            known.insert(record.source);
        }
    }
    std::vector<std::string> mailboxes;
    for (const FolderState& state : self.source_folders_) {
        const std::uint64_t messages = state.status.messages.value_or(0);
        if (state.is_selectable && messages > limits::messages_worth_a_round &&
            !has_all_mail(state.folder) && !known.contains(state.folder.name)) {
            mailboxes.push_back(state.folder.name);
        }
    }
    auto found = co_await find_recent(*self.source_, mailboxes, *self.needs_.recent_since);
    if (!found) {
        outcome = std::move(found).error();
        co_return;
    }
    self.recent_ = std::move(*found);
}

}  // namespace siding::backfill
