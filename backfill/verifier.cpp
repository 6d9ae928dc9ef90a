#include "backfill/verifier.hpp"

#include "backfill/limits.hpp"
#include "backfill/match.hpp"
#include "backfill/message_reader.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::string_view exact = "exact";
constexpr std::string_view exact_but_line_ends = "exact but line ends";
constexpr std::string_view different = "different";
constexpr std::string_view in_another_folder = "in another folder";
constexpr std::array good{
    exact, exact_but_line_ends, std::string_view{"deleted"}, in_another_folder};

std::string verdict_of(Likeness likeness) {
    switch (likeness) {
    case Likeness::exact:
        return std::string{exact};
    case Likeness::exact_but_line_ends:
        return std::string{exact_but_line_ends};
    case Likeness::headers_rewritten:
        return "headers rewritten";
    case Likeness::body_rewritten:
        return "body rewritten";
    case Likeness::different:
        return std::string{different};
    }
    return std::string{different};
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
        return std::string{in_another_folder};
    case CopyState::deleted:
        return "deleted";
    case CopyState::copied:
        return row.verified_pass > 0 ? "deleted" : "missing";
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
};

// A server that has told the UIDs of a batch in another order: each row gets the one of its octets.
void give_back(const Strays& strays) {
    for (const auto& [row, at] : pair_up(strays.wanted, strays.found)) {
        CopyRecord& mine = *strays.rows[row];
        mine.destination_uid = strays.uids[at];
        mine.verdict = verdict_of(compare(mine.digests, strays.digests[at]));
        mine.subject = is_good_verdict(mine.verdict) ? "" : mine.subject;
    }
}

}  // namespace

bool is_good_verdict(std::string_view verdict) {
    return std::ranges::find(good, verdict) != good.end();
}

awaitable<Result<void>> Verifier::verify(MailboxRecord mailbox, bool is_at_source) {
    seen_.insert(mailbox.source);
    ImapSet at_source;
    if (is_at_source) {
        SIDING_CO_TRY(co_await needs_.source.examine(mailbox.source));
        if (needs_.source.mailbox()->uid_validity != mailbox.source_uid_validity) {
            co_return Error{
                Errc::conflict,
                "the source has given " + mailbox.source +
                    " another UIDVALIDITY since the last pass; run a pass first"};
        }
        SIDING_CO_ASSIGN(at_source, co_await needs_.source.uids(1));
    }
    SIDING_CO_TRY(co_await needs_.destination.examine(mailbox.destination));
    ImapSet known;
    for (std::uint64_t at = 1; at != 0;) {
        auto read = [this, &mailbox, at] {
            return needs_.ledger.list(
                needs_.account, mailbox, at, limits::fetch_range_messages_max
            );
        };
        SIDING_CO_ASSIGN(LedgerPage page, co_await net::run_on(needs_.blocking, read));
        at = page.next_uid;
        std::erase_if(page.rows, [&](const CopyRecord& row) {
            known.add(row.uid);
            return row.is_gone_at_source || !at_source.contains(row.uid);
        });
        SIDING_CO_TRY(co_await judge_page(mailbox, std::move(page.rows)));
    }
    const std::uint64_t uncopied = at_source.minus(known).count();
    for (std::uint64_t i = 0; i < uncopied; ++i) {
        needs_.on_verdict("not copied");
    }
    co_return Result<void>{};
}

awaitable<Result<void>> Verifier::judge_page(MailboxRecord mailbox, std::vector<CopyRecord> rows) {
    std::map<std::uint64_t, CopyRecord*> wanted;
    Strays strays;
    ImapSet uids;
    const bool is_same_mailbox =
        needs_.destination.mailbox()->uid_validity == mailbox.destination_uid_validity;
    for (CopyRecord& row : rows) {
        if (is_same_mailbox && row.state == CopyState::copied && row.destination_uid != 0) {
            wanted.emplace(row.destination_uid, &row);
            uids.add(row.destination_uid);
        }
        row.verdict.clear();
    }
    {
        MessageReader::Needs needs{needs_.blocking, needs_.spool};
        MessageReader reader{needs_.destination, std::move(needs), uids};
        for (;;) {
            SIDING_CO_ASSIGN(const auto message, co_await reader.next());
            if (!message) {
                break;
            }
            const auto found = wanted.find(message->uid);
            if (found != wanted.end()) {
                found->second->verdict =
                    verdict_of(compare(found->second->digests, message->digests));
                found->second->verified_pass = std::max<std::uint32_t>(needs_.pass, 1);
                const bool is_good = is_good_verdict(found->second->verdict);
                found->second->subject = is_good ? "" : message->facts.subject;
                if (found->second->verdict == different) {
                    strays.rows.push_back(found->second);
                    strays.wanted.emplace_back(found->second->digests, "", std::nullopt);
                    strays.uids.push_back(message->uid);
                    strays.digests.push_back(message->digests);
                    strays.found.emplace_back(message->digests, "", std::nullopt);
                }
            }
        }
    }
    give_back(strays);
    for (CopyRecord& row : rows) {
        if (row.verdict.empty()) {
            row.verdict = verdict_of(row);
            if (row.verdict == "deleted") {
                row.state = CopyState::deleted;
            }
        }
        needs_.on_verdict(row.verdict);
    }
    auto write = [this, &mailbox, &rows]() -> Result<void> {
        return rows.empty() ? Result<void>{} : needs_.ledger.record(needs_.account, mailbox, rows);
    };
    auto written = co_await net::run_on(needs_.blocking, write);
    co_return written;
}

awaitable<Result<void>> Verifier::count_uncopied(std::string source_name) {
    if (!seen_.insert(source_name).second) {
        co_return Result<void>{};
    }
    SIDING_CO_TRY(co_await needs_.source.examine(source_name));
    for (std::uint64_t i = 0; i < needs_.source.mailbox()->messages; ++i) {
        needs_.on_verdict("not copied");
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
