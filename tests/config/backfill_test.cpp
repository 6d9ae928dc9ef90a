// Which accounts are copied, between which servers, and how hard.
#include "config/live.hpp"
#include "tests/config/mistakes.hpp"

namespace siding::config {
namespace {

using namespace std::chrono_literals;

Config config_of(const std::string& keys) {
    auto loaded =
        load_text(with_line("limits: {}", "backfill: { " + keys + " }"), "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

Backfill backfill_of(const std::string& keys) {
    return config_of(keys).backfill;
}

TEST(BackfillKeys, AreRead) {
    const Backfill said = backfill_of(
        "accounts: accounts.csv, source: { address: imap.old.example, fingerprints: "
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, connections: 3, daily: "
        "2GiB, daily_account: 1MiB, compress: true }, "
        "destination: { address: \"[::1]:1143\", tls: starttls, ca_file: ca.pem, tokens: { "
        "endpoint: \"https://login.example/t?a=b\", client_id: siding, client_secret_file: c, "
        "scope: \"a b\", device_endpoint: \"https://login.example/d\", ca_file: login.pem } }, "
        "recent: 7d, acls: false, accounts_at_once: 2, memory: 8MiB, bandwidth: 1MiB, quiet_hours: "
        "[\"08:00-18:00\", \"22:00-06:00\"], poll: 5s, socket: /run/b.sock, http: "
        "\"127.0.0.1:8026\""
    );
    EXPECT_EQ(said.accounts, "/etc/siding/accounts.csv");
    EXPECT_EQ(said.source.address, (Endpoint{"imap.old.example", 993}));
    EXPECT_EQ(said.source.fingerprints.size(), 1U);
    EXPECT_EQ(said.source.connections, 3U);
    EXPECT_EQ(said.destination.address, (Endpoint{"::1", 1143}));
    EXPECT_EQ(said.destination.tls, ImapTls::starttls);
    EXPECT_EQ(said.destination.ca_file, "/etc/siding/ca.pem");
    EXPECT_EQ(
        said.destination.tokens,
        (TokenSource{
            "https://login.example/t?a=b",
            "siding",
            "/etc/siding/c",
            "a b",
            "https://login.example/d",
            "/etc/siding/login.pem"})
    );
    EXPECT_EQ(said.source.daily, 2ULL << 30);
    EXPECT_EQ(said.source.daily_account, 1ULL << 20);
    EXPECT_TRUE(said.source.compress);
    EXPECT_FALSE(said.destination.compress);
    EXPECT_EQ(said.recent, 7 * 24h);
    EXPECT_FALSE(said.acls);
    EXPECT_EQ(said.accounts_at_once, 2U);
    EXPECT_EQ(said.memory, 8U << 20);
    EXPECT_EQ(said.bandwidth, 1U << 20);
    EXPECT_EQ(said.quiet_hours, (std::vector<DayTime>{{8h, 18h}, {22h, 6h}}));
    EXPECT_EQ(said.poll, 5s);
    EXPECT_EQ(said.socket, "/run/b.sock");
    EXPECT_EQ(said.http, (Endpoint{"127.0.0.1", 8026}));
}

TEST(BackfillKeys, ThePortGoesWithTls) {
    EXPECT_EQ(backfill_of("source: { address: a.example }").source.address->port, 993);
    EXPECT_EQ(
        backfill_of("source: { address: a.example, tls: \"off\" }").source.address->port, 143
    );
    EXPECT_EQ(
        backfill_of("source: { tls: starttls, address: a.example }").source.address->port, 143
    );
    EXPECT_EQ(backfill_of("source: { address: \"a.example:1\" }").source.address->port, 1);
}

TEST(BackfillKeys, QuietHoursMayBeNone) {
    EXPECT_TRUE(backfill_of("quiet_hours: []").quiet_hours.empty());
}

TEST(BackfillKeys, ATokenEndpointOnThisMachineNeedsNoTls) {
    const auto endpoint = [](const std::string& url) {
        return backfill_of("source: { tokens: { client_id: a, endpoint: \"" + url + "\" } }")
            .source.tokens->endpoint;
    };
    EXPECT_EQ(endpoint("http://127.0.0.1:8080/t"), "http://127.0.0.1:8080/t");
    EXPECT_EQ(endpoint("https://login.example"), "https://login.example");
}

TEST(BackfillKeys, AReloadTellsWhatItChanged) {
    const Config now = config_of("accounts: a.csv");
    const Config next = config_of("accounts: b.csv, poll: 5s, memory: 1GiB, socket: /b.sock");
    const ReloadPlan plan = plan_reload(now, next);
    EXPECT_EQ(
        plan.applied,
        (std::vector<std::string>{
            "backfill.accounts: /etc/siding/a.csv -> /etc/siding/b.csv", "backfill.poll: 1m -> 5s"})
    );
    EXPECT_EQ(
        plan.needs_restart,
        (std::vector<std::string>{
            "backfill.memory: 64MiB -> 1GiB",
            "backfill.socket: /run/siding/backfill.sock -> /b.sock"})
    );
}

constexpr Mistake mistakes[] = {
    {"limits: {}",
     "backfill: { account: a.csv }",
     "f:8:13: backfill.account: unknown key; did you mean 'accounts'?"},
    {"limits: {}",
     "backfill: { source: { address: \"a.example:0\" } }",
     "f:8:32: backfill.source.address: nobody listens on port 0; allowed: 1 to 65535"},
    {"limits: {}",
     "backfill: { source: { tls: maybe } }",
     "f:8:28: backfill.source.tls: 'maybe' is not accepted; allowed: implicit, starttls or off"},
    {"limits: {}",
     "backfill: { source: { tls: \"off\", ca_file: /ca } }",
     "f:8:44: backfill.source.ca_file: is for TLS, which is off; take one of them out"},
    {"limits: {}",
     "backfill: { source: { ca_file: /ca, fingerprints: "
     "[9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08] } }",
     "f:8:32: backfill.source.ca_file: does not count beside fingerprints; write one of them"},
    {"limits: {}",
     "backfill: { destination: { tokens: { endpoint: \"http://login.example/\", client_id: a } } }",
     "f:8:48: backfill.destination.tokens.endpoint: 'http://login.example/' is not accepted; "
     "allowed: https://host/path, or http:// with a loopback address"},
    {"limits: {}",
     "backfill: { destination: { tokens: { endpoint: \"https://a.example/\" } } }",
     "f:8:36: backfill.destination.tokens.client_id: is missing; allowed: a name"},
    {"limits: {}",
     "backfill: { quiet_hours: [\"8-18\"] }",
     "f:8:27: backfill.quiet_hours: '8-18' is not accepted; allowed: a list of parts of a day, "
     "such as 08:00-18:00"},
    {"limits: {}",
     "backfill: { memory: 1MiB }",
     "f:8:21: backfill.memory: '1MiB' is not accepted; allowed: a size from 8MiB to 16GiB"},
    {"limits: {}",
     "backfill: { socket: /run/siding/control.sock }",
     "f:8:21: backfill.socket: is control.socket, too; each daemon needs its own"},
    {"control: {}\n",
     "control: { http: \"127.0.0.1:1\" }\nbackfill: { http: \"127.0.0.1:1\" }\n",
     "f:10:19: backfill.http: is control.http, too; each daemon needs its own"},
    {"limits: {}",
     "backfill: { http: \"0.0.0.0:1\" }",
     "f:8:19: backfill.http: '0.0.0.0:1' can be reached from outside; allowed: a loopback address, "
     "such as 127.0.0.1:8025 or [::1]:8025"},
};

TEST(BackfillKeys, MistakesAreToldWithTheirPlace) {
    expect_told(mistakes);
}

}  // namespace
}  // namespace siding::config
