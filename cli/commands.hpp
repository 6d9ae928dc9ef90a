// Every verb as one function: an action in, output on the terminal, an exit code or the one error
// that main prints.
#pragma once

#include "base/clock.hpp"
#include "cli/actions.hpp"
#include "cli/api.hpp"
#include "cli/exit.hpp"
#include "cli/terminal.hpp"

#include <chrono>
#include <functional>

namespace siding::cli {

struct Context {
    const Api& api;
    const Terminal& terminal;
    const Clock& clock;
    bool json = false;
    // Waits; false where the operator pressed Ctrl-C.
    std::function<bool(std::chrono::milliseconds)> pause;
};

Result<Exit> run(const ShowText& action, Context& context);
Result<Exit> run(const ShowStatus& action, Context& context);
Result<Exit> run(const ShowPhases& action, Context& context);
Result<Exit> run(const MovePhase& action, Context& context);
Result<Exit> run(const FlipPhases& action, Context& context);
Result<Exit> run(const RollBack& action, Context& context);
Result<Exit> run(const ListFlips& action, Context& context);
Result<Exit> run(const ListWaves& action, Context& context);
Result<Exit> run(const ShowWave& action, Context& context);
Result<Exit> run(const AddToWave& action, Context& context);
Result<Exit> run(const RemoveFromWave& action, Context& context);
Result<Exit> run(const CloneWave& action, Context& context);
Result<Exit> run(const ListQueue& action, Context& context);
Result<Exit> run(const ListParked& action, Context& context);
Result<Exit> run(const ShowMessage& action, Context& context);
Result<Exit> run(const ExportQueue& action, Context& context);
Result<Exit> run(const HoldQueue& action, Context& context);
Result<Exit> run(const DiscardQueue& action, Context& context);
Result<Exit> run(const Replay& action, Context& context);
Result<Exit> run(const CompareCopies& action, Context& context);
Result<Exit> run(const AddRemap& action, Context& context);
Result<Exit> run(const RemoveRemap& action, Context& context);
Result<Exit> run(const ListRemaps& action, Context& context);
Result<Exit> run(const StartRelease& action, Context& context);
Result<Exit> run(const ListReleases& action, Context& context);
Result<Exit> run(const WaitRelease& action, Context& context);
Result<Exit> run(const ShowRelease& action, Context& context);
Result<Exit> run(const ChangeRelease& action, Context& context);
Result<Exit> run(const ListSessions& action, Context& context);
Result<Exit> run(const CheckRecipient& action, Context& context);
Result<Exit> run(const FlushRecipients& action, Context& context);
Result<Exit> run(const Trace& action, Context& context);
Result<Exit> run(const Audit& action, Context& context);
Result<Exit> run(const CheckConfig& action, Context& context);
Result<Exit> run(const ShowConfigReference& action, Context& context);
Result<Exit> run(const ShowConfig& action, Context& context);
Result<Exit> run(const ShowDns& action, Context& context);
Result<Exit> run(const WatchDns& action, Context& context);
Result<Exit> run(const LookAtDns& action, Context& context);
Result<Exit> run(const ProbeDns& action, Context& context);
Result<Exit> run(const ImportSenders& action, Context& context);
Result<Exit> run(const ListSenders& action, Context& context);
Result<Exit> run(const TakeDnsSnapshot& action, Context& context);
Result<Exit> run(const CompareDnsSnapshots& action, Context& context);
Result<Exit> run(const ShowBackfill& action, Context& context);
Result<Exit> run(const OrderBackfill& action, Context& context);
Result<Exit> run(const PlanBackfill& action, Context& context);
Result<Exit> run(const ReportBackfill& action, Context& context);
Result<Exit> run(const ChangeBackfill& action, Context& context);
Result<Exit> run(const RunBackfill& action, Context& context);
Result<Exit> run(const AssessBackfill& action, Context& context);
Result<Exit> run(const WriteManifest& action, Context& context);
Result<Exit> run(const CheckManifest& action, Context& context);
Result<Exit> run(const RetryBackfill& action, Context& context);
Result<Exit> run(const AuthorizeBackfill& action, Context& context);
Result<Exit> run(const ListArchive& action, Context& context);
Result<Exit> run(const VerifyArchive& action, Context& context);
Result<Exit> run(const ExportArchive& action, Context& context);
Result<Exit> run(const Rehearse& action, Context& context);
Result<Exit> run(const Examine& action, Context& context);
Result<Exit> run(const ShowOutageCost& action, Context& context);

// Runs the action; an error becomes its one line on `err` and its exit code.
Exit run_action(const Action& action, Context& context);

// The whole program but the streams: arguments to exit code.
int run_siding(int argc, char** argv);

}  // namespace siding::cli
