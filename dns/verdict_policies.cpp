// The gates of MTA-STS and DANE: when senders that insist on a policy take the new MX.
// verdict_gates.hpp
#include "dns/host_names.hpp"
#include "dns/mta_sts.hpp"
#include "dns/record.hpp"
#include "dns/verdict_gates.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <utility>

namespace siding::dns {
namespace {

using std::chrono::seconds;

// --- MTA-STS ------------------------------------------------------------------------------------

// What the servers say of the announcement now.
struct Announcement {
    std::string id{};  // of the newest change; empty: there is none
    WallTime since{};  // the last server had it
    seconds ttl{0};    // the longest ever
};

Announcement announcement_of(const Evidence& evidence) {
    Announcement found;
    const std::string name = std::string{sts_label} + evidence.domain;
    for (const auto& [server, epochs] :
         evidence.history->by_server(name, static_cast<std::uint16_t>(RecordType::txt))) {
        WallTime since = epochs.front().first;
        for (std::size_t i = 0; i < epochs.size(); ++i) {
            found.ttl = std::max(found.ttl, epochs[i].ttl);
            if (i > 0 && epochs[i].data != epochs[i - 1].data) {
                since = epochs[i].first;
            }
        }
        if (since >= found.since) {
            found.since = since;
            found.id = epochs.back().data;
        }
    }
    return found;
}

// When the last server got another announcement, the first one after that time. Nothing: not all of
// them have.
std::optional<WallTime> next_announcement(const Evidence& evidence, WallTime after) {
    std::optional<WallTime> latest;
    const std::string name = std::string{sts_label} + evidence.domain;
    for (const auto& [server, epochs] :
         evidence.history->by_server(name, static_cast<std::uint16_t>(RecordType::txt))) {
        std::optional<WallTime> changed_at;
        for (std::size_t i = 1; i < epochs.size() && !changed_at; ++i) {
            if (epochs[i].data != epochs[i - 1].data && epochs[i].first > after) {
                changed_at = epochs[i].first;
            }
        }
        if (!changed_at) {
            return std::nullopt;
        }
        latest = std::max(latest, changed_at);
    }
    return latest;
}

// Empty: with that policy senders deliver to every new host.
std::vector<std::string> hosts_refused(const Epoch& epoch, const Expected& expected) {
    std::vector<std::string> refused;
    const auto policy = parse_sts_policy(epoch.data);
    if (!policy || policy->mode != StsPolicy::Mode::enforce) {
        return refused;
    }
    std::ranges::copy_if(
        expected.new_hosts,
        std::back_inserter(refused),
        [&](const std::string& host) { return !policy->allows(host); }
    );
    return refused;
}

// The run of policies that take the new MX, up to now.
struct PolicyRun {
    std::size_t first = 0;  // its index among the epochs
    seconds max_age_old{0};
};

PolicyRun run_of(const std::vector<Epoch>& epochs, const Expected& expected) {
    PolicyRun run;
    for (std::size_t i = 0; i < epochs.size(); ++i) {
        if (!hosts_refused(epochs[i], expected).empty()) {
            run.first = i + 1;
            run.max_age_old = std::max(run.max_age_old, epochs[i].ttl);
        }
    }
    if (run.first == 0) {
        run.max_age_old = epochs.front().ttl;  // what was before the first look is not known
    }
    return run;
}

Gate fetched_gate(
    const Evidence& evidence, const std::vector<Epoch>& epochs, const Announcement& announced
) {
    Gate gate;
    gate.name = "mta-sts";
    DeadlineOptions options;
    options.show = evidence.show;
    const auto refused = hosts_refused(epochs.back(), evidence.expected);
    if (!refused.empty()) {
        gate.reason = fmt::format(
            "the policy (mode enforce, max_age {}) does not allow {}: senders that hold it do not "
            "deliver there; add it, give the record another id, and wait for max_age before the "
            "switch",
            show_duration(epochs.back().ttl),
            fmt::join(refused, ", ")
        );
        return gate;
    }
    const PolicyRun run = run_of(epochs, evidence.expected);
    const bool was_seen = run.first > 0;
    // RFC 8461 §3.1: a sender looks for another policy when the id is another one.
    const auto noticed_at =
        was_seen ? next_announcement(evidence, epochs[run.first - 1].last) : std::nullopt;
    const WallTime first = epochs[run.first].first;
    const WallTime since = std::max(noticed_at.value_or(first), first);
    const StsChange change{since, announced.ttl, run.max_age_old};
    const WallTime strict = sts_deadline(change, StsCaches::strict, options).at;
    const WallTime lenient = sts_deadline(change, StsCaches::lenient, options).at;
    gate.passed = evidence.now >= strict;
    if (!was_seen) {
        gate.reason = fmt::format(
            "the policy takes the new MX, and has done so since the first look at {}; one from "
            "before that, with its max_age of {}, may be held until {}",
            evidence.show(since),
            show_duration(run.max_age_old),
            evidence.show(strict)
        );
        return gate;
    }
    gate.reason = fmt::format(
        "the policy takes the new MX since {}; the one before it may be held until {}{}",
        evidence.show(since),
        evidence.show(strict),
        noticed_at
            ? ", and until " + evidence.show(lenient) +
                  " by senders that look at its id again before they give up"
            : "; the record's id has not changed with it, so that no sender notices: change it"
    );
    return gate;
}

// --- DANE ---------------------------------------------------------------------------------------

// Until when what one server has said of a host's TLSA records may be heeded.
std::optional<Deadline> tlsa_deadline(
    const std::vector<Epoch>& epochs, const DeadlineOptions& options
) {
    std::size_t at = epochs.size() - 1;
    while (at > 0 && epochs[at - 1].data == epochs[at].data) {
        --at;
    }
    const bool has_none = epochs.back().data.empty();
    if (has_none && at == 0) {
        return std::nullopt;  // there never were any
    }
    seconds ttl{0};
    for (std::size_t i = has_none ? 0 : at; i < epochs.size(); ++i) {
        ttl = epochs[i].data.empty() ? ttl : std::max(ttl, epochs[i].ttl);
    }
    const DaneChange change{epochs[at].first, ttl, has_none ? epochs[at].ttl : seconds{0}};
    return dane_deadline(change, has_none ? DaneStep::removed : DaneStep::added, options);
}

}  // namespace

std::optional<Gate> sts_gate(const Evidence& evidence) {
    const Announcement announced = announcement_of(evidence);
    const std::string host = std::string{sts_host_label} + evidence.domain;
    const auto policies = evidence.history->by_server(host, policy_type);
    if (!policies.empty()) {
        return fetched_gate(evidence, policies.begin()->second, announced);
    }
    if (announced.id.empty()) {
        return std::nullopt;
    }
    Gate gate;
    gate.name = "mta-sts";
    gate.asked = false;
    gate.reason = fmt::format(
        "not asked: a policy is announced ({}), but {}; senders that hold an older one go by it",
        announced.id,
        evidence.sts_problem.empty() ? "it has not been fetched yet" : evidence.sts_problem
    );
    return gate;
}

std::optional<Gate> dane_gate(const Evidence& evidence) {
    DeadlineOptions options;
    options.show = evidence.show;
    std::optional<Deadline> latest;
    std::string whose;
    for (const std::string& host : evidence.expected.new_hosts) {
        const auto servers = evidence.history->by_server(
            std::string{tlsa_label} + host, static_cast<std::uint16_t>(RecordType::tlsa)
        );
        for (const auto& [server, epochs] : servers) {
            auto deadline = tlsa_deadline(epochs, options);
            if (deadline && (!latest || deadline->at > latest->at)) {
                latest = std::move(deadline);
                whose = host;
            }
        }
    }
    if (!latest) {
        return std::nullopt;
    }
    Gate gate;
    gate.name = "dane";
    gate.passed = evidence.now >= latest->at;
    gate.reason = fmt::format(
        "{}: {} ({})",
        whose,
        latest->why,
        gate.passed ? "it has, at " + evidence.show(latest->at)
                    : "until " + evidence.show(latest->at)
    );
    return gate;
}

}  // namespace siding::dns
