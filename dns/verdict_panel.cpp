// The gate of the panel, and changes that nobody has planned: verdict_gates.hpp.
#include "dns/verdict_gates.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>

namespace siding::dns {
namespace {

constexpr std::size_t named_max = 3;

// No word about the MX: neither new nor old.
bool is_silent(SampleState state) {
    switch (state) {
    case SampleState::failed:
    case SampleState::timed_out:
    case SampleState::filtered:
        return true;
    case SampleState::is_new:
    case SampleState::is_old:
    case SampleState::mixed:
    case SampleState::other:
    case SampleState::nxdomain:
    case SampleState::nodata:
        break;
    }
    return false;
}

struct RoundCount {
    std::size_t configured = 0;
    std::size_t with_word = 0;
    std::vector<const OperatorView*> not_new{};
};

RoundCount count_round(const PanelRound& round) {
    RoundCount count;
    count.configured = round.operators.size();
    for (const OperatorView& view : round.operators) {
        if (is_silent(view.state)) {
            continue;
        }
        ++count.with_word;
        if (view.state != SampleState::is_new) {
            count.not_new.push_back(&view);
        }
    }
    return count;
}

// Of a small panel more than half must answer; of a large one so many as the policy says.
std::size_t operators_needed(const DnsPolicy& policy, std::size_t configured) {
    return configured > policy.operators_min ? policy.operators_min : configured / 2 + 1;
}

std::string describe(const OperatorView& view, const Evidence& evidence, WallTime at) {
    const bool extends =
        std::ranges::any_of(view.samples, [](const SampleView& sample) { return sample.extends; });
    const bool stale =
        std::ranges::any_of(view.samples, [](const SampleView& sample) { return sample.stale; });
    std::string text = fmt::format("{} ({}", view.name, format_state(view.state));
    if (view.old_for_at_most.count() > 0) {
        text += fmt::format(", until {}", evidence.show(at + view.old_for_at_most));
    }
    text += extends ? ", keeps it past its TTL" : "";
    text += stale ? ", serves what has expired" : "";
    return text + ")";
}

std::string describe_all(const RoundCount& count, const Evidence& evidence, WallTime at) {
    std::string text;
    for (std::size_t i = 0; i < std::min(count.not_new.size(), named_max); ++i) {
        text += (i == 0 ? "" : ", ") + describe(*count.not_new[i], evidence, at);
    }
    if (count.not_new.size() > named_max) {
        text += fmt::format(" and {} more", count.not_new.size() - named_max);
    }
    return text;
}

}  // namespace

bool has_word(const PanelRound& round) {
    return count_round(round).with_word > 0;
}

Gate panel_gate(const Evidence& evidence, const Situation& situation) {
    Gate gate;
    gate.name = "panel";
    if (!evidence.has_panel) {
        gate.asked = false;
        gate.passed = true;
        gate.reason = "not asked: the panel of resolvers is off";
        return gate;
    }
    // Rounds since the last server changed; those in which nobody answered say nothing of anybody.
    std::vector<const PanelRound*> rounds;
    for (const PanelRound& round : evidence.rounds) {
        const bool counts =
            situation.published_at && round.at >= *situation.published_at - evidence.policy.slack;
        if (counts && has_word(round)) {
            rounds.push_back(&round);
        }
    }
    if (rounds.empty()) {
        gate.reason = situation.published_at
                          ? "no resolver of the panel has said what the MX is since the switch"
                          : "the panel counts from the switch on";
        return gate;
    }
    const PanelRound& newest = *rounds.back();
    const RoundCount count = count_round(newest);
    const std::size_t needed = operators_needed(evidence.policy, count.configured);
    if (!count.not_new.empty()) {
        gate.reason = fmt::format(
            "{} of {} operators that answer do not give the new MX: {}",
            count.not_new.size(),
            count.with_word,
            describe_all(count, evidence, newest.at)
        );
        return gate;
    }
    if (count.with_word < needed) {
        gate.reason = fmt::format(
            "only {} of {} operators answer, {} must", count.with_word, count.configured, needed
        );
        return gate;
    }
    std::size_t good = 0;
    for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
        const RoundCount here = count_round(**round);
        if (!here.not_new.empty() ||
            here.with_word < operators_needed(evidence.policy, here.configured)) {
            break;
        }
        ++good;
    }
    gate.passed = good >= evidence.policy.rounds;
    gate.reason = fmt::format(
        "all {} operators that answer give the new MX, in {} of {} rounds ({} of the panel's {} do "
        "not answer)",
        count.with_word,
        std::min<std::size_t>(good, evidence.policy.rounds),
        evidence.policy.rounds,
        count.configured - count.with_word,
        count.configured
    );
    return gate;
}

std::string unplanned_change(const Evidence& evidence, const Situation& situation) {
    for (const ServerNow& server : situation.servers) {
        const std::string who =
            fmt::format("{} since {}", server.server, evidence.show(server.epoch.first));
        switch (server.state) {
        case SampleState::is_new:
            if (evidence.switch_at && situation.saw_old &&
                server.epoch.first + evidence.policy.slack < *evidence.switch_at &&
                evidence.now < *evidence.switch_at) {
                return fmt::format(
                    "{} serves the new MX, but the switch is planned for {}",
                    who,
                    evidence.show(*evidence.switch_at)
                );
            }
            break;
        case SampleState::other:
            if (!evidence.expected.old_hosts.empty()) {
                return fmt::format(
                    "{} serves {}, which is neither the old nor the new MX", who, server.epoch.data
                );
            }
            break;
        case SampleState::nodata:
        case SampleState::nxdomain:
            if (server.had_mx) {
                return fmt::format(
                    "{} serves no MX at all: senders then try the address of the domain itself", who
                );
            }
            break;
        case SampleState::is_old:
        case SampleState::mixed:
            if (server.was_new) {
                return fmt::format("{} serves {} again, after the new MX", who, server.epoch.data);
            }
            break;
        case SampleState::failed:
        case SampleState::timed_out:
        case SampleState::filtered:
            break;
        }
    }
    return "";
}

}  // namespace siding::dns
