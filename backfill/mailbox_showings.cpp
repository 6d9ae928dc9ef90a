// MailboxPass: messages that the source shows in several mailboxes are sent once; in the other
// mailboxes they are copied at the destination.
#include "backfill/email_claims.hpp"
#include "backfill/email_id.hpp"
#include "backfill/flags.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_name.hpp"
#include "backfill/mailbox_pass.hpp"
#include "backfill/showing_copy.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::size_t showings_max = 16;  // looked at, to find one that can be copied

}  // namespace

awaitable<Result<ShowingCopy::Sorted>> ShowingCopy::sort_out(
    ImapSet uids, EmailClaims::Claim* claim
) {
    Sorted sorted;
    while (!uids.empty()) {
        const ImapSet part = uids.take_front(limits::ledger_page_rows);
        SIDING_CO_ASSIGN(std::vector<Facts> facts, co_await ask(part));
        sorted.fresh.add(part);
        if (claim != nullptr) {
            std::vector<std::string> ids;
            for (const Facts& each : facts) {
                ids.push_back(each.email_id);
            }
            const std::vector<bool> are_ours = claim->take(ids);
            std::vector<Facts> ours;
            for (std::size_t at = 0; at < facts.size(); ++at) {
                if (are_ours[at]) {
                    ours.push_back(std::move(facts[at]));
                } else {
                    sorted.later.add(facts[at].uid);
                }
            }
            facts = std::move(ours);
        }
        auto look = [this, &facts] { return find(std::move(facts)); };
        SIDING_CO_ASSIGN(Found found, co_await net::run_on(pass_.account_.blocking, look));
        std::ranges::move(found.shown, std::back_inserter(sorted.shown));
        sorted.fresh = sorted.fresh.minus(sorted.later);
        for (const Shown& each : found.shown) {
            sorted.fresh = sorted.fresh.minus(ImapSet{each.uid, each.uid});
        }
        for (const CopyRecord& row : found.rows) {
            sorted.fresh = sorted.fresh.minus(ImapSet{row.uid, row.uid});
            pass_.on_row(row);
        }
        SIDING_CO_TRY(co_await pass_.write(std::move(found.rows)));
    }
    co_return sorted;
}

awaitable<Result<std::vector<ShowingCopy::Facts>>> ShowingCopy::ask(ImapSet uids) {
    std::map<std::uint64_t, Facts> found;  // a server may say it in two parts, or twice
    ImapSession::Each note = [&](const FetchItem& item) {
        if (!item.uid || !uids.contains(*item.uid)) {
            return;
        }
        Facts& facts = found[*item.uid];
        facts.uid = *item.uid;
        facts.octets = item.octets.value_or(facts.octets);
        facts.internal_date = item.internal_date.value_or(facts.internal_date);
        facts.flags = item.flags.value_or(facts.flags);
        const std::string id = email_id_of(item);
        facts.email_id = id.empty() ? facts.email_id : id;
    };
    const std::string items =
        "(UID FLAGS INTERNALDATE RFC822.SIZE " + email_item(pass_.source().capabilities()) + ")";
    const auto asked = co_await pass_.source().fetch(uids, items, note);
    const bool must_wait = pass_.source().trouble() == Trouble::throttled;
    if (!asked && (must_wait || pass_.source().is_over())) {
        co_return asked.error();
    }
    std::vector<Facts> facts;  // whatever it did not say: such a message is sent as any other
    for (auto& [uid, each] : found) {
        if (!each.email_id.empty()) {
            facts.push_back(std::move(each));
        }
    }
    co_return facts;
}

// Blocks.
Result<ShowingCopy::Found> ShowingCopy::find(std::vector<Facts> facts) {
    Found found;
    for (Facts& each : facts) {
        SIDING_TRY(find_one(each, found));
    }
    return found;
}

Result<void> ShowingCopy::find_one(Facts& facts, Found& found) {
    SIDING_ASSIGN(
        const auto showings,
        pass_.account_.ledger.showings(pass_.account_.id, facts.email_id, showings_max)
    );
    for (const Showing& showing : showings) {
        const CopyRecord& row = showing.row;
        if (row.octets != facts.octets) {
            continue;  // whatever the server says of its identity
        }
        if (pass_.row_.is_rest) {
            CopyRecord skipped = make_row(row, facts);
            skipped.state = CopyState::skipped;
            skipped.destination_uid = 0;
            skipped.words = "is in another folder";
            found.rows.push_back(std::move(skipped));
            return {};
        }
        if (const auto uid = pass_.adoptable_.take(row.digests)) {
            const CopyRecord* before = pass_.adoptable_.repaired(*uid);
            CopyRecord adopted = make_row(row, facts);
            adopted.state = CopyState::copied;
            adopted.destination_uid = *uid;
            adopted.repaired = before != nullptr ? before->repaired : MessageDigests{};
            adopted.words = before != nullptr ? before->words : "";
            found.rows.push_back(std::move(adopted));
            return {};
        }
        // One that is gone at the source has been moved, perhaps to here: then so does its copy.
        const bool is_there = row.destination_uid != 0 && !row.is_gone_at_source &&
                              !showing.mailbox.destination_uid_validity.empty();
        if (is_there && row.internal_date == facts.internal_date) {
            Shown shown;
            shown.uid = facts.uid;
            shown.mailbox = showing.mailbox.id;
            shown.row = row.uid;
            shown.destination_uid = row.destination_uid;
            std::vector<std::string> flags = normal_flags(facts.flags);
            if (flags != row.flags) {
                shown.flags = std::move(flags);
            }
            found.shown.push_back(std::move(shown));
            return {};
        }
    }
    return {};
}

// What is known of the octets stays; the rest is of this mailbox.
CopyRecord ShowingCopy::make_row(const CopyRecord& row, const Facts& facts) const {
    CopyRecord mine;
    mine.uid = facts.uid;
    mine.digests = row.digests;
    mine.repaired = row.repaired;
    mine.words = row.words;
    mine.octets = row.octets;
    mine.internal_date = row.internal_date;
    mine.email_id = row.email_id;
    mine.flags = normal_flags(facts.flags);
    mine.pass = pass_.account_.pass;
    return mine;
}

// A user's mail that came past Siding is known by its header (note_direct), which a message that is
// copied at the destination does not show us.
awaitable<Result<void>> MailboxPass::bring(ImapSet uids, bool has_gone_messages) {
    const bool is_looked_at = account_.switched_at && is_inbox(row_.source);
    const bool is_shown_elsewhere = archived_ == nullptr && !is_looked_at &&
                                    !email_item(source().capabilities()).empty() &&
                                    destination().capabilities().uid_plus();
    if (!is_shown_elsewhere) {
        auto sent = co_await transfer(std::move(uids), has_gone_messages);
        co_return sent;
    }
    while (!uids.empty()) {
        {
            std::optional<EmailClaims::Claim> claim;
            if (account_.emails != nullptr) {
                claim.emplace(*account_.emails);
            }
            ShowingCopy showings{*this};
            SIDING_CO_ASSIGN(
                ShowingCopy::Sorted sorted,
                co_await showings.sort_out(std::move(uids), claim ? &*claim : nullptr)
            );
            SIDING_CO_ASSIGN(const ImapSet failed, co_await showings.copy(std::move(sorted.shown)));
            SIDING_CO_TRY(co_await bind_new());
            has_unbound_ = false;
            told_ = {};
            sorted.fresh.add(failed);
            uids = std::move(sorted.later);
            if (!sorted.fresh.empty()) {
                SIDING_CO_TRY(co_await transfer(std::move(sorted.fresh), has_gone_messages));
            }
        }
        if (!uids.empty()) {
            co_await account_.emails->wait();
            const auto state = co_await net::asio::this_coro::cancellation_state;
            if (state.cancelled() != net::asio::cancellation_type::none) {
                co_return net::make_cancelled(row_.source);
            }
        }
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
