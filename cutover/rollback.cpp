#include "cutover/flip.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

namespace siding::cutover {
namespace {

using boost::asio::awaitable;

constexpr std::size_t flips_max = 1000;  // further back nobody goes step by step

// Phase release has ended by itself: a part of the flip that began it.
bool is_automatic(const queue::FlipRecord& flip) {
    return flip.who == "sidingd" && std::ranges::all_of(flip.moves, [](const auto& move) {
               return move.from == Phase::release && move.to == Phase::pass_new;
           });
}

bool has_ended_by_itself(
    std::span<const queue::FlipRecord> newer, const queue::FlipMove& move, Phase now
) {
    return move.to == Phase::release && now == Phase::pass_new &&
           std::ranges::any_of(newer, [&](const queue::FlipRecord& flip) {
               return is_automatic(flip) && std::ranges::any_of(flip.moves, [&](const auto& end) {
                          return end.domain == move.domain && end.wave == move.wave;
                      });
           });
}

// From where it is back to where it was; the reason where that cannot be.
struct Turn {
    std::optional<queue::FlipMove> back{};
    std::string reason{};
};

Turn turn_round(
    const queue::FlipMove& move,
    std::span<const queue::FlipRecord> newer,
    const queue::PhaseTable& phases
) {
    const std::string name = format_wave(move.domain, move.wave);
    const auto now = phases.find(move.domain, move.wave);
    if (!now) {
        return {{}, fmt::format("{} is gone", name)};
    }
    const bool ended = has_ended_by_itself(newer, move, *now);
    if (*now != move.to && !ended) {
        return {
            {},
            fmt::format(
                "{} is in {} by now and not in {}", name, format_phase(*now), format_phase(move.to)
            )};
    }
    const std::string copy = phases.copy_of(move.domain, move.wave);
    if (copy != move.copy_to && !ended) {
        return {{}, fmt::format("{} has another copy by now", name)};
    }
    queue::FlipMove back{move.domain, move.wave, *now, move.from, copy, move.copy_from};
    if (*now == Phase::hold && move.from == Phase::pass_new) {
        back.to = Phase::release;
        back.copy_to.clear();
    }
    if (back.from != back.to && !is_legal_move(back.from, back.to)) {
        return {
            {},
            fmt::format(
                "{} cannot go from {} back to {}",
                name,
                format_phase(back.from),
                format_phase(back.to)
            )};
    }
    return {std::move(back), {}};
}

}  // namespace

Result<Rollback> plan_rollback(
    std::span<const queue::FlipRecord> flips, const queue::PhaseTable& phases
) {
    const auto last = std::ranges::find_if(flips, [](const queue::FlipRecord& flip) {
        return flip.undone_by == 0 && flip.undoes == 0 && !is_automatic(flip);
    });
    if (last == flips.end()) {
        return Error{Errc::not_found, "there is no flip to take back; siding flips lists them"};
    }
    const auto newer = flips.subspan(0, static_cast<std::size_t>(last - flips.begin()));
    Rollback plan;
    plan.undone = *last;
    std::vector<std::string> reasons;
    for (const queue::FlipMove& move : last->moves) {
        Turn turn = turn_round(move, newer, phases);
        if (turn.back) {
            plan.moves.push_back(std::move(*turn.back));
        } else {
            reasons.push_back(std::move(turn.reason));
        }
    }
    if (!reasons.empty()) {
        return Error{
            Errc::conflict,
            fmt::format(
                "the flip of epoch {} cannot be taken back: {}; move the waves by siding flip",
                last->epoch,
                fmt::join(reasons, ", ")
            )};
    }
    return plan;
}

awaitable<Result<Rollback>> roll_back(
    queue::Queue& queue, std::string who, std::string why, bool dry_run
) {
    auto read = [](const queue::Store& store) { return store.flips(flips_max); };
    const auto flips = co_await queue.read(std::move(read));
    SIDING_CO_TRY(flips);
    const auto phases = queue.phases();
    SIDING_CO_ASSIGN(Rollback plan, plan_rollback(*flips, *phases));
    if (dry_run) {
        co_return plan;
    }
    queue::SetPhases change;
    for (const queue::FlipMove& move : plan.moves) {
        queue::PhaseMove back{.domain = move.domain, .wave = move.wave};
        back.to = move.to;
        back.copy = move.copy_to;
        change.moves.push_back(std::move(back));
    }
    change.who = std::move(who);
    change.why = std::move(why);
    change.undoes = plan.undone.epoch;
    queue::Change order{std::move(change)};
    const auto applied = co_await queue.commit(std::move(order));
    SIDING_CO_TRY(applied);
    plan.epoch = applied->epoch;
    co_return plan;
}

queue::SetPhases initial_phases(const config::Config& config, const queue::PhaseTable& phases) {
    queue::SetPhases initial;
    initial.who = "sidingd";
    initial.why = "configured";
    const auto add = [&](const Domain& domain, const std::string& wave, Phase to, std::string copy
                     ) {
        queue::PhaseMove move{.domain = domain, .wave = wave};
        move.to = to;
        move.initial = true;
        move.copy = std::move(copy);
        initial.moves.push_back(std::move(move));
    };
    for (const auto& [domain, settings] : config.domains) {
        add(domain, config::default_wave, settings.phase, settings.copy);
        const auto in_force = phases.find(domain);
        const std::string copy =
            in_force ? phases.copy_of(domain, config::default_wave) : settings.copy;
        for (const auto& [name, wave] : settings.waves) {
            const bool own = wave.phase || !wave.copy.empty();
            const Phase usual =
                wave.copy.empty() ? in_force.value_or(settings.phase) : settings.phase;
            add(domain, name, wave.phase.value_or(usual), own ? wave.copy : copy);
        }
    }
    return initial;
}

}  // namespace siding::cutover
