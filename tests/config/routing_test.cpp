#include "config/settings.hpp"
#include "tests/config/mistakes.hpp"

namespace siding::config {
namespace {

constexpr const char* server = "  new: { address: \"new.example\" }";
constexpr const char* domain = "  example.com: { phase: hold }";

Config load_good(const std::string& text) {
    auto loaded = load_text(text, "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

DomainSettings domain_of(const std::string& keys) {
    const Config config = load_good(with_line(domain, "  example.com: { " + keys + " }"));
    EXPECT_EQ(config.domains.size(), 1U);
    return config.domains.begin()->second;
}

TEST(Routing, WithoutSourcesAnyRecipientExists) {
    EXPECT_TRUE(domain_of("phase: hold").recipients.any);
    EXPECT_TRUE(domain_of("recipients: any").recipients.any);
    EXPECT_TRUE(DomainSettings{}.recipients.any);
    EXPECT_FALSE(Recipients{}.any);
}

TEST(Routing, OneFileOrSeveral) {
    const Recipients one = domain_of("recipients: { file: r.txt }").recipients;
    EXPECT_FALSE(one.any);
    ASSERT_EQ(one.files.size(), 1U);
    EXPECT_EQ(one.files[0].path, "/etc/siding/r.txt");
    EXPECT_EQ(one.files[0].format, RecipientMapFormat::list);
    const Recipients two = domain_of("recipients: { file: [r.txt, /srv/s.txt] }").recipients;
    ASSERT_EQ(two.files.size(), 2U);
    EXPECT_EQ(two.files[1].path, "/srv/s.txt");
}

TEST(Routing, SourcesAddUp) {
    const DomainSettings settings = domain_of(
        "rewrite: map, recipients: { verify: new, file: r, import: [{ file: v, format: virtual }, "
        "{ file: a, format: aliases }, { file: p, format: relay_recipients }, { file: l, format: "
        "list }, { file: c.csv, format: csv, column: 2 }] }"
    );
    using enum RecipientMapFormat;
    const Recipients expected{
        .any = false,
        .files =
            {{"/etc/siding/r", list, ""},
             {"/etc/siding/v", virtual_map, ""},
             {"/etc/siding/a", aliases, ""},
             {"/etc/siding/p", relay_recipients, ""},
             {"/etc/siding/l", list, ""},
             {"/etc/siding/c.csv", csv, "2"}},
        .verify = {"new"}};
    EXPECT_EQ(settings.recipients, expected);
    EXPECT_EQ(settings.rewrite, "/etc/siding/map");
}

TEST(Routing, ServersSpeakTlsAsTheyAreTold) {
    const auto tls_of = [](const std::string& keys) {
        const std::string line = "  new: { address: new.example, " + keys + " }";
        return load_good(with_line(server, line)).servers.at("new").tls;
    };
    EXPECT_EQ(tls_of(""), ServerTls::opportunistic);
    EXPECT_EQ(tls_of("tls: off"), ServerTls::off);
    EXPECT_EQ(tls_of("tls: opportunistic"), ServerTls::opportunistic);
    EXPECT_EQ(tls_of("tls: required"), ServerTls::required);
    EXPECT_EQ(tls_of("tls: verify, ca_file: ca.pem, tls_name: MX.example"), ServerTls::verify);
}

TEST(Routing, TheProbeSenderIsOurs) {
    const auto sender_of = [](const std::string& line) {
        return load_good(with_line("limits: {}", line)).verify.sender;
    };
    EXPECT_EQ(sender_of("limits: {}"), "double-bounce@hold.example.net");
    EXPECT_EQ(sender_of("verify: {}"), "double-bounce@hold.example.net");
    EXPECT_EQ(sender_of("verify: { sender: probe@example.com }"), "probe@example.com");
    EXPECT_EQ(sender_of("verify: { sender: <> }"), "");
    const Config null = load_good(with_line("limits: {}", "verify: { sender: <> }"));
    EXPECT_EQ(settings_of(null).at("verify.sender").value, "<>");
}

TEST(Routing, TheDelimiterMayBeOffAndTheFilterUrlIsCanonical) {
    const Config config = load_good(with_line(
        "limits: {}", "recipient_delimiter: \"\"\nfilter: { rspamd: \"http://LocalHost:11333/\" }"
    ));
    EXPECT_EQ(config.recipient_delimiter, "");
    EXPECT_EQ(config.filter.rspamd, "http://localhost:11333");
    EXPECT_EQ(*parse_http_url(*config.filter.rspamd), (Endpoint{"localhost", 11333}));
}

constexpr Mistake mistakes[] = {
    // Servers
    {server,
     "  new: { address: new.example, tls: always }",
     "f:5:37: servers.new.tls: 'always' is not accepted; allowed: off, opportunistic, required, "
     "verify, fingerprint or dane"},
    {server,
     "  new: { address: new.example, tls_name: mx }",
     "f:5:42: servers.new.tls_name: 'mx' is not accepted; allowed: a full name, such as "
     "hold.example.net"},
    {server,
     "  new: { address: new.example, ca_file: ca.pem }",
     "f:5:41: servers.new.ca_file: is for tls: verify; nothing else looks at it"},
    // Recipients
    {domain,
     "  example.com: { recipients: some }",
     "f:7:30: domains.example.com.recipients: 'some' is not accepted; allowed: any, or keys below "
     "it"},
    {domain,
     "  example.com: { recipients: {} }",
     "f:7:30: domains.example.com.recipients: has no source; allowed: any, or at least one of "
     "file, import, verify"},
    {domain,
     "  example.com:\n    recipients:",
     "f:8:5: domains.example.com.recipients: has no source; allowed: any, or at least one of "
     "file, import, verify"},
    {domain,
     "  example.com: { recipients: [any] }",
     "f:7:30: domains.example.com.recipients: keys are expected here; allowed: file, import, "
     "verify"},
    {domain,
     "  example.com: { recipients: { files: r.txt } }",
     "f:7:32: domains.example.com.recipients.files: unknown key; did you mean 'file'?"},
    {domain,
     "  example.com: { recipients: { file: [] } }",
     "f:7:38: domains.example.com.recipients.file: needs at least one entry; allowed: a path, or a "
     "list of them"},
    {domain,
     "  example.com: { recipients: { file: [r, r] } }",
     "f:7:42: domains.example.com.recipients.file: 'r' stands here a second time; write it once"},
    {domain,
     "  example.com: { recipients: { verify: [new, nwe] } }",
     "f:7:46: domains.example.com.recipients.verify: 'nwe' is none of the servers; there are: "
     "new"},
    {domain,
     "  example.com: { recipients: { import: [{ file: c, format: csv }] } }",
     "f:7:41: domains.example.com.recipients.import[0].column: is missing; csv needs the name or "
     "the number of the column with addresses"},
    {domain,
     "  example.com: { recipients: { import: [{ file: c, format: virtual, column: 1 }] } }",
     "f:7:77: domains.example.com.recipients.import[0].column: is for format: csv; take it out"},
    {domain,
     "  example.com: { recipients: { import: [{ file: c, format: regexp, column: 1 }] } }",
     "f:7:60: domains.example.com.recipients.import[0].format: 'regexp' is not accepted; allowed: "
     "list, virtual, aliases, relay_recipients or csv"},
    {domain,
     "  example.com: { recipients: { import: [{ file: c }] } }",
     "f:7:41: domains.example.com.recipients.import[0].format: is missing; allowed: list, virtual, "
     "aliases, relay_recipients or csv"},
    {domain,
     "  example.com: { rewrite: [a, b] }",
     "f:7:27: domains.example.com.rewrite: must be a single value; allowed: a path"},
    {"limits: {}",
     "recipient_delimiter: \"+-\"",
     "f:8:22: recipient_delimiter: '+-' is not accepted; allowed: one of +-=_#.!~, or \"\" for "
     "none"},
    {"limits: {}",
     "recipient_delimiter: x",
     "f:8:22: recipient_delimiter: 'x' is not accepted; allowed: one of +-=_#.!~, or \"\" for "
     "none"},
    // Verification
    {"limits: {}",
     "verify: { sender: nobody }",
     "f:8:19: verify.sender: 'nobody' is not accepted; allowed: an address, or <>"},
    {"limits: {}",
     "verify: { sender: \"a b@example.com\" }",
     "f:8:19: verify.sender: 'a b@example.com' is not accepted; allowed: an address, or <>"},
    {"limits: {}",
     "verify: { negative_ttl: 6m }",
     "f:8:25: verify.negative_ttl: '6m' is not accepted; allowed: a duration from 1s to 5m"},
    {"limits: {}",
     "verify: { positive_ttl: 32d }",
     "f:8:25: verify.positive_ttl: '32d' is not accepted; allowed: a duration from 1h to 31d"},
    {"limits: {}",
     "verify: { when_unreachable: accept }",
     "f:8:29: verify.when_unreachable: 'accept' is not accepted; allowed: last_known or defer"},
    // Filter
    {"limits: {}",
     "filter: { rspamd: \"127.0.0.1:11333\" }",
     "f:8:19: filter.rspamd: '127.0.0.1:11333' is no URL here; write http://host:port"},
    {"limits: {}",
     "filter: { rspamd: \"http://127.0.0.1\" }",
     "f:8:19: filter.rspamd: '127.0.0.1' has no port; write host:port, such as mail.example:25, "
     "192.0.2.1:25 or [2001:db8::1]:25"},
    {"limits: {}",
     "filter: { on_failure: reject }",
     "f:8:23: filter.on_failure: 'reject' is not accepted; allowed: accept or defer"},
    {"limits: {}",
     "filter: { on_reject: drop }",
     "f:8:22: filter.on_reject: 'drop' is not accepted; allowed: reject or tag"},
};

TEST(Routing, EachMistakeIsTold) {
    expect_told(mistakes);
}

}  // namespace
}  // namespace siding::config
