// Backfill: what is ordered. What an operator has ordered is in the ledger until it is done, so
// that a restart interrupts it and no more.
#include "backfill/backfill.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

const Logger log{"backfill"};

constexpr std::string_view orders_key = "orders/";  // and the account's name

}  // namespace

Result<std::vector<std::string>> Backfill::order(
    Order order, const std::vector<std::string>& names, const OrderOptions& options
) {
    std::vector<std::string> ordered = names;
    if (names.empty()) {
        const std::lock_guard lock{mutex_};
        ordered = names_;
    }
    SIDING_TRY(give(ordered, {order, options}, true));
    SIDING_TRY(keep_orders());
    dispatch();
    return ordered;
}

Result<void> Backfill::give(
    const std::vector<std::string>& names, const GivenOrder& given, bool is_kept
) {
    const std::lock_guard lock{mutex_};
    for (const std::string& name : names) {
        const auto entry = entries_.find(name);
        if (entry == entries_.end() || !entry->second.is_listed) {
            return Error{
                Errc::not_found,
                fmt::format(
                    "there is no account {}; `siding backfill status` lists them", escape(name)
                )};
        }
    }
    const auto full = std::ranges::find_if(names, [this](const std::string& name) {
        return entries_.at(name).next.size() >= limits::orders_waiting_max;
    });
    if (full != names.end()) {
        return Error{
            Errc::conflict,
            fmt::format("{} has {} orders that wait", escape(*full), limits::orders_waiting_max)};
    }
    if (is_kept) {
        unkept_.insert(names.begin(), names.end());
    }
    for (const std::string& name : names) {
        Entry& entry = entries_.at(name);
        if (!entry.is_busy) {
            begin_order(entry, name, given, is_kept);
        } else if (!entry.is_running && given == entry.given) {
            entry.is_kept = entry.is_kept || is_kept;
        } else if (std::ranges::count(entry.next, given) == 0) {
            entry.next.push_back(given);
        }
    }
    return {};
}

// What is new is in the ledger when it answers, with one sync for all who ask at the same time.
// Blocks.
Result<void> Backfill::keep_orders() {
    const std::lock_guard changing{changing_};
    std::set<std::string> names;
    std::map<std::string, std::string> values;
    {
        const std::lock_guard lock{mutex_};
        names = std::exchange(unkept_, {});
        for (const std::string& name : names) {
            const Entry& entry = entries_.at(name);
            std::vector<GivenOrder> orders;
            if (entry.is_busy && entry.is_kept) {
                orders.push_back(entry.given);
            }
            orders.insert(orders.end(), entry.next.begin(), entry.next.end());
            values.emplace(std::string{orders_key} + name, encode_orders(orders));
        }
    }
    if (values.empty()) {
        return {};
    }
    auto kept = parts_.ledger.put_values(everybody, values);
    if (!kept) {
        const std::lock_guard lock{mutex_};
        unkept_.merge(names);
    }
    return kept;
}

// By account.
Result<std::map<std::string, std::vector<GivenOrder>>> Backfill::kept_orders() const {
    std::map<std::string, std::vector<GivenOrder>> kept;
    SIDING_ASSIGN(const auto values, parts_.ledger.values(everybody, orders_key));
    for (const auto& [key, stored] : values) {
        SIDING_ASSIGN(auto orders, decode_orders(stored));
        if (!orders.empty()) {
            kept.emplace(key.substr(orders_key.size()), std::move(orders));
        }
    }
    return kept;
}

// The mutex is held.
void Backfill::resume_orders(
    Entry& entry, const std::string& name, std::vector<GivenOrder> orders
) {
    for (GivenOrder& given : orders) {
        log.info("order_resumed", {{"account", name}, {"order", to_text(given.order)}});
        if (entry.is_busy) {
            entry.next.push_back(std::move(given));
        } else {
            begin_order(entry, name, std::move(given), true);
        }
    }
}

// The mutex is held.
void Backfill::begin_order(Entry& entry, const std::string& name, GivenOrder given, bool is_kept) {
    entry.is_busy = true;
    entry.is_kept = is_kept;
    entry.given = given;
    entry.status.phase = AccountPhase::waiting;
    entry.status.words.clear();
    entry.status.hold.reset();
    Job job;
    job.name = name;
    job.given = std::move(given);
    jobs_.push_back(std::move(job));
}

// The next one of the account, if there is one. The mutex is held.
void Backfill::end_order(Entry& entry, const std::string& name, AccountPhase phase) {
    if (entry.is_kept) {
        unkept_.insert(name);
    }
    entry.is_busy = false;
    entry.status.phase = phase;
    if (!entry.next.empty() && !is_stopping_) {
        GivenOrder given = std::move(entry.next.front());
        entry.next.pop_front();
        begin_order(entry, name, std::move(given), true);
    }
}

}  // namespace siding::backfill
