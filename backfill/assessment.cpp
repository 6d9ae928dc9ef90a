#include "backfill/assessment.hpp"

#include "backfill/internal_date.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

// Less than either of two ordinary servers does on the Internet, so that a plan holds.
constexpr CopyRate assumed{.messages = 50, .octets = 2.0 * 1024 * 1024, .is_measured = false};
// What is less than this says more about logging in.
constexpr std::uint64_t measured_messages_min = 200;
constexpr std::chrono::milliseconds measured_time_min = std::chrono::seconds{2};
constexpr std::uint64_t messages_at_once = 10'000;

std::uint64_t less(std::uint64_t all, std::uint64_t done) {
    return all - std::min(all, done);
}

std::uint64_t days_of(std::uint64_t octets, std::uint64_t daily) {
    return daily == 0 ? 0 : octets / daily + (octets % daily != 0 ? 1 : 0);
}

// The slower of the two says how long.
double seconds_of(const Assessment& account, const CopyRate& rate) {
    return std::max(
        static_cast<double>(account.messages_left()) / rate.messages,
        static_cast<double>(account.octets_left()) / rate.octets
    );
}

// The last level, without what is above it.
std::string_view own_name(std::string_view name) {
    const auto at = name.find_last_of("/.");
    return at == std::string_view::npos ? name : name.substr(at + 1);
}

}  // namespace

std::uint64_t Assessment::messages_left() const {
    return less(messages, copied_messages);
}

std::uint64_t Assessment::octets_left() const {
    return less(octets, copied_octets);
}

Assessor::Assessor(ImapSession& source, const ImapSession& destination, std::uint64_t limit)
    : source_{source} {
    found_.is_limit_told = limit > 0;
    found_.limit = limit > 0 ? std::optional{limit} : destination.capabilities().append_limit();
}

awaitable<Result<void>> Assessor::look(FolderPlan plan) {
    take_names(plan);
    for (const FolderPlan::Row& row : plan.rows) {
        if (row.action == FolderPlan::Row::Action::skip) {
            continue;
        }
        const auto looked = co_await look_at(row.source);
        if (!looked && source_.is_over()) {
            co_return looked.error();
        }
        if (!looked) {
            found_.notes.push_back(fmt::format(
                "{} cannot be looked at: {}", escape(row.source), looked.error().context
            ));
        }
        if (row.is_rest) {
            found_.notes.push_back(fmt::format(
                "{} shows messages of other folders again: only the rest of it is copied",
                escape(row.source)
            ));
        }
    }
    co_return Result<void>{};
}

void Assessor::take_names(const FolderPlan& plan) {
    found_.notes = plan.notes;
    for (const FolderPlan::Row& row : plan.rows) {
        const Assessment::Name name{row.source, row.destination, row.why, row.messages};
        if (row.action == FolderPlan::Row::Action::skip) {
            found_.skipped.push_back(name);
            continue;
        }
        ++found_.folders;
        if (row.special_use != SpecialUse::none) {
            found_.special.push_back(name);
            found_.special.back().why = attribute_of(row.special_use).substr(1);  // without "\"
        }
        if (!row.why.empty() || own_name(row.source) != own_name(row.destination)) {
            found_.renamed.push_back(name);
        }
    }
}

awaitable<Result<void>> Assessor::look_at(std::string mailbox) {
    SIDING_CO_TRY(co_await source_.examine(mailbox));
    SIDING_CO_ASSIGN(ImapSet uids, co_await source_.uids(1));
    const std::uint64_t at_once = std::min(
        source_.capabilities().message_limit().value_or(messages_at_once), messages_at_once
    );
    const ImapSession::Each each = [&](const FetchItem& item) { take(mailbox, item); };
    while (!uids.empty()) {
        ImapSet part = uids.take_front(std::max<std::uint64_t>(at_once, 1));
        SIDING_CO_TRY(
            co_await source_.fetch(std::move(part), "(UID RFC822.SIZE INTERNALDATE)", each)
        );
    }
    co_return Result<void>{};
}

void Assessor::take(const std::string& mailbox, const FetchItem& item) {
    if (!item.uid || !item.octets) {
        return;
    }
    ++found_.messages;
    found_.octets += *item.octets;
    const std::string date = item.internal_date.value_or("");
    const auto parsed = parse_internal_date(date);
    if (parsed) {
        found_.oldest = std::min(found_.oldest.value_or(parsed->time), parsed->time);
        found_.newest = std::max(found_.newest.value_or(parsed->time), parsed->time);
    } else {
        ++found_.undated;
    }
    const Assessment::Large large{mailbox, *item.uid, *item.octets, date};
    if (large.octets > found_.largest.octets) {
        found_.largest = large;
    }
    if (found_.limit && large.octets > *found_.limit) {
        ++found_.over_limit;
        if (found_.over_limit_listed.size() < Assessment::listed_max) {
            found_.over_limit_listed.push_back(large);
        }
    }
}

CopyRate copy_rate(std::uint64_t messages, std::uint64_t octets, std::chrono::milliseconds spent) {
    if (messages < measured_messages_min || spent < measured_time_min || octets == 0) {
        return assumed;
    }
    const double seconds = std::chrono::duration<double>(spent).count();
    return {
        .messages = static_cast<double>(messages) / seconds,
        .octets = static_cast<double>(octets) / seconds,
        .is_measured = true};
}

TimeNeeded time_needed(const std::vector<const Assessment*>& accounts, const AssessTerms& terms) {
    double all = 0;
    double longest = 0;
    std::uint64_t octets = 0;
    TimeNeeded needed;
    for (const Assessment* account : accounts) {
        const double seconds = seconds_of(*account, terms.rate);
        all += seconds;
        longest = std::max(longest, seconds);
        octets += account->octets_left();
        needed.days = std::max(needed.days, days_of(account->octets_left(), terms.daily_account));
    }
    double seconds = std::max(
        longest, all / static_cast<double>(std::max<std::size_t>(terms.accounts_at_once, 1))
    );
    if (terms.bandwidth > 0) {
        seconds =
            std::max(seconds, static_cast<double>(octets) / static_cast<double>(terms.bandwidth));
    }
    needed.days = std::max(needed.days, days_of(octets, terms.daily));
    needed.working = std::chrono::seconds{static_cast<std::int64_t>(std::ceil(seconds))};
    return needed;
}

}  // namespace siding::backfill
