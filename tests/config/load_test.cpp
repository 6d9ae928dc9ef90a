#include "config/load.hpp"

#include "config/reference.hpp"

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

TEST(Load, EveryKeyArrives) {
    const auto loaded = load_text(
        R"(hostname: Hold.Example.NET
data_dir: /srv/s
listeners:
  - { address: "127.0.0.1:0", tls: off }
  - { address: "127.0.0.1:0" }
servers:
  new: { address: "[2001:db8::1]:2525", connections: 3, tls: off, connect_timeout: 5s }
domains:
  Example.COM: { phase: release, recipients: any }
  example.org:
limits: { message_size: 1GiB, recipients: 200, connections: 5, connections_per_client: 6,
          soft_errors: 7, hard_errors: 8 }
bare_newlines: reject
retry: { schedule: [1s, 2m] }
storage: { disk_reserve: 7% }
control: { socket: /tmp/c.sock, http: "[::1]:8025", token_file: /etc/t }
log: { level: trace }
drain_timeout: 2m
threads: 3
)",
        "siding.yaml"
    );
    ASSERT_TRUE(loaded) << loaded.error().text();
    Config expected;
    expected.hostname = "hold.example.net";
    expected.data_dir = "/srv/s";
    expected.listeners = {{{"127.0.0.1", 0}}, {{"127.0.0.1", 0}}};
    expected.servers["new"] = {{"2001:db8::1", 2525}, 3, 5s};
    expected.domains.emplace(*Domain::parse("example.com"), DomainSettings{Phase::release, {}});
    expected.domains.emplace(*Domain::parse("example.org"), DomainSettings{});
    expected.limits = {1ull << 30, 200, 5, 6, 7, 8};
    expected.bare_newlines = BareNewlines::reject;
    expected.retry.schedule = {1s, 2min};
    expected.storage.disk_reserve = DiskReserve::of_percent(7);
    expected.control = {"/tmp/c.sock", Endpoint{"::1", 8025}, "/etc/t"};
    expected.log.level = LogLevel::trace;
    expected.drain_timeout = 2min;
    expected.threads = 3;
    EXPECT_EQ(*loaded, expected);
}

// A whole file with one line in place of another: the error it must give, and no second one.
struct Row {
    const char* line;  // of good_file below
    const char* instead;
    const char* error;  // complete
};

constexpr const char* good_file = R"(hostname: hold.example.net
data_dir: /var/lib/siding
listeners: [{ address: "[::]:25" }]
servers:
  new: { address: "new.example" }
domains:
  example.com: { phase: hold }
limits: {}
control: {}
)";

constexpr Row rows[] = {
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
     "f:8:11: limits.zzzzzz: unknown key; allowed: message_size, recipients, connections, "
     "connections_per_client, soft_errors, hard_errors"},
    {"limits: {}",
     "limits: 7",
     "f:8:9: limits: keys are expected here; allowed: message_size, recipients, connections, "
     "connections_per_client, soft_errors, hard_errors"},
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
    // Not in this version
    {"listeners: [{ address: \"[::]:25\" }]",
     "listeners: [{ address: \"[::]:25\", tls: starttls }]",
     "f:3:40: listeners[0].tls: TLS listeners are not in this version: 'starttls' is not "
     "accepted; allowed: off"},
    {"  new: { address: \"new.example\" }",
     "  new: { address: new.example, tls: verify }",
     "f:5:37: servers.new.tls: TLS to servers is not in this version: 'verify' is not accepted; "
     "allowed: off"},
    {"  example.com: { phase: hold }",
     "  example.com: { recipients: { file: r.txt } }",
     "f:7:30: domains.example.com.recipients: recipient files and verification are not in this "
     "version; allowed: any"},
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
    for (const Row& row : rows) {
        std::string text = good_file;
        const auto at = text.find(row.line);
        ASSERT_NE(at, std::string::npos) << row.line;
        text.replace(at, std::string_view{row.line}.size(), row.instead);
        const auto loaded = load_text(text, "f");
        ASSERT_FALSE(loaded) << row.instead;
        EXPECT_EQ(loaded.error().text(), std::string{row.error} + "\n") << row.instead;
    }
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

TEST(Load, TheExampleFileLoads) {
    const auto loaded = load_file("config/siding.example.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
}

}  // namespace
}  // namespace siding::config
