#include "config/load.hpp"

#include "config/reference.hpp"
#include "tests/config/mistakes.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace siding::config {
namespace {

using namespace std::chrono_literals;

TEST(Load, TheMinimalFile) {
    const auto loaded = load_text(minimal_example(), "siding.yaml");
    ASSERT_TRUE(loaded) << loaded.error().text();
    const Config& config = *loaded;
    EXPECT_EQ(config.hostname, "hold.example.net");
    EXPECT_EQ(config.data_dir, "/var/lib/siding");
    ASSERT_EQ(config.listeners.size(), 1U);
    EXPECT_EQ(config.listeners[0].address, (Endpoint{"::", 25}));
    EXPECT_EQ(config.servers.at("new").address, (Endpoint{"mail.new.example", 25}));
    EXPECT_EQ(config.domains.at(*Domain::parse("example.com")).phase, Phase::hold);
    EXPECT_EQ(config.retry.schedule.back(), 1h);
    EXPECT_FALSE(config.threads);
}

// Each key once, with a value that is not its default.
constexpr const char* every_key = R"(hostname: Hold.Example.NET
data_dir: /srv/s
listeners:
  - address: "127.0.0.1:0"
    tls: implicit
    tls_required: true
    client_certificates: true
    proxy_protocol: { networks: [10.0.0.0/8], required: false }
    xclient: { networks: [192.0.2.1], required: true }
    extensions: [SIZE]
  - { address: "127.0.0.1:0", tls: off }
tls:
  certificate: /c
  key: /k
  minimum: "1.3"
  names: { mx2.example.com: { certificate: /c2, key: /k2 } }
extensions: [DSN]
servers:
  new: { address: "[2001:db8::1]:2525", connections: 3, tls: verify, tls_name: a.example,
         ca_file: /ca, connect_timeout: 5s }
domains:
  Example.COM: { phase: release, recipients: any }
  example.net:
    recipients:
      file: [/r]
      import: [{ file: /i, format: csv, column: mail }]
      verify: [new]
    rewrite: /w
  example.org:
recipient_delimiter: "-"
verify: { sender: a@example.com, positive_ttl: 1h, negative_ttl: 1s, timeout: 2s, connections: 3,
          when_unreachable: defer, detect_catch_all: false }
filter: { rspamd: "http://[::1]:80", on_failure: defer, on_reject: tag, timeout: 4s, max_size: 1MiB }
limits: { message_size: 1GiB, header_size: 2MiB, received: 60, recipients: 200, commands: 9,
          connections: 5, connections_per_client: 6, connection_rate: 1, message_rate: 2,
          recipient_rate: 3, exempt: [192.0.2.0/24], stress: 50%, soft_errors: 7, hard_errors: 8 }
timeouts: { greeting: 1s, command: 2s, data: 3s, message: 4s, stressed_command: 5s,
            stressed_data: 6s, data_rate_min: 7 }
early_talkers: log
greeting_delay: 1s
bare_newlines: reject
retry: { schedule: [1s, 2m] }
storage: { disk_reserve: 7% }
control: { socket: /tmp/c.sock, http: "[::1]:8025", token_file: /etc/t }
log: { level: trace }
drain_timeout: 2m
threads: 3
)";

void expect_domains(const Config& config) {
    const auto domain = [&](const char* name) { return config.domains.at(*Domain::parse(name)); };
    DomainSettings released;
    released.phase = Phase::release;
    EXPECT_EQ(domain("example.com"), released);
    EXPECT_EQ(domain("example.org"), DomainSettings{});
    DomainSettings sources;
    sources.recipients = {
        .any = false,
        .files = {{"/r", RecipientMapFormat::list, ""}, {"/i", RecipientMapFormat::csv, "mail"}},
        .verify = {"new"}};
    sources.rewrite = "/w";
    EXPECT_EQ(domain("example.net"), sources);
    EXPECT_EQ(config.domains.size(), 3U);
}

TEST(Load, EveryKeyArrives) {
    const auto loaded = load_text(every_key, "siding.yaml");
    ASSERT_TRUE(loaded) << loaded.error().text();
    Config expected;
    expected.hostname = "hold.example.net";
    expected.data_dir = "/srv/s";
    expected.listeners = {
        {.address = {"127.0.0.1", 0},
         .tls = ListenerTls::implicit,
         .tls_required = true,
         .client_certificates = true,
         .proxy_protocol = {{*Network::parse("10.0.0.0/8")}, false},
         .xclient = {{*Network::parse("192.0.2.1")}, true},
         .extensions = {{"SIZE"}}},
        {.address = {"127.0.0.1", 0}}};
    expected.tls = {Identity{"/c", "/k"}, {{"mx2.example.com", {"/c2", "/k2"}}}, TlsVersion::v1_3};
    expected.extensions = {"DSN"};
    expected.servers["new"] = {{"2001:db8::1", 2525}, 3, 5s, ServerTls::verify, "a.example", "/ca"};
    expected.domains = loaded->domains;
    expect_domains(*loaded);
    expected.recipient_delimiter = "-";
    expected.verify = {"a@example.com", 1h, 1s, 2s, 3, Verify::Unreachable::defer, false};
    expected.filter = {
        "http://[::1]:80", Filter::OnFailure::defer, Filter::OnReject::tag, 4s, 1ull << 20};
    expected.limits = {
        1ull << 30,
        2ull << 20,
        60,
        200,
        9,
        5,
        6,
        1,
        2,
        3,
        {*Network::parse("192.0.2.0/24")},
        50,
        7,
        8};
    expected.timeouts = {1s, 2s, 3s, 4s, 5s, 6s, 7};
    expected.early_talkers = EarlyTalkers::log;
    expected.greeting_delay = 1s;
    expected.bare_newlines = BareNewlines::reject;
    expected.retry.schedule = {1s, 2min};
    expected.storage.disk_reserve = DiskReserve::of_percent(7);
    expected.control = {"/tmp/c.sock", Endpoint{"::1", 8025}, "/etc/t"};
    expected.log.level = LogLevel::trace;
    expected.drain_timeout = 2min;
    expected.threads = 3;
    EXPECT_EQ(*loaded, expected);
}

constexpr Mistake mistakes[] = {
    // Missing and unknown
    {"hostname: hold.example.net",
     "",
     "f:2:1: hostname: is missing; allowed: a full name, such as hold.example.net"},
    {"data_dir: /var/lib/siding",
     "datadir: /var/lib/siding",
     "f:1:1: data_dir: is missing; allowed: an absolute path\n"
     "f:2:1: datadir: unknown key; did you mean 'data_dir'?"},
    {"limits: {}",
     "message_size: 1MiB",
     "f:8:1: message_size: unknown key here; did you mean 'limits.message_size'?"},
    {"limits: {}",
     "limits: { zzzzzz: 1 }",
     "f:8:11: limits.zzzzzz: unknown key; allowed: message_size, header_size, received, "
     "recipients, commands, connections, connections_per_client, connection_rate, message_rate, "
     "recipient_rate, exempt, stress, soft_errors, hard_errors"},
    {"limits: {}",
     "limits: 7",
     "f:8:9: limits: keys are expected here; allowed: message_size, header_size, received, "
     "recipients, commands, connections, connections_per_client, connection_rate, message_rate, "
     "recipient_rate, exempt, stress, soft_errors, hard_errors"},
    {"limits: {}",
     "hostname: other.example.net",
     "f:8:1: hostname: stands here a second time; write it once"},
    {"  example.com: { phase: hold }",
     "  example.com: {}\n  example.com: {}",
     "f:8:3: domains.example.com: stands here a second time; write it once"},
    {"  example.com: { phase: hold }",
     "  example.com: {}\n  EXAMPLE.com: {}",
     "f:8:3: domains.EXAMPLE.com: is the same domain as one above; write it once"},
    // Values
    {"hostname: hold.example.net",
     "hostname: hold",
     "f:1:11: hostname: 'hold' is not accepted; allowed: a full name, such as hold.example.net"},
    {"hostname: hold.example.net",
     "hostname: 192.0.2.1",
     "f:1:11: hostname: '192.0.2.1' is not accepted; allowed: a full name, such as "
     "hold.example.net"},
    {"hostname: hold.example.net",
     "hostname: [a.example]",
     "f:1:11: hostname: must be a single value; allowed: a full name, such as hold.example.net"},
    {"data_dir: /var/lib/siding",
     "data_dir: queue",
     "f:2:11: data_dir: 'queue' is not accepted; allowed: an absolute path"},
    {"limits: {}",
     "limits: { message_size: 50 }",
     "f:8:25: limits.message_size: '50' is not accepted; allowed: a size from 64KiB to 4GiB"},
    {"limits: {}",
     "limits: { recipients: 99 }",
     "f:8:23: limits.recipients: '99' is not accepted; allowed: a number from 100 to 100000"},
    {"limits: {}",
     "drain_timeout: 1ms",
     "f:8:16: drain_timeout: '1ms' is not accepted; allowed: a duration from 1s to 10m"},
    {"limits: {}",
     "bare_newlines: fix",
     "f:8:16: bare_newlines: 'fix' is not accepted; allowed: normalize or reject"},
    {"limits: {}",
     "retry: { schedule: [] }",
     "f:8:20: retry.schedule: needs at least one entry; allowed: a list of durations, each from "
     "1s to 1d"},
    {"limits: {}",
     "retry: { schedule: [1m, soon] }",
     "f:8:25: retry.schedule: 'soon' is not accepted; allowed: a list of durations, each from 1s "
     "to 1d"},
    {"limits: {}",
     "threads: many",
     "f:8:10: threads: 'many' is not accepted; allowed: auto, or a number from 1 to 256"},
    {"limits: {}",
     "storage: { disk_reserve: 2GB }",
     "f:8:26: storage.disk_reserve: '2GB' is not accepted; allowed: auto, a size such as 2GiB, "
     "or a percentage such as 5%"},
    {"limits: {}",
     "log: { level: loud }",
     "f:8:15: log.level: 'loud' is not accepted; allowed: trace, debug, info, warn or error"},
    {"  example.com: { phase: hold }",
     "  example.com: { imap: {} }",
     "f:7:18: domains.example.com.imap: unknown key; allowed: phase, recipients, rewrite, copy, "
     "waves, mx, stragglers"},
    {"  example.com: { phase: hold }",
     "  example.com: { waves: {} }",
     "f:7:25: domains.example.com.waves: needs at least one entry; allowed: names, each with keys "
     "below it"},
    // Names and addresses
    {"  example.com: { phase: hold }",
     "  exa mple.com: { phase: hold }",
     "f:7:3: domains.exa mple.com: 'exa mple.com' is not a domain; write example.com, or xn--… for "
     "other scripts"},
    {"  example.com: { phase: hold }",
     "  example.com: { phase: holding }",
     "f:7:25: domains.example.com.phase: 'holding' is not accepted; allowed: prep, pass_old, hold, "
     "release, pass_new or retired"},
    {"  example.com: { phase: hold }",
     "  example.com: { phase: pass_old }",
     "f:7:25: domains.example.com.phase: pass_old sends to the server 'old', which is missing "
     "under servers"},
    {"  example.com: { phase: hold }",
     "  {}",
     "f:7:3: domains: needs at least one entry; allowed: names, each with keys below it"},
    {"listeners: [{ address: \"[::]:25\" }]",
     "listeners: [{ address: \"localhost:25\" }]",
     "f:3:24: listeners[0].address: 'localhost:25' is a name; a listener is an IP address and "
     "port, such as [::]:25, 0.0.0.0:25 or 127.0.0.1:2525"},
    {"listeners: [{ address: \"[::]:25\" }]",
     "listeners: [{ address: \"[::]:25\" }, { address: \"[0::0]:25\" }]",
     "f:3:48: listeners[1].address: [::]:25 is already in the list; write it once"},
    {"listeners: [{ address: \"[::]:25\" }]",
     "listeners: []",
     "f:3:12: listeners: needs at least one entry; allowed: a list of entries with keys"},
    {"  new: { address: \"new.example\" }",
     "  new: {}",
     "f:5:8: servers.new.address: is missing; allowed: host:port"},
    {"  new: { address: \"new.example\" }",
     "  new: { address: \"2001:db8::1\" }",
     "f:5:19: servers.new.address: '2001:db8::1' has more than one colon (IPv6 addresses stand in "
     "brackets); write host:port, such as mail.example:25, 192.0.2.1:25 or [2001:db8::1]:25"},
    {"  new: { address: \"new.example\" }",
     "  Neu!: { address: \"new.example\" }",
     "f:5:9: servers.Neu!: is no name for a server; allowed: up to 32 of a-z, 0-9, - and _"},
    {"  new: { address: \"new.example\" }",
     "  new: { address: \"[::]:25\" }",
     "f:5:19: servers.new.address: is one of our own listeners; mail would go round in circles"},
    // Control
    {"control: {}",
     "control: { http: \"0.0.0.0:8025\" }",
     "f:9:18: control.http: '0.0.0.0:8025' can be reached from outside; allowed: a loopback "
     "address, such as 127.0.0.1:8025 or [::1]:8025"},
    {"control: {}",
     "control: { token_file: /etc/token }",
     "f:9:24: control.token_file: is for control.http, which is missing"},
    {"limits: {}",
     "limits: { soft_errors: 5, hard_errors: 4 }",
     "f:8:40: limits.hard_errors: must be at least limits.soft_errors (5), which come first"},
    // YAML itself
    {"limits: {}", "limits: { message_size: 1MiB", "f:9:8: YAML syntax: end of map flow not found"},
    {"limits: {}", "limits: *defaults", "f:8:9: YAML syntax: the referenced anchor is not defined"},
    {"limits: {}",
     "limits: &l {}\nlog: *l",
     "f:9:6: aliases are not read here; write the value out"},
    {"limits: {}", "? [a, b]\n: c", "f:8:3: a key must be a word"},
    {"control: {}", "---\nmore: 1", "f:10:1: a second document starts here; only one is read"},
};

TEST(Load, EachMistakeIsTold) {
    expect_told(mistakes);
}

TEST(Load, TheGoodFileIsGood) {
    const auto loaded = load_text(good_file, "f");
    EXPECT_TRUE(loaded) << loaded.error().text();
}

TEST(Load, AllMistakesAtOnceByPlace) {
    const auto loaded = load_text(
        "hostnme: a.example\ndata_dir: x\nlisteners: [{address: y}]\n"
        "servers: {old: {address: 'z:0', connections: 0}}\ndomains: {b c: {phase: d}}\n",
        "f"
    );
    ASSERT_FALSE(loaded);
    std::string lines;
    for (const ConfigError& error : loaded.error().list) {
        lines += std::to_string(error.place.line) + " " + error.key + "\n";
    }
    EXPECT_EQ(
        lines,
        "1 hostnme\n1 hostname\n2 data_dir\n3 listeners[0].address\n4 servers.old.address\n"
        "4 servers.old.connections\n5 domains.b c\n5 domains.b c.phase\n"
    );
}

TEST(Load, AnEmptyFileLacksWhatIsRequired) {
    for (const char* text : {"", "# only a comment\n", "---\n", "~"}) {
        const auto loaded = load_text(text, "f");
        ASSERT_FALSE(loaded) << text;
        EXPECT_EQ(loaded.error().list.size(), 5U) << loaded.error().text();
    }
}

TEST(Load, NestingHasABound) {
    EXPECT_FALSE(load_text(std::string(100'000, '['), "f"));
    EXPECT_FALSE(load_text("a: " + std::string(100'000, '{'), "f"));
}

TEST(Load, ForeignOctetsAreShownEscaped) {
    const auto loaded = load_text("hostname: \"a\\e[2Jb\"\n", "f");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().text().find('\x1b'), std::string::npos);
}

TEST(Load, AFileThatCannotBeReadIsAnError) {
    const auto missing = load_file("/nonexistent/siding.yaml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(
        missing.error().text(),
        "/nonexistent/siding.yaml: cannot be read: No such file or directory\n"
    );
    const auto directory = load_file(std::filesystem::temp_directory_path());
    ASSERT_FALSE(directory);
    EXPECT_NE(directory.error().text().find("cannot be read"), std::string::npos);
}

// The shape that people are shown.
TEST(Load, AWholeCutoverInAFewLines) {
    const auto loaded = load_text(
        R"(hostname: hold.example.net
data_dir: /var/lib/siding
listeners:
  - address: "[::]:25"
tls: { certificate: /etc/siding/cert.pem, key: /etc/siding/key.pem }
limits: { message_size: 50MiB, recipients: 1000, connections: 10000 }
servers:
  old: { address: "mail.old.example:25", tls: opportunistic }
  new: { address: "[2001:db8::1]:25", tls: verify }
domains:
  example.com:
    phase: pass_old
    recipients: { file: recipients.txt }
control: { socket: /run/siding/control.sock, http: "127.0.0.1:8025" }
)",
        "/etc/siding/siding.yaml"
    );
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(loaded->listeners.at(0).tls, ListenerTls::starttls);
    const auto& domain = loaded->domains.at(*Domain::parse("example.com"));
    EXPECT_EQ(domain.recipients.files.at(0).path, "/etc/siding/recipients.txt");
}

TEST(Load, TheExampleFileLoads) {
    const auto loaded = load_file("config/siding.example.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
}

}  // namespace
}  // namespace siding::config
