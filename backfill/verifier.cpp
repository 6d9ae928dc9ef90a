#include "backfill/verifier.hpp"

#include "backfill/imap_ear.hpp"
#include "backfill/limits.hpp"
#include "backfill/match.hpp"
#include "backfill/message_reader.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::string_view different = "different";
constexpr std::string_view unreadable_there = "unreadable at destination";
// A server that counts octets in its own way makes a suspect of every message.
constexpr std::uint64_t suspects_min = 100;

std::string verdict_of(Likeness likeness) {
    switch (likeness) {
    case Likeness::exact:
        return "exact";
    case Likeness::exact_but_line_ends:
        return "exact but line ends";
    case Likeness::headers_rewritten:
        return "headers rewritten";
    case Likeness::body_rewritten:
        return "body rewritten";
    case Likeness::different:
        return std::string{different};
    }
    return std::string{different};
}

// Of a row and what the destination has returned for it.
std::string verdict_of(const CopyRecord& row, const MessageDigests& there) {
    const Likeness likeness = compare(row.sent(), there);
    const bool is_kept = likeness == Likeness::exact || likeness == Likeness::exact_but_line_ends;
    return is_kept && !row.repaired.raw.empty() ? "repaired" : verdict_of(likeness);
}

// Of a row that names no message of the destination.
std::string verdict_of(const CopyRecord& row) {
    switch (row.state) {
    case CopyState::intent:
        return "in doubt";
    case CopyState::refused:
        return "refused";
    case CopyState::unreadable:
        return "unreadable at source";
    case CopyState::skipped:
        return "in another folder";
    case CopyState::deleted:
        return "deleted";
    case CopyState::copied:
        return row.verified_pass > 0 && row.destination_uid != 0 ? "deleted" : "missing";
    }
    return "in doubt";
}

// Rows and messages that do not belong together.
struct Strays {
    std::vector<CopyRecord*> rows;
    std::vector<Known> wanted;
    std::vector<std::uint64_t> uids;
    std::vector<MessageDigests> digests;
    std::vector<Known> found;

    void add(CopyRecord& row, const FetchedMessage& message) {
        rows.push_back(&row);
        wanted.emplace_back(row.sent(), "", std::nullopt);
        uids.push_back(message.uid);
        digests.push_back(message.digests);
        found.emplace_back(message.digests, "", std::nullopt);
    }
};

// A server that has told the UIDs of a batch in another order: each row gets the one of its octets.
void give_back(const Strays& strays) {
    for (const auto& [row, at] : pair_up(strays.wanted, strays.found)) {
        CopyRecord& mine = *strays.rows[row];
        mine.destination_uid = strays.uids[at];
        mine.verdict = verdict_of(mine, strays.digests[at]);
        mine.subject = is_good_verdict(mine.verdict) ? "" : mine.subject;
    }
}

bool is_there(const CopyRecord& row) {
    return row.state == CopyState::copied && row.destination_uid != 0;
}

}  // namespace

void Verifier::say(const std::string& verdict, std::uint64_t messages) {
    if (messages > 0) {
        result_.verdicts[verdict] += messages;
        needs_.on_verdict(verdict, messages);
    }
}

awaitable<Result<LedgerPage>> Verifier::read_page(MailboxRecord mailbox, std::uint64_t from_uid) {
    auto read = [this, &mailbox, from_uid] {
        return needs_.ledger.list(
            needs_.account, mailbox, from_uid, limits::fetch_range_messages_max
        );
    };
    auto page = co_await net::run_on(needs_.blocking, read);
    co_return page;
}

awaitable<Result<void>> Verifier::verify(MailboxRecord mailbox, bool is_at_source) {
    if (seen_.contains(mailbox.source)) {
        co_return Result<void>{};
    }
    SIDING_CO_ASSIGN(const ImapSet at_source, co_await open(mailbox, is_at_source));
    if (next_uid_ == 0) {
        known_ = {};
        if (needs_.sample) {
            SIDING_CO_TRY(co_await choose_sample(mailbox, at_source));
        }
        next_uid_ = 1;
    }
    while (next_uid_ != 0) {
        SIDING_CO_ASSIGN(LedgerPage page, co_await read_page(mailbox, next_uid_));
        std::vector<std::uint64_t> ours;
        std::erase_if(page.rows, [&](const CopyRecord& row) {
            known_.add(row.uid);
            if (is_there(row)) {
                ours.push_back(row.destination_uid);
            }
            return row.is_gone_at_source || !at_source.contains(row.uid);
        });
        places_[mailbox.destination].ours.add(ImapSet::of(ours));
        const auto suspects = std::pair{suspects_max_, result_.suspects_left};
        const auto judged = co_await judge_page(mailbox, std::move(page.rows));
        if (!judged) {  // these rows come once more
            std::tie(suspects_max_, result_.suspects_left) = suspects;
            co_return judged.error();
        }
        next_uid_ = page.next_uid;
        if (next_uid_ == 0) {
            seen_.insert(mailbox.source);
        }
    }
    say("not copied", at_source.minus(known_).count());
    co_return Result<void>{};
}

// Answers with what is at the source.
awaitable<Result<ImapSet>> Verifier::open(MailboxRecord mailbox, bool is_at_source) {
    ImapSet at_source;
    if (is_at_source) {
        SIDING_CO_TRY(co_await source().examine(mailbox.source));
        if (source().mailbox()->uid_validity != mailbox.source_uid_validity) {
            co_return Error{
                Errc::conflict,
                "the source has given " + mailbox.source +
                    " another UIDVALIDITY since the last pass; run a pass first"};
        }
        SIDING_CO_ASSIGN(at_source, co_await source().uids(1));
    }
    const std::string& validity = mailbox.destination_uid_validity;
    const auto opened = co_await destination().examine(mailbox.destination);
    if (!opened && !destination().is_over() &&
        destination().trouble() == Trouble::no_such_mailbox) {
        there_ = {};  // its user has removed the folder
        places_[mailbox.destination].is_known = false;
        co_return at_source;
    }
    SIDING_CO_TRY(opened);
    if (!validity.empty() && destination().mailbox()->uid_validity != validity) {
        co_return Error{
            Errc::conflict,
            "the destination has given " + mailbox.destination +
                " another UIDVALIDITY since the last pass; run a pass first"};
    }
    SIDING_CO_ASSIGN(there_, co_await destination().uids(1));
    Place& place = places_[mailbox.destination];
    place.there = there_;
    place.is_known = place.is_known && destination().mailbox()->uid_validity == validity;
    co_return at_source;
}

awaitable<Result<void>> Verifier::choose_sample(MailboxRecord mailbox, ImapSet at_source) {
    ImapSet all;
    for (std::uint64_t at = 1; at != 0;) {
        SIDING_CO_ASSIGN(const LedgerPage page, co_await read_page(mailbox, at));
        at = page.next_uid;
        for (const CopyRecord& row : page.rows) {
            const bool is_wanted = !row.is_gone_at_source && at_source.contains(row.uid);
            if (is_wanted && is_there(row) && there_.contains(row.destination_uid)) {
                all.add(row.uid);
            }
        }
    }
    const std::uint64_t size = needs_.sample->of(all.count());
    chosen_ = choose(all, size, needs_.seed + mailbox.id);
    suspects_max_ = std::max(size, suspects_min);
    sampled_.push_back({all.count(), size});
    result_.messages += all.count();
    result_.sample = needs_.sample->text();
    result_.seed = needs_.seed;
    result_.effective = effective_sample(sampled_);
    co_return Result<void>{};
}

awaitable<Result<void>> Verifier::judge_page(MailboxRecord mailbox, std::vector<CopyRecord> rows) {
    Rows wanted;
    ImapSet bodies;
    ImapSet fit;  // not looked at any closer
    unread_.clear();
    for (CopyRecord& row : rows) {
        if (row.state == CopyState::deleted && there_.contains(row.destination_uid)) {
            row.state = CopyState::copied;  // an earlier look was wrong
        }
        if (is_there(row)) {
            wanted.emplace(row.destination_uid, &row);
            const bool was_wrong = !row.verdict.empty() && !is_good_verdict(row.verdict);
            if (!needs_.sample || was_wrong || chosen_.contains(row.uid)) {
                bodies.add(row.destination_uid);
            }
        }
    }
    if (needs_.sample) {
        SIDING_CO_TRY(co_await compare_sizes(wanted, bodies, fit));
    }
    for (CopyRecord& row : rows) {
        if (!is_there(row) || !fit.contains(row.destination_uid)) {
            row.verdict.clear();
        }
    }
    SIDING_CO_TRY(co_await compare_bodies(wanted, bodies));
    std::vector<CopyRecord> judged;
    for (CopyRecord& row : rows) {
        if (is_there(row) && fit.contains(row.destination_uid)) {
            say(std::string{not_sampled});
            continue;
        }
        if (row.verdict.empty()) {
            judge_unread(row);
        }
        count(row);
        say(row.verdict);
        judged.push_back(std::move(row));
    }
    auto write = [this, &mailbox, &judged]() -> Result<void> {
        return judged.empty() ? Result<void>{}
                              : needs_.ledger.record(needs_.account, mailbox, judged);
    };
    auto written = co_await net::run_on(needs_.blocking, write);
    co_return written;
}

// Nothing was read of it. Only a UID that the destination does not list is of a message that is not
// there: one that it cannot give may be given tomorrow.
void Verifier::judge_unread(CopyRecord& row) {
    if (is_there(row) && there_.contains(row.destination_uid)) {
        const auto said = unread_.find(row.destination_uid);
        row.verdict = unreadable_there;
        row.words =
            said == unread_.end() ? "the destination says OK, and gives no message" : said->second;
        return;
    }
    row.verdict = verdict_of(row);
    if (row.verdict == "deleted") {
        row.state = CopyState::deleted;
    }
}

// Whether a row was right, of those that were looked at.
void Verifier::count(const CopyRecord& row) {
    const bool is_wrong = !is_good_verdict(row.verdict);
    if (!needs_.sample) {
        const bool was_read = row.verified_pass > 0 && is_there(row);
        result_.messages += was_read ? 1 : 0;
        result_.looked_at += was_read ? 1 : 0;
        result_.wrong += was_read && is_wrong ? 1 : 0;
    } else if (chosen_.contains(row.uid)) {
        ++result_.looked_at;
        result_.wrong += is_wrong ? 1 : 0;
    } else if (is_there(row) && row.verdict != "missing") {
        ++result_.suspects;
        result_.suspects_wrong += is_wrong ? 1 : 0;
    }
}

// Of what was not chosen: `fit` has what is there with the same size, `bodies` gets what must be
// looked at.
awaitable<Result<void>> Verifier::compare_sizes(const Rows& wanted, ImapSet& bodies, ImapSet& fit) {
    ImapSet asked;
    for (const auto& [uid, row] : wanted) {
        if (!bodies.contains(uid)) {
            asked.add(uid);
        }
    }
    std::vector<std::uint64_t> others;
    ImapSession::Each each = [&](const FetchItem& item) {
        const auto found = wanted.find(item.uid.value_or(0));
        if (found == wanted.end() || !item.octets || !asked.contains(found->first)) {
            return;
        }
        if (*item.octets == found->second->octets) {
            fit.add(found->first);
        } else {
            others.push_back(found->first);
        }
    };
    SIDING_CO_TRY(co_await destination().fetch(asked, "(UID RFC822.SIZE)", each));
    for (const std::uint64_t uid : others) {
        if (suspects_max_ > 0) {
            --suspects_max_;
            bodies.add(uid);
        } else {
            ++result_.suspects_left;
            fit.add(uid);
        }
    }
    co_return Result<void>{};
}

awaitable<Result<void>> Verifier::compare_bodies(const Rows& wanted, ImapSet bodies) {
    if (bodies.empty()) {
        co_return Result<void>{};
    }
    Strays strays;
    {
        MessageReader::Needs needs{needs_.blocking, needs_.spool};
        MessageReader reader{destination(), std::move(needs), bodies};
        for (;;) {
            SIDING_CO_ASSIGN(const auto message, co_await reader.next());
            if (!message) {
                break;
            }
            const auto found = wanted.find(message->uid);
            if (found == wanted.end()) {
                continue;
            }
            CopyRecord& row = *found->second;
            row.verdict = verdict_of(row, message->digests);
            row.verified_pass = std::max<std::uint32_t>(needs_.pass, 1);
            row.subject = is_good_verdict(row.verdict) ? "" : message->facts.subject;
            row.words = row.repaired.raw.empty() ? "" : row.words;
            if (row.verdict == different) {
                strays.add(row, *message);
            }
        }
        unread_ = reader.unread();
    }
    give_back(strays);
    co_return Result<void>{};
}

awaitable<Result<void>> Verifier::count_uncopied(std::string source_name) {
    if (seen_.contains(source_name)) {
        co_return Result<void>{};
    }
    SIDING_CO_TRY(co_await source().examine(source_name));
    say("not copied", source().mailbox()->messages);
    seen_.insert(source_name);
    co_return Result<void>{};
}

}  // namespace siding::backfill
