#include "cutover/audit.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "cutover/audit_deep.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>
#include <utility>

namespace siding::cutover {
namespace {

using queue::State;
using queue::StateCounts;

constexpr std::size_t named_buckets_max = 16;
// With bodies of 50 MiB a step reads some 800 MiB.
constexpr std::size_t octet_page_rows = 16;

// The store publishes its counters a moment after the ledger lines; a difference counts if it
// stays.
constexpr int settle_tries = 50;
constexpr auto settle_pause = std::chrono::milliseconds{2};

}  // namespace

// The order matters: whatever moves after the ledger's first reading stands in the lines that
// settle() reads, so the rows in between are compared knowing exactly who moved.
Result<bool> Audit::step(const queue::Store& store) {
    SIDING_TRY(run_stage(store));
    return stage_ == Stage::done;
}

Result<void> Audit::run_stage(const queue::Store& store) {
    switch (stage_) {
    case Stage::ledger:
        return read_ledger(store);
    case Stage::rows:
        return read_rows(store);
    case Stage::comparison:
        return compare(store);
    case Stage::octets:
        return read_octets(store);
    case Stage::done:
        return {};
    }
    SIDING_UNREACHABLE("stage");
}

Result<void> Audit::read_ledger(const queue::Store& store) {
    SIDING_ASSIGN(const bool at_end, ledger_.read_page(store));
    if (at_end) {
        ledger_.follow_moves();
        at_start_ = store.counters();
        stage_ = Stage::rows;
    }
    return {};
}

Result<void> Audit::read_rows(const queue::Store& store) {
    SIDING_ASSIGN(const auto page, store.rows(cursor_, limits::list_page_rows_max));
    for (const queue::Recipient& row : page.rows) {
        rows_.add(row);
        if (!queue::is_final(row.state)) {
            ledger_.fingerprint().remove(row.id);
        }
    }
    cursor_ = page.cursor;
    if (cursor_.empty()) {
        stage_ = Stage::comparison;
    }
    return {};
}

Result<void> Audit::compare(const queue::Store& store) {
    SIDING_TRY(count_indexes(store));
    SIDING_TRY(settle(store));
    rows_.compare_counters(before_, ledger_.moves(), problems_);
    rows_.compare_indexes(indexed_, ledger_.moves(), problems_);
    if (retained_stood_still()) {
        rows_.compare_retained(after_, indexed_.retained, problems_);
    }
    if (ledger_.whole()) {
        compare_ends();
        SIDING_TRY(compare_recipients(store));
    }
    stage_ = deep_ ? Stage::octets : Stage::done;
    return {};
}

// A row that its index has lost would sit in the queue for ever.
Result<void> Audit::count_indexes(const queue::Store& store) {
    for (const State state : states_in_queue) {
        queue::Filter filter;
        filter.state = state;
        SIDING_ASSIGN(const queue::Store::Total total, store.count(filter));
        indexed_.of(state) = total.recipients;
    }
    queue::Filter retained;
    retained.state = State::delivered;
    SIDING_ASSIGN(const queue::Store::Total total, store.count(retained));
    indexed_.retained = total.recipients;
    return {};
}

// What is pruned leaves no line in the ledger, so what went meanwhile cannot be known.
bool Audit::retained_stood_still() const {
    return ledger_.moves()[static_cast<std::size_t>(State::delivered)] == 0 &&
           at_start_.retained == after_.retained &&
           at_start_.all().retained == after_.all().retained;
}

// Reads on until ledger and counters are of one moment, or of two moments with the ledger between.
Result<void> Audit::settle(const queue::Store& store) {
    for (int attempt = 0; attempt < settle_tries && ledger_.whole(); ++attempt) {
        before_ = store.counters();
        for (bool at_end = false; !at_end;) {
            SIDING_ASSIGN(at_end, ledger_.read_page(store));
        }
        after_ = store.counters();
        if (before_.waves == after_.waves && agrees()) {
            return {};
        }
        std::this_thread::sleep_for(settle_pause);
    }
    if (!ledger_.whole()) {
        before_ = after_ = store.counters();
    }
    return {};
}

bool Audit::agrees() const {
    const StateCounts from = before_.all();
    const StateCounts to = after_.all();
    const auto between = [](std::uint64_t low, std::uint64_t value, std::uint64_t high) {
        return low <= value && value <= high;
    };
    return between(from.accepted(), ledger_.accepted(), to.accepted()) &&
           between(from.replayed, ledger_.replayed(), to.replayed) &&
           between(from.of(State::delivered), ledger_.delivered(), to.of(State::delivered)) &&
           between(from.of(State::discarded), ledger_.discarded(), to.of(State::discarded));
}

void Audit::compare_ends() {
    if (agrees()) {
        return;
    }
    const StateCounts counted = after_.all();
    const auto compare = [&](std::string_view what, std::uint64_t ledger, std::uint64_t counter) {
        if (ledger != counter) {
            problems_.add(fmt::format(
                "the ledger has {} recipients {}, the counters say {}", ledger, what, counter
            ));
        }
    };
    compare("accepted", ledger_.accepted(), counted.accepted());
    compare("replayed", ledger_.replayed(), counted.replayed);
    compare("delivered", ledger_.delivered(), counted.of(State::delivered));
    compare("discarded", ledger_.discarded(), counted.of(State::discarded));
}

Result<void> Audit::compare_recipients(const queue::Store& store) {
    std::vector<std::size_t> buckets = ledger_.fingerprint().differences(ledger_.moved());
    if (buckets.empty()) {
        return {};
    }
    problems_.add(fmt::format(
        "the recipients in the queue are not those that the ledger says are left ({} {})",
        buckets.size(),
        buckets.size() == 1 ? "difference" : "differences"
    ));
    buckets.resize(std::min(buckets.size(), named_buckets_max));

    // Only now, and only for these, is it worth a second walk to find the names.
    const auto check = [&](RecipientId id) -> Result<void> {
        if (std::ranges::binary_search(buckets, Fingerprint::bucket_of(id))) {
            return name_difference(store, id);
        }
        return {};
    };
    SIDING_TRY(for_each_accepted(store, check));
    std::string cursor;
    do {
        SIDING_ASSIGN(const auto page, store.rows(cursor, limits::list_page_rows_max));
        for (const queue::Recipient& row : page.rows) {
            SIDING_TRY(check(row.id));
        }
        cursor = page.cursor;
    } while (!cursor.empty());
    return {};
}

Result<void> Audit::name_difference(const queue::Store& store, RecipientId id) {
    if (!named_.insert(id).second) {
        return {};
    }
    const auto row = store.read_recipient(id);
    const bool unreadable = row.has_error() && row.error().is(Errc::corrupt);
    if (row.has_error() && !unreadable && !row.error().is(Errc::not_found)) {
        return row.error();
    }
    const bool in_queue = row.has_value() && !queue::is_final(row->state);
    SIDING_ASSIGN(const Life life, life_of(store, id));
    if (unreadable) {
        problems_.add(fmt::format(
            "recipient {}: its record cannot be read: {}", id.text(), row.error().message()
        ));
    } else if (in_queue && life != Life::in_queue) {
        problems_.add(fmt::format(
            "recipient {} is in the queue, but the ledger says {}",
            id.text(),
            life == Life::ended ? "that it has ended" : "nothing of its arrival"
        ));
    } else if (!in_queue && life == Life::in_queue) {
        problems_.add(fmt::format(
            "recipient {} was accepted and has not ended, but it is not in the queue", id.text()
        ));
    }
    return {};
}

Result<void> Audit::read_octets(const queue::Store& store) {
    SIDING_ASSIGN(const auto page, store.rows(cursor_, octet_page_rows));
    for (const queue::Recipient& row : page.rows) {
        SIDING_ASSIGN(auto problem, check_octets(store, row));
        if (problem) {
            problems_.add(std::move(*problem));
        }
    }
    cursor_ = page.cursor;
    if (cursor_.empty()) {
        stage_ = Stage::done;
    }
    return {};
}

// Where all agrees the counters' figures are of one moment and add up, also while mail flows.
AuditReport Audit::report() const {
    AuditReport out;
    out.problems = ledger_.problems().texts();
    out.problems.insert(out.problems.end(), problems_.texts().begin(), problems_.texts().end());
    const StateCounts queue = out.problems.empty() ? after_.all() : rows_.all();
    out.accepted = ledger_.accepted();
    out.delivered = ledger_.delivered();
    out.discarded = ledger_.discarded();
    out.replayed = ledger_.replayed();
    out.held = queue.of(State::held);
    out.due = queue.of(State::due);
    out.in_flight = queue.of(State::in_flight);
    out.parked = queue.of(State::parked);
    out.retained = queue.retained;
    out.ledger_entries = ledger_.entries();
    out.chain_ok = ledger_.whole();
    return out;
}

Result<AuditReport> audit(const queue::Store& store, bool deep) {
    Audit one{deep};
    for (bool done = false; !done;) {
        SIDING_ASSIGN(done, one.step(store));
    }
    return one.report();
}

}  // namespace siding::cutover
