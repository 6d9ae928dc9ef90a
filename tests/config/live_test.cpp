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

TEST(Live, WavesComeAndGoInADomainThatStays) {
    Live live{minimal()};
    Config next = minimal();
    next.domains.begin()->second.waves["pilot"].patterns = {"a*"};
    next.domains[*Domain::parse("example.org")].waves["first"].patterns = {"b*"};
    EXPECT_EQ(
        live.apply(next).applied,
        (Lines{"domains.example.com.waves.pilot: added", "domains.example.org: added"})
    );
    Config last = next;
    last.domains.begin()->second.waves["pilot"].patterns = {"a*", "c"};
    last.domains.begin()->second.waves["pilot"].phase = Phase::hold;
    last.domains.erase(*Domain::parse("example.org"));
    const ReloadPlan plan = live.apply(last);
    EXPECT_EQ(
        plan.applied,
        (Lines{
            "domains.example.com.waves.pilot.pattern: [a*] -> [a*, c]",
            "domains.example.org: removed"})
    );
    EXPECT_EQ(plan.ignored, (Lines{"domains.example.com.waves.pilot.phase: not set -> hold"}));
}

TEST(Live, RestartKeysKeepTheirValuesAndAreTold) {
    Live live{minimal()};
    Config next = minimal();
    next.hostname = "other.example.net";
    next.verify.sender = default_probe_sender(next.hostname);
    next.data_dir = "/srv/siding";
    next.listeners.push_back({.address = {"127.0.0.1", 2525}});
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

Config with_tls(const std::string& more) {
    const auto loaded = load_text(minimal_example() + more, "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

TEST(Live, CertificatesChangeAtOnceAndListenersDoNot) {
    Live live{minimal()};
    const ReloadPlan first = live.apply(with_tls("tls: { certificate: c, key: k }\n"));
    EXPECT_EQ(
        first.applied,
        (Lines{
            "tls.certificate: not set -> /etc/siding/c",
            "tls.key: not set -> /etc/siding/k",
        })
    );
    EXPECT_EQ(first.needs_restart, (Lines{"listeners: [::]:25 -> [::]:25 (tls starttls)"}));
    EXPECT_EQ(live.get()->listeners.at(0).tls, ListenerTls::off);
    EXPECT_TRUE(live.get()->tls.has_certificate());

    Live other{with_tls("tls: { certificate: c, key: k }\n")};
    const ReloadPlan second = other.apply(with_tls(
        "tls: { certificate: d, key: k, names: { a.example: { certificate: n, key: k } } }\n"
    ));
    EXPECT_EQ(
        second.applied,
        (Lines{"tls.certificate: /etc/siding/c -> /etc/siding/d", "tls.names.a.example: added"})
    );
    EXPECT_TRUE(second.needs_restart.empty());
    EXPECT_EQ(other.get()->tls.names.size(), 1U);
}

TEST(Live, OpenTlsListenersKeepTheLastCertificates) {
    Live live{with_tls("tls: { certificate: c, key: k }\n")};
    const ReloadPlan plan = live.apply(with_tls("tls: { minimum: \"1.3\" }\n"));
    EXPECT_EQ(plan.applied, (Lines{"tls.minimum: 1.2 -> 1.3"}));
    EXPECT_EQ(
        plan.needs_restart,
        (Lines{
            "listeners: [::]:25 (tls starttls) -> [::]:25",
            "tls.certificate: /etc/siding/c -> not set",
            "tls.key: /etc/siding/k -> not set",
        })
    );
    EXPECT_EQ(live.get()->tls.identity->certificate, "/etc/siding/c");
    EXPECT_EQ(live.get()->tls.minimum, TlsVersion::v1_3);
}

TEST(Live, SourcesOfRecipientsAreToldAsOne) {
    Live live{minimal()};
    Config next = minimal();
    DomainSettings& settings = next.domains.begin()->second;
    settings.recipients = {
        .any = false,
        .files = {{"/r", RecipientMapFormat::list, ""}, {"/m", RecipientMapFormat::csv, "mail"}},
        .verify = {"old"}};
    settings.rewrite = "/w";
    EXPECT_EQ(
        live.apply(next).applied,
        (Lines{
            "domains.example.com.recipients: any -> [list /r, csv /m (mail), verify old]",
            "domains.example.com.rewrite: not set -> /w",
        })
    );
    EXPECT_EQ(*live.get(), next);
}

// A key marked for restart that Live did not keep would be a mixture; one for each in the schema.
TEST(Live, TheSchemaAndTheSnapshotAgreeOnWhatWaits) {
    const auto all = load_text(
        "hostname: a.example\ndata_dir: /a\nlisteners: [{address: '127.0.0.1:1'}]\n"
        "tls: {certificate: /c, key: /k, minimum: '1.3', names: {a.example: {certificate: /c2, key:"
        " /k2}}}\nextensions: [SIZE]\n"
        "servers: {new: {address: 'a.example', connections: 1, connect_timeout: 1s, tls: verify,"
        " tls_name: b.example, ca_file: /ca, fallback: b.example, mx: true, source: 192.0.2.1,"
        " auth: {user: ann, mechanism: login, secret_file: /s}, xclient: true, proxy_protocol: "
        "true,"
        " profile: google, messages_per_connection: 1, recipients_per_transaction: 1,"
        " recipient_connections: 1, rate: 1, domain_rate: 1, recipient_rate: 1}}\n"
        "domains: {example.com: {phase: hold, recipients: {file: /r}, rewrite: /w,"
        " waves: {pilot: {pattern: a, phase: hold}}}}\n"
        "pass_through: {enabled: false, connections: 1, connect_timeout: 1s, rcpt_timeout: 1s,"
        " data_timeout: 1s}\n"
        "express: {a: {sender: b@c.example}}\n"
        "release: {rate: 1, canary: 1, pause_percent: 1%, order: small_first}\n"
        "retention: {time: 1d, size: 1GiB}\ndsn: {server: new}\n"
        "dns: {servers: 127.0.0.1, timeout: 1s, tries: 1, enabled: false, watch: 1m, watch_near: "
        "1s, panel: 'off', samples: 1, rounds: 1, slack: 1s, floor: 1s, allowance: 1s, "
        "coverage_min: 90%, straggler_max: 1%, operators_min: 1, roots: 127.0.0.1, port: 1}\n"
        "backfill: {accounts: /a.csv, source: {address: a.example, tls: starttls, ca_file: /ca,"
        " tokens: {endpoint: 'https://a.example/t', client_id: a, client_secret_file: /c, scope: "
        "s, device_endpoint: 'https://a.example/d', ca_file: /e},"
        " connections: 1, daily: 1MiB, daily_account: 1MiB, compress: true}, destination: "
        "{address: b.example, tls: 'off', tokens: {endpoint:"
        " 'https://b.example/t', client_id: b, client_secret_file: /d, scope: s, device_endpoint:"
        " 'https://b.example/d', ca_file: /f}, connections: 1, daily: 1MiB, daily_account: 1MiB,"
        " compress: true}, recent: 1d, acls: false,"
        " accounts_at_once: 1, memory: 8MiB, bandwidth: 1MiB, quiet_hours: '08:00-18:00', poll: 1s,"
        " socket: /b.sock, http: '[::1]:2'}\n"
        "recipient_delimiter: ''\n"
        "verify: {sender: a@b.example, positive_ttl: 1h, negative_ttl: 1s, timeout: 1s,"
        " connections: 1, when_unreachable: defer, detect_catch_all: false}\n"
        "filter: {rspamd: 'http://a:1', on_failure: defer, on_reject: tag, timeout: 1s, max_size:"
        " 1MiB}\n"
        "limits: {message_size: 1MiB, header_size: 1KiB, received: 10, recipients: 101, commands:"
        " 1, connections: 1, connections_per_client: 1, connection_rate: 1, message_rate: 1,"
        " recipient_rate: 1, exempt: 192.0.2.1, stress: 1%, soft_errors: 1, hard_errors: 1}\n"
        "timeouts: {greeting: 1s, command: 1s, data: 1s, message: 1s, stressed_command: 1s,"
        " stressed_data: 1s, data_rate_min: 1}\n"
        "early_talkers: ignore\ngreeting_delay: 1s\n"
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
        if (!path.starts_with("domains.") && !setting.value.empty() && first.contains(path)) {
            EXPECT_NE(first.at(path).value, next.at(path).value) << path << " is not changed here";
        }
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
