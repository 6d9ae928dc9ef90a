// A domain with two servers and a panel, for tests of the verdict.
#pragma once

#include "dns/observed.hpp"
#include "dns/verdict.hpp"
#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace siding::dns::test {

using namespace std::chrono_literals;

inline constexpr std::chrono::seconds ttl{3600};

inline Sample answer(const char* mx, std::chrono::seconds life, WallTime when) {
    Sample sample;
    sample.kind = Sample::Kind::answered;
    sample.at = when;
    sample.response.authoritative = true;
    if (mx != nullptr) {
        ResourceRecord record;
        record.owner = "example.com";
        record.type = static_cast<std::uint16_t>(RecordType::mx);
        record.ttl = life;
        record.data = Mx{10, mx};
        sample.response.answers.push_back(record);
    }
    return sample;
}

inline ServerView server(const std::string& name, const std::string& address, const Sample& mx) {
    ServerView view;
    view.name = name;
    view.address = {address, 53};
    view.mx = mx;
    view.mx_tcp = mx;
    view.soa.kind = Sample::Kind::answered;
    view.soa.at = mx.at;
    view.soa.question = {"example.com", RecordType::soa};
    view.soa.response.authoritative = true;
    ResourceRecord soa;
    soa.owner = "example.com";
    soa.type = static_cast<std::uint16_t>(RecordType::soa);
    soa.data = Soa{"ns1.example.com", "admin.example.com", 1, 1h, 1h, 1h, 60s};
    view.soa.response.answers.push_back(soa);
    view.in_parent = view.in_child = true;
    return view;
}

inline ServerView silent(const std::string& name, const std::string& address) {
    ServerView view;
    view.name = name;
    view.address = {address, 53};
    return view;
}

inline AuthorityView look(WallTime when, std::vector<ServerView> servers) {
    AuthorityView view;
    view.domain = view.zone = "example.com";
    view.at = when;
    view.servers = std::move(servers);
    return view;
}

inline PanelRound round_of(WallTime when, const std::vector<SampleState>& states) {
    PanelRound round;
    round.at = when;
    for (const SampleState state : states) {
        OperatorView view;
        view.name = "Operator " + std::to_string(round.operators.size() + 1);
        view.state = state;
        view.old_for_at_most = state == SampleState::is_old ? 600s : 0s;
        round.operators.push_back(std::move(view));
    }
    return round;
}

class VerdictTest : public testing::Test {
protected:
    VerdictTest() {
        evidence.domain = "example.com";
        evidence.history = &history;
        evidence.expected = expected();
        evidence.policy.slack = 0s;
        evidence.stragglers.has_source = true;
        evidence.stragglers.source = "a log";
    }

    // ns1 and ns2 say so; null: nothing comes.
    void see(WallTime when, const char* first, const char* second) {
        std::vector<ServerView> servers;
        servers.push_back(
            first == nullptr ? silent("ns1", "192.0.2.1")
                             : server("ns1", "192.0.2.1", answer(first, ttl, when))
        );
        servers.push_back(
            second == nullptr ? silent("ns2", "192.0.2.2")
                              : server("ns2", "192.0.2.2", answer(second, ttl, when))
        );
        evidence.authority = look(when, std::move(servers));
        evidence.now = when;
        note_all(history, *evidence.authority);
    }

    void switch_over() {
        see(at(0s), "old.example", "old.example");
        see(at(7min), "new.example", "old.example");
        see(at(7min + 30s), "new.example", "new.example");
    }

    void rounds(std::vector<SampleState> states, unsigned count = 3) {
        for (unsigned i = 0; i < count; ++i) {
            evidence.rounds.push_back(round_of(at(61min + i * 1min), states));
        }
    }

    Judgement judge_at(WallTime when) {
        evidence.now = when;
        return judge(evidence);
    }

    const Gate& gate(const Judgement& judgement, std::string_view name) {
        const auto found = std::ranges::find(judgement.gates, name, &Gate::name);
        return *found;
    }

    History history;
    Evidence evidence;
};

}  // namespace siding::dns::test
