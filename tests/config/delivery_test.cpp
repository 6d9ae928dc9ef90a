// Servers, waves, express rules and the rest of how mail leaves.
#include "config/settings.hpp"
#include "tests/config/mistakes.hpp"

#include <cstdlib>

namespace siding::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* server = "  new: { address: \"new.example\" }";
constexpr const char* domain = "  example.com: { phase: hold }";
constexpr const char* prints =
    "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:"
    "08";

Config load_good(const std::string& text) {
    auto loaded = load_text(text, "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

Server server_of(const std::string& keys) {
    return load_good(with_line(server, "  new: { address: new.example, " + keys + " }"))
        .servers.at("new");
}

DomainSettings domain_of(const std::string& keys) {
    return load_good(with_line(domain, "  example.com: { " + keys + " }")).domains.begin()->second;
}

Config config_of(const std::string& keys) {
    return load_good(with_line("limits: {}", keys));
}

TEST(Servers, WhereTheyAre) {
    const Server found = server_of(
        "mx: true, fallback: [\"b.example\", \"[2001:DB8::2]:2525\"], source: [192.0.2.25, "
        "\"2001:db8:0::25\"]"
    );
    EXPECT_TRUE(found.mx);
    EXPECT_EQ(found.fallback, (std::vector<Endpoint>{{"b.example", 25}, {"2001:db8::2", 2525}}));
    EXPECT_EQ(found.source, (std::vector<std::string>{"192.0.2.25", "2001:db8::25"}));
    EXPECT_TRUE(server_of("mx: false").fallback.empty());
}

TEST(Servers, FingerprintsAreNormalised) {
    const Server found =
        server_of(std::string{"tls: fingerprint, tls_fingerprints: \""} + prints + "\"");
    EXPECT_EQ(found.tls, ServerTls::fingerprint);
    EXPECT_EQ(
        found.tls_fingerprints,
        std::vector<std::string>{"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
    );
    EXPECT_EQ(server_of("tls: dane").tls, ServerTls::dane);
}

TEST(Servers, SecretsAreFilesOrCredentials) {
    const Server file =
        server_of("tls: verify, auth: { user: ann, mechanism: xoauth2, secret_file: s }");
    EXPECT_EQ(file.auth, (Auth{Auth::Mechanism::xoauth2, "ann", "/etc/siding/s"}));
    ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/other.service", 1);
    const Server ours = server_of("auth: { user: ann, credential: old-secret }");
    EXPECT_EQ(ours.auth->secret_file, "/run/credentials/other.service/old-secret");
    EXPECT_EQ(ours.auth->mechanism, Auth::Mechanism::automatic);
    ::unsetenv("CREDENTIALS_DIRECTORY");
    const Server foreign = server_of("auth: { user: ann, credential: old-secret }");
    EXPECT_EQ(foreign.auth->secret_file, "/run/credentials/siding.service/old-secret");
}

TEST(Servers, LimitsAreTheProfilesUnlessTheyAreSaid) {
    const Server usual = server_of("profile: m365");
    EXPECT_EQ(usual.profile, Profile::m365);
    EXPECT_FALSE(usual.connections || usual.rate || usual.messages_per_connection);
    const Server said = server_of(
        "connections: 3, messages_per_connection: 0, recipients_per_transaction: 7, "
        "recipient_connections: 1, rate: 100, domain_rate: 50, recipient_rate: 20, xclient: true, "
        "proxy_protocol: true"
    );
    EXPECT_EQ(said.connections, 3U);
    EXPECT_EQ(said.messages_per_connection, 0U);
    EXPECT_EQ(said.recipients_per_transaction, 7U);
    EXPECT_EQ(said.recipient_connections, 1U);
    EXPECT_EQ(said.rate, 100U);
    EXPECT_EQ(said.domain_rate, 50U);
    EXPECT_EQ(said.recipient_rate, 20U);
    EXPECT_TRUE(said.xclient && said.proxy_protocol);
}

TEST(Waves, TheirRecipientsPhaseAndCopy) {
    const DomainSettings settings = domain_of(
        "phase: hold, waves: { pilot: { file: p.txt, import: [{ file: b.csv, format: csv, column: "
        "mail }], pattern: [\"A*\", \"sales-?\"], phase: pass_new }, b_2: { pattern: b* } }"
    );
    ASSERT_EQ(settings.waves.size(), 2U);
    const Wave expected{
        .phase = Phase::pass_new,
        .files =
            {{"/etc/siding/p.txt", RecipientMapFormat::list, ""},
             {"/etc/siding/b.csv", RecipientMapFormat::csv, "mail"}},
        .patterns = {"a*", "sales-?"},
        .copy = ""};
    EXPECT_EQ(settings.waves.at("pilot"), expected);
    EXPECT_FALSE(settings.waves.at("b_2").phase);  // that of default
}

TEST(Waves, CopiesGoBesideWhatIsPassedOn) {
    const std::string both = "  old: { address: o.example }\n" + std::string{server};
    std::string text = with_line(server, both);
    const std::string line =
        "  example.com: { phase: pass_old, copy: new, waves: { w: { pattern: x, copy: new }, v: { "
        "pattern: y, phase: pass_new, copy: old } } }";
    text.replace(text.find(domain), std::string_view{domain}.size(), line);
    const DomainSettings settings = load_good(text).domains.begin()->second;
    EXPECT_EQ(settings.copy, "new");
    EXPECT_EQ(settings.waves.at("w").copy, "new");
    EXPECT_EQ(settings.waves.at("v").copy, "old");
}

TEST(Delivery, ExpressRulesStandByName) {
    const Config config = config_of(
        "express: { b: { sender: \"*@Bank.example\", header: \"X-Priority:  1*\" }, a: { sender: "
        "<>, recipient: Joe@example.com, min_size: 1KiB, max_size: 1MiB } }"
    );
    ASSERT_EQ(config.express.size(), 2U);
    const ExpressRule a{"a", "<>", "joe@example.com", std::nullopt, 1ull << 20, 1ull << 10};
    EXPECT_EQ(config.express[0], a);
    const ExpressRule b{
        "b", "*@bank.example", std::nullopt, "x-priority: 1*", std::nullopt, std::nullopt};
    EXPECT_EQ(config.express[1], b);
}

TEST(Delivery, EveryKeyArrives) {
    const Config config = config_of(
        "pass_through: { enabled: false, connections: 5, connect_timeout: 1s, rcpt_timeout: 2s, "
        "data_timeout: 3s }\n"
        "release: { rate: 600, canary: 10, pause_percent: 0%, order: small_first }\n"
        "retention: { time: 3d, size: 1GiB }\n"
        "dsn: { server: new }\n"
        "dns: { servers: [127.0.0.1, \"::1\", \"[2001:db8::1]:5353\"], timeout: 1s, tries: 3 }"
    );
    EXPECT_EQ(config.pass_through, (PassThrough{false, 5, 1s, 2s, 3s}));
    EXPECT_EQ(config.release, (Release{600, 10, 0, Release::Order::small_first}));
    EXPECT_EQ(config.retention, (Retention{72h, 1ull << 30}));
    EXPECT_EQ(config.dsn.server, "new");
    const std::vector<Endpoint> resolvers{{"127.0.0.1", 53}, {"::1", 53}, {"2001:db8::1", 5353}};
    EXPECT_EQ(config.dns, (Dns{resolvers, 1s, 3}));
}

constexpr Mistake mistakes[] = {
    // Servers
    {server,
     "  new: { address: 192.0.2.1, mx: true }",
     "f:5:34: servers.new.mx: needs a domain as address; an IP address has no MX"},
    {server,
     "  new: { address: n.example, fallback: [b.example, n.example] }",
     "f:5:40: servers.new.fallback: n.example:25 is the address already; write other ones"},
    {server,
     "  new: { address: n.example, source: [192.0.2.1, 192.0.2.2] }",
     "f:5:38: servers.new.source: has two of one family; allowed: one IPv4, one IPv6 address"},
    {server,
     "  new: { address: n.example, source: here.example }",
     "f:5:38: servers.new.source: 'here.example' is not accepted; allowed: a list of IP "
     "addresses"},
    {server,
     "  new: { address: n.example, tls: fingerprint }",
     "f:5:35: servers.new.tls: fingerprint needs tls_fingerprints beside it"},
    {server,
     "  new: { address: n.example, tls: fingerprint, tls_fingerprints: ab12 }",
     "f:5:66: servers.new.tls_fingerprints: 'ab12' is not accepted; allowed: a list of SHA-256 "
     "fingerprints, 64 digits each"},
    {server,
     "  new: { address: n.example, tls_fingerprints: "
     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 }",
     "f:5:48: servers.new.tls_fingerprints: is for tls: fingerprint; nothing else looks at it"},
    {server,
     "  new: { address: 192.0.2.1, tls: dane }",
     "f:5:35: servers.new.tls: dane needs a name as address; TLSA records belong to names"},
    {server,
     "  new: { address: n.example, tls: off, auth: { user: a, secret_file: s } }",
     "f:5:46: servers.new.auth: would send the secret in the clear; set tls to required, or better "
     "verify"},
    {server,
     "  new: { address: n.example, auth: { user: a } }",
     "f:5:36: servers.new.auth: has no secret; write secret_file or credential"},
    {server,
     "  new: { address: n.example, auth: { user: a, secret_file: s, credential: c } }",
     "f:5:36: servers.new.auth: has secret_file and credential; write one of them"},
    {server,
     "  new: { address: n.example, auth: { user: a, credential: ../c } }",
     "f:5:59: servers.new.auth.credential: '../c' is not accepted; allowed: a name of letters, "
     "digits, '.', '-' and '_'"},
    {server,
     "  new: { address: n.example, profile: exim }",
     "f:5:39: servers.new.profile: 'exim' is not accepted; allowed: generic, postfix, exchange, "
     "m365 or google"},
    // Waves
    {domain,
     "  example.com: { phase: hold, waves: { default: { pattern: a } } }",
     "f:7:49: domains.example.com.waves.default: is everybody who is in no other wave; it has no "
     "recipients here"},
    {domain,
     "  example.com: { phase: hold, waves: { \"Pilot 1\": { pattern: a } } }",
     "f:7:51: domains.example.com.waves.Pilot 1: is no name for a wave; allowed: up to 32 of a-z, "
     "0-9, - and _"},
    {domain,
     "  example.com: { phase: hold, waves: { pilot: { phase: pass_new } } }",
     "f:7:47: domains.example.com.waves.pilot: has no recipients; allowed: at least one of file, "
     "import, pattern"},
    {domain,
     "  example.com: { phase: hold, waves: { pilot: { pattern: joe@example.com } } }",
     "f:7:58: domains.example.com.waves.pilot.pattern: 'joe@example.com' is not accepted; allowed: "
     "a list of patterns such as sales-*, without an @"},
    {domain,
     "  example.com: { phase: hold, waves: { pilot: { pattern: a, phase: pass_old } } }",
     "f:7:68: domains.example.com.waves.pilot.phase: pass_old sends to the server 'old', which is "
     "missing under servers"},
    {domain,
     "  example.com: { phase: hold, copy: new }",
     "f:7:37: domains.example.com.copy: is for phase pass_old or pass_new; for later, say it with "
     "siding flip --copy"},
    {domain,
     "  example.com: { phase: pass_new, copy: new }",
     "f:7:41: domains.example.com.copy: pass_new sends there already; name another server"},
    {domain,
     "  example.com: { phase: pass_new, copy: next }",
     "f:7:41: domains.example.com.copy: 'next' is none of the servers; there are: new"},
    // Express
    {"limits: {}",
     "express: { all: {} }",
     "f:8:17: express.all: says nothing, so all mail would go; allowed: at least one of sender, "
     "recipient, header, max_size, min_size"},
    {"limits: {}",
     "express: { a: { header: X-Priority } }",
     "f:8:25: express.a.header: 'X-Priority' is not accepted; allowed: a field's name, a colon and "
     "a pattern, such as X-Priority: 1*"},
    {"limits: {}",
     "express: { a: { min_size: 2MiB, max_size: 1MiB } }",
     "f:8:27: express.a.min_size: is above max_size, so no message would match"},
    // The rest
    {"limits: {}",
     "dsn: { server: old }",
     "f:8:16: dsn.server: 'old' is none of the servers; there are: new"},
    {"limits: {}",
     "dns: { servers: [dns.example] }",
     "f:8:18: dns.servers: 'dns.example' is no address of a resolver; write an IP address and, if "
     "it is not 53, its port, such as 127.0.0.1 or [::1]:5353"},
    {"limits: {}",
     "release: { order: newest }",
     "f:8:19: release.order: 'newest' is not accepted; allowed: oldest or small_first"},
    {"limits: {}",
     "retention: { time: 3 }",
     "f:8:20: retention.time: '3' is not accepted; allowed: a duration from 0ms to 366d"},
};

TEST(Delivery, EachMistakeIsTold) {
    expect_told(mistakes);
}

TEST(Delivery, ExpressNeedsTheNewServer) {
    std::string text = with_line(server, "  old: { address: o.example }");
    text += "express: { a: { sender: b@c.example } }\n";
    const auto loaded = load_text(text, "f");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(
        loaded.error().text(),
        "f:10:10: express: sends to the server 'new', which is missing under servers\n"
    );
}

TEST(Delivery, OurOwnListenerIsNoFallback) {
    std::string text = with_line(server, "  new: { address: n.example, fallback: \"[::]:25\" }");
    const auto loaded = load_text(text, "f");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(
        loaded.error().text(),
        "f:5:40: servers.new.fallback: is one of our own listeners; mail would go round in "
        "circles\n"
    );
}

}  // namespace
}  // namespace siding::config
