// Do the books balance? Proves from the ledger, the rows, the indexes and the counters that per
// recipient accepted + replayed = delivered + held + due + in flight + parked + discarded, and that
// no ledger line was changed or dropped. Retained recipients are delivered ones, no matter that
// their rows are there. The deep audit also reads every stored octet, theirs too.
//
// Only reads, on the calling thread, which must be allowed to block. Mail may flow meanwhile: who
// moves stands in the ledger. The memory is fixed: 8 MiB, a page of rows, and some 16 octets per
// recipient that moves while the rows are walked.
#pragma once

#include "base/result.hpp"
#include "cutover/ledger_walk.hpp"
#include "cutover/problems.hpp"
#include "cutover/row_tally.hpp"
#include "queue/store.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace siding::cutover {

struct AuditReport {
    // Recipients. The first four are the ledger's, the others the queue's.
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t discarded = 0;
    std::uint64_t replayed = 0;
    std::uint64_t held = 0;
    std::uint64_t due = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t parked = 0;
    std::uint64_t retained = 0;

    std::uint64_t ledger_entries = 0;
    bool chain_ok = true;
    std::vector<std::string> problems;  // one sentence each; the first hundred

    bool balanced() const { return problems.empty(); }
};

// One audit in steps of at most a few seconds, so that a long one can be shown to be alive and can
// be given up.
class Audit {
public:
    explicit Audit(bool deep) : deep_{deep} {}

    // True when done. An error means that the audit could not be made: Errc::storage_failure, or
    // Errc::unavailable where more mail moved than it can follow.
    Result<bool> step(const queue::Store& store);

    AuditReport report() const;

private:
    enum class Stage { ledger, rows, comparison, octets, done };

    Result<void> run_stage(const queue::Store& store);
    Result<void> read_ledger(const queue::Store& store);
    Result<void> read_rows(const queue::Store& store);
    Result<void> compare(const queue::Store& store);
    Result<void> count_indexes(const queue::Store& store);
    Result<void> settle(const queue::Store& store);
    Result<void> read_octets(const queue::Store& store);

    bool retained_stood_still() const;
    bool agrees() const;
    void compare_ends();
    Result<void> compare_recipients(const queue::Store& store);
    Result<void> name_difference(const queue::Store& store, RecipientId id);

    bool deep_;
    Stage stage_ = Stage::ledger;
    std::string cursor_;
    LedgerWalk ledger_;
    RowTally rows_;
    queue::StateCounts indexed_;
    queue::Counters at_start_;  // before the rows were read
    queue::Counters before_;    // before the last lines of the ledger were read …
    queue::Counters after_;     // … and after
    std::set<RecipientId> named_;
    Problems problems_;
};

// All steps.
Result<AuditReport> audit(const queue::Store& store, bool deep);

}  // namespace siding::cutover
