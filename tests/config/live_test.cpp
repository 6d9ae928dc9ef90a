#include "config/live.hpp"

#include "config/load.hpp"
#include "config/reference.hpp"
#include "config/settings.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace siding::config {
namespace {

Config minimal() {
    return *load_text(minimal_example(), "minimal");
}

using Lines = std::vector<std::string>;

TEST(Live, NothingChangedIsAnEmptyPlan) {
    Live live{minimal()};
    EXPECT_TRUE(live.apply(minimal()).empty());
}

TEST(Live, LiveKeysCountAtOnce) {
    Live live{minimal()};
    const auto before = live.get();
    Config next = minimal();
    next.limits.message_size_bytes = 60ull << 20;
    next.log.level = LogLevel::debug;
    const ReloadPlan plan = live.apply(next);
    EXPECT_EQ(
        plan.applied, (Lines{"limits.message_size: 50MiB -> 60MiB", "log.level: info -> debug"})
    );
    EXPECT_TRUE(plan.needs_restart.empty());
    EXPECT_EQ(live.get()->limits.message_size_bytes, 60ull << 20);
    EXPECT_EQ(before->limits.message_size_bytes, 50ull << 20);  // who holds a snapshot keeps it
}

TEST(Live, EntriesComeAndGoAsOne) {
    Live live{minimal()};
    Config next = minimal();
    next.servers.erase("old");
    next.servers["backup"].address = {"192.0.2.9", 25};
    next.domains.emplace(*Domain::parse("example.org"), DomainSettings{});
    const ReloadPlan plan = live.apply(next);
    EXPECT_EQ(
        plan.applied,
        (Lines{"domains.example.org: added", "servers.backup: added", "servers.old: removed"})
    );
}

TEST(Live, RestartKeysKeepTheirValuesAndAreTold) {
    Live live{minimal()};
    Config next = minimal();
    next.hostname = "other.example.net";
    next.data_dir = "/srv/siding";
    next.listeners.push_back({{"127.0.0.1", 2525}});
    next.control.http = Endpoint{"127.0.0.1", 8025};
    next.threads = 4;
    const ReloadPlan plan = live.apply(next);
    EXPECT_TRUE(plan.applied.empty());
    EXPECT_EQ(
        plan.needs_restart,
        (Lines{
            "control.http: not set -> 127.0.0.1:8025",
            "data_dir: /var/lib/siding -> /srv/siding",
            "hostname: hold.example.net -> other.example.net",
            "listeners: [::]:25 -> [::]:25, 127.0.0.1:2525",
            "threads: auto -> 4",
        })
    );
    EXPECT_EQ(*live.get(), minimal());
}

TEST(Live, TheFirstPhaseIsTheQueuesByNow) {
    Live live{minimal()};
    Config next = minimal();
    next.domains.begin()->second.phase = Phase::release;
    const ReloadPlan plan = live.apply(next);
    EXPECT_EQ(plan.ignored, (Lines{"domains.example.com.phase: hold -> release"}));
}

// A key marked for restart that Live did not keep would be a mixture; one for each in the schema.
TEST(Live, TheSchemaAndTheSnapshotAgreeOnWhatWaits) {
    const auto all = load_text(
        "hostname: a.example\ndata_dir: /a\nlisteners: [{address: '127.0.0.1:1'}]\n"
        "servers: {new: {address: 'a.example', connections: 1, connect_timeout: 1s}}\n"
        "domains: {example.com: {phase: hold}}\n"
        "limits: {message_size: 1MiB, recipients: 101, connections: 1, connections_per_client: 1,"
        " soft_errors: 1, hard_errors: 1}\n"
        "bare_newlines: reject\nretry: {schedule: 1s}\nstorage: {disk_reserve: 1%}\n"
        "control: {socket: /a.sock, http: '[::1]:1', token_file: /t}\nlog: {level: trace}\n"
        "drain_timeout: 1s\nthreads: 1\n",
        "all"
    );
    ASSERT_TRUE(all) << all.error().text();
    Live live{minimal()};
    live.apply(*all);
    const auto first = settings_of(minimal());
    const auto next = settings_of(*all);
    for (const auto& [path, setting] : settings_of(*live.get())) {
        const bool waits = setting.key->reload == Reload::restart;
        EXPECT_EQ(setting.value, (waits ? first : next).at(path).value) << path;
    }
}

TEST(Live, SnapshotsMayBeTakenWhileOneIsReplaced) {
    Live live{minimal()};
    std::jthread reader{[&live](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            EXPECT_EQ(live.get()->hostname, "hold.example.net");
        }
    }};
    for (std::size_t i = 1; i < 200; ++i) {
        Config next = minimal();
        next.limits.connections = i;
        live.apply(std::move(next));
    }
}

}  // namespace
}  // namespace siding::config
