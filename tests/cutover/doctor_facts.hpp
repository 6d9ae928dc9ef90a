// Facts as a test wants them: no resolver, no zone, hosts and sessions made up.
#pragma once

#include "config/load.hpp"
#include "cutover/doctor_facts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/resolver.hpp"
#include "tests/net/run_loop.hpp"

#include <string>
#include <vector>

namespace siding::cutover {

class FactsRig {
public:
    FactsRig() { facts.domain = "example.com"; }

    // `more` stands at the top level, `domain` below the domain.
    void configure(const std::string& domain = "", const std::string& more = "") {
        const std::string text =
            "hostname: hold.example.net\ndata_dir: /tmp\n"
            "listeners: [{address: \"127.0.0.1:1\"}]\n"
            "servers: {old: {address: \"192.0.2.1:25\"}, "
            "new: {address: \"192.0.2.2:25\"}}\n" +
            more + "domains:\n  example.com:\n    phase: pass_old\n" + domain;
        auto loaded = config::load_text(text, "test.yaml");
        ASSERT_TRUE(loaded) << loaded.error().list.front().text();
        facts.config = std::make_shared<const config::Config>(std::move(*loaded));
        facts.settings = &facts.config->domains.begin()->second;
    }

    // A host with one session that has answered.
    HostView& add_host(const std::string& name, const std::vector<std::string>& keywords = {}) {
        HostView host;
        host.name = name;
        SmtpView view;
        view.address = {net::Family::ipv4, "192.0.2.1", 25};
        view.reach = SmtpView::Reach::answered;
        view.greeting = "220 " + name;
        view.server_name = name;
        view.keywords = keywords;
        smtp::Reply reply{250, name};
        reply.lines.insert(reply.lines.end(), keywords.begin(), keywords.end());
        view.extensions = smtp::parse_ehlo_reply(reply);
        host.sessions.push_back(std::move(view));
        return facts.hosts.emplace_back(std::move(host));
    }

    CheckOutcome run(Check::Function check) {
        CheckOutcome outcome;
        loop.run(store(outcome, check, facts));
        return outcome;
    }

    net::RunLoop loop;
    ManualClock clock{parse_time("2026-11-21T12:00:00Z").value()};
    DoctorOptions options;
    dns::Prober prober{loop.executor(), clock};
    dns::Resolver resolver{loop.executor()};
    dns::Authority authority{prober, resolver, {}};
    RecursiveLookup lookup{prober, {{"127.0.0.1", 1}}, loop.executor()};  // nobody
    DoctorFacts facts{options, clock, prober, authority, lookup, loop.executor()};

private:
    static net::awaitable<void> store(
        CheckOutcome& outcome, Check::Function check, const DoctorFacts& facts
    ) {
        outcome = co_await check(facts);
    }
};

}  // namespace siding::cutover
