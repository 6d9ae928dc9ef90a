#include "dns/verdict.hpp"

#include "dns/observed.hpp"
#include "dns/record.hpp"
#include "dns/verdict_gates.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::dns {
namespace {

constexpr std::array verdicts{
    Verdict::none, Verdict::published, Verdict::converged, Verdict::proven, Verdict::quiet};

// How far the gates, in order, let the verdict come.
Verdict verdict_of(const std::vector<Gate>& gates) {
    const auto passed = [&](std::size_t at) { return gates.at(at).passed; };
    if (!passed(0)) {
        return Verdict::none;
    }
    if (!passed(1) || !passed(2)) {
        return Verdict::published;
    }
    if (!passed(3)) {
        return Verdict::converged;
    }
    return passed(4) ? Verdict::quiet : Verdict::proven;
}

// The gate that keeps it where it is; the last one when all are passed.
const Gate& deciding_gate(const std::vector<Gate>& gates) {
    const auto closed = std::ranges::find(gates, false, &Gate::passed);
    return closed == gates.end() ? gates.back() : *closed;
}

// The verdict does not hang on them: where the MX points is one thing, who may deliver there
// another.
void add_policy_gates(const Evidence& evidence, std::vector<Gate>& gates) {
    for (auto& gate : {sts_gate(evidence), dane_gate(evidence)}) {
        if (gate) {
            gates.push_back(*gate);
        }
    }
}

std::optional<WallTime> old_until(const PanelRound& round) {
    std::optional<WallTime> until;
    for (const OperatorView& view : round.operators) {
        if (view.old_for_at_most.count() > 0) {
            until = std::max(until.value_or(round.at), round.at + view.old_for_at_most);
        }
    }
    return until;
}

std::optional<WallTime> next_verdict_at(const Evidence& evidence, const Judgement& judgement) {
    const auto in_future = [&](std::optional<WallTime> at) {
        return at && *at > evidence.now ? at : std::nullopt;
    };
    switch (judgement.verdict) {
    case Verdict::none:
        return in_future(evidence.switch_at);
    case Verdict::published: {
        auto at = judgement.mx ? in_future(judgement.mx->at) : std::nullopt;
        if (!evidence.rounds.empty()) {
            at = std::max(at, in_future(old_until(evidence.rounds.back())));
        }
        return at;
    }
    case Verdict::proven: {
        const StragglerCount& count = evidence.stragglers;
        if (!count.has_source || !count.profile) {
            return std::nullopt;
        }
        const QuietGoal goal{evidence.policy.straggler_max, count.count, count.since};
        return in_future(quiet_at(goal, *count.profile));
    }
    case Verdict::converged:
    case Verdict::quiet:
        break;
    }
    return std::nullopt;
}

}  // namespace

std::string_view format_verdict(Verdict verdict) {
    switch (verdict) {
    case Verdict::none:
        return "none";
    case Verdict::published:
        return "published";
    case Verdict::converged:
        return "converged";
    case Verdict::proven:
        return "proven";
    case Verdict::quiet:
        return "quiet";
    }
    return "";
}

std::optional<Verdict> parse_verdict(std::string_view text) {
    const auto found = std::ranges::find(verdicts, text, format_verdict);
    return found == verdicts.end() ? std::nullopt : std::optional{*found};
}

Judgement judge(const Evidence& evidence) {
    const Situation situation = make_situation(evidence);
    Judgement judgement;
    judgement.published_at = situation.published_at;
    judgement.mx = situation.mx;
    if (situation.mx) {
        std::optional<Deadline> floor;
        if (situation.published_at) {
            const FloorFacts facts{
                *situation.published_at, situation.mx_ttl, evidence.policy.floor};
            floor = floor_deadline(facts, situation.options);
        }
        const Deadline stale =
            stale_deadline(*situation.mx, evidence.was_unreachable, situation.options);
        judgement.hard = hard_deadline(stale, floor, evidence.policy.allowance, situation.options);
    }
    judgement.gates = {
        authority_gate(evidence, situation),
        ttl_gate(evidence, situation),
        panel_gate(evidence, situation),
        coverage_gate(evidence),
        straggler_gate(evidence)};
    judgement.verdict = verdict_of(judgement.gates);
    judgement.reason = deciding_gate(judgement.gates).reason;
    add_policy_gates(evidence, judgement.gates);
    judgement.expected_at = next_verdict_at(evidence, judgement);
    judgement.unplanned_text = unplanned_change(evidence, situation);
    judgement.unplanned = !judgement.unplanned_text.empty();
    return judgement;
}

}  // namespace siding::dns
