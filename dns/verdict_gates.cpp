#include "dns/verdict_gates.hpp"

#include "base/check.hpp"
#include "dns/observed.hpp"
#include "dns/record.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace siding::dns {
namespace {

constexpr std::size_t named_max = 3;

// "a, b, c and 4 more"
class Listing {
public:
    void add(std::string item) {
        if (count_++ < named_max) {
            text_ += (text_.empty() ? "" : ", ") + item;
        }
    }
    std::size_t count() const { return count_; }
    std::string text() const {
        return count_ > named_max ? fmt::format("{} and {} more", text_, count_ - named_max)
                                  : text_;
    }

private:
    std::size_t count_ = 0;
    std::string text_;
};

std::string describe(const Epoch& epoch) {
    return epoch.data.empty() ? "no MX" : epoch.data;
}

SampleState state_of(const Epoch& epoch, const Expected& expected) {
    return expected.judge(RrSet{epoch.records(), epoch.ttl});
}

ServerNow server_now(
    const std::string& server, const std::vector<Epoch>& epochs, const Expected& expected
) {
    ServerNow now;
    now.server = server;
    now.epoch = epochs.back();
    now.state = state_of(now.epoch, expected);
    for (const Epoch& epoch : epochs) {
        now.was_new = now.was_new || state_of(epoch, expected) == SampleState::is_new;
        now.had_mx = now.had_mx || !epoch.data.empty();
    }
    return now;
}

// Only the new MX was ever seen: the old one had the same TTL, for all that is known, and may have
// gone just before the first look.
std::optional<Deadline> deadline_unseen(const Situation& situation) {
    std::optional<Deadline> found;
    for (const ServerNow& server : situation.servers) {
        const WallTime at =
            std::chrono::ceil<std::chrono::seconds>(server.epoch.first + situation.options.slack) +
            server.epoch.ttl;
        if (!found || at > found->at) {
            found = Deadline{
                at,
                fmt::format(
                    "only the new MX was ever seen, at {} since {}; the old one is taken to have "
                    "had its TTL, {}",
                    server.server,
                    situation.options.show(server.epoch.first),
                    server.epoch.ttl.count()
                )};
        }
    }
    return found;
}

std::string problems_of(const Evidence& evidence) {
    if (!evidence.authority || evidence.authority->problems.empty()) {
        return "";
    }
    Listing problems;
    for (const AuthorityProblem& problem : evidence.authority->problems) {
        problems.add(problem.text);
    }
    return "; but: " + problems.text();
}

}  // namespace

Situation make_situation(const Evidence& evidence) {
    SIDING_CHECK(evidence.history != nullptr, "a verdict without a history");
    Situation situation;
    situation.options.slack = evidence.policy.slack;
    situation.options.domain = evidence.domain;
    situation.options.show = evidence.show;
    std::vector<std::string> heard;
    if (evidence.authority) {
        situation.options.servers = servers_in(*evidence.authority, *evidence.history);
        for (const ServerView& server : evidence.authority->servers) {
            if (server.is_heard()) {
                heard.push_back(server.text());
            }
        }
    }
    situation.has_word = !heard.empty();
    const std::vector<std::string>& asked = situation.options.servers;
    WallTime newest_old{};
    const auto by_server =
        evidence.history->by_server(evidence.domain, static_cast<std::uint16_t>(RecordType::mx));
    for (const auto& [server, epochs] : by_server) {
        for (const Epoch& epoch : epochs) {
            if (state_of(epoch, evidence.expected) != SampleState::is_new) {
                situation.saw_old = true;
                situation.mx_ttl = epoch.last >= newest_old ? epoch.ttl : situation.mx_ttl;
                newest_old = std::max(newest_old, epoch.last);
            }
        }
        if (asked.empty() || std::ranges::find(asked, server) != asked.end()) {
            situation.servers.push_back(server_now(server, epochs, evidence.expected));
            situation.servers.back().is_heard =
                std::ranges::any_of(heard, [&](const std::string& text) {
                    return server == text || server == text + std::string{over_tcp};
                });
        }
    }
    situation.published_at = published_at(*evidence.history, evidence.expected, situation.options);
    situation.mx =
        mx_deadline(*evidence.history, evidence.expected, evidence.now, situation.options);
    if (!situation.mx) {
        situation.mx = deadline_unseen(situation);
    }
    return situation;
}

Gate authority_gate(const Evidence& evidence, const Situation& situation) {
    Gate gate;
    gate.name = "authority";
    if (situation.servers.empty()) {
        gate.reason =
            "no authoritative server of the domain has been heard yet" + problems_of(evidence);
        return gate;
    }
    Listing behind;
    WallTime since{};
    WallTime seen{};
    for (const ServerNow& server : situation.servers) {
        since = std::max(since, server.epoch.first);
        seen = std::max(seen, server.epoch.last);
        if (server.state == SampleState::is_new) {
            continue;
        }
        const bool is_silent = situation.has_word && !server.is_heard;
        behind.add(
            is_silent ? fmt::format(
                            "{} cannot be asked, and served {} when it last answered, at {}",
                            server.server,
                            describe(server.epoch),
                            evidence.show(server.epoch.last)
                        )
                      : fmt::format("{} serves {}", server.server, describe(server.epoch))
        );
    }
    gate.passed = behind.count() == 0;
    const std::string silence =
        situation.has_word
            ? ""
            : fmt::format("; they cannot be asked now, this was at {}", evidence.show(seen));
    if (gate.passed) {
        gate.reason = fmt::format(
            "all {} addresses of authoritative servers serve the new MX since {}{}{}",
            situation.servers.size(),
            evidence.show(since),
            silence,
            problems_of(evidence)
        );
        return gate;
    }
    const bool is_planned = behind.count() == situation.servers.size() && evidence.switch_at &&
                            *evidence.switch_at > evidence.now;
    gate.reason =
        is_planned ? fmt::format("the switch is planned for {}", evidence.show(*evidence.switch_at))
                   : fmt::format(
                         "{} of {} addresses of authoritative servers do not serve the new MX: {}",
                         behind.count(),
                         situation.servers.size(),
                         behind.text()
                     );
    gate.reason += silence;
    return gate;
}

Gate ttl_gate(const Evidence& evidence, const Situation& situation) {
    Gate gate;
    gate.name = "ttl";
    if (!situation.mx) {
        gate.reason = "what was served before is not known yet";
        return gate;
    }
    const Deadline& deadline = *situation.mx;
    const bool is_published = authority_gate(evidence, situation).passed;
    gate.passed = is_published && evidence.now >= deadline.at;
    if (!is_published) {
        gate.reason = fmt::format(
            "the old MX is still being given out; were it to end now, it would live until {}: {}",
            evidence.show(deadline.at),
            deadline.why
        );
        return gate;
    }
    gate.reason = fmt::format(
        "no honest resolver can serve the old MX after {}; {}",
        evidence.show(deadline.at),
        deadline.why
    );
    if (evidence.was_unreachable) {
        gate.reason +=
            "; the authoritative servers were out of reach for a while, so resolvers "
            "that serve stale answers may hold it for 3 d more";
    }
    return gate;
}

Gate coverage_gate(const Evidence& evidence) {
    Gate gate;
    gate.name = "coverage";
    const Coverage& coverage = evidence.coverage;
    if (coverage.baseline_messages == 0) {
        gate.asked = false;
        gate.reason =
            "not asked: the usual senders are not known; import the old server's mail log with "
            "`siding dns senders import`";
        return gate;
    }
    constexpr double rounding = 1e-12;
    gate.passed = coverage.share + rounding >= evidence.policy.coverage_min;
    gate.reason = format_coverage(coverage) + " has come to Siding since the switch";
    if (!gate.passed) {
        gate.reason = fmt::format(
            "{}, and {:g} % are asked for",
            format_coverage(coverage),
            evidence.policy.coverage_min * 100
        );
    }
    return gate;
}

Gate straggler_gate(const Evidence& evidence) {
    Gate gate;
    gate.name = "stragglers";
    const StragglerCount& count = evidence.stragglers;
    if (!count.has_source) {
        gate.asked = false;
        gate.reason =
            "not asked: nobody listens at the old server; let it relay to Siding, or give its mail "
            "log as `stragglers`";
        return gate;
    }
    const double bound = count.bound();
    gate.passed = bound <= evidence.policy.straggler_max;
    gate.reason = fmt::format(
        "{} stragglers among {:.0f} expected messages since {} ({}): at most {:.3g} % of the mail "
        "goes to the old server, {:g} % may",
        count.count,
        count.expected,
        evidence.show(count.since),
        count.source,
        bound * 100,
        evidence.policy.straggler_max * 100
    );
    return gate;
}

}  // namespace siding::dns
