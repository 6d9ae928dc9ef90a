#include "config/settings.hpp"
#include "tests/config/mistakes.hpp"

namespace siding::config {
namespace {

constexpr const char* listeners = "listeners: [{ address: \"[::]:25\" }]";
constexpr const char* certificate = "tls: { certificate: c.pem, key: k.pem }\n";

Config load_good(const std::string& text) {
    auto loaded = load_text(text, "/etc/siding/siding.yaml");
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? *loaded : Config{};
}

TEST(Listening, StarttlsIsOfferedWhereThereIsACertificate) {
    const auto tls_of = [](const std::string& lines) {
        return load_good(with_line("limits: {}", lines)).listeners.at(0).tls;
    };
    EXPECT_EQ(tls_of("limits: {}"), ListenerTls::off);
    EXPECT_EQ(tls_of("tls: { minimum: \"1.3\" }"), ListenerTls::off);
    EXPECT_EQ(tls_of(certificate), ListenerTls::starttls);
    EXPECT_EQ(
        tls_of("tls: { names: { MX2.example.com: { certificate: c, key: k } } }"),
        ListenerTls::starttls
    );
}

TEST(Listening, ImplicitTlsMayLeaveStarttlsAmongTheExtensions) {
    const Config config = load_good(
        with_line(
            listeners, "listeners: [{ address: \"[::]:465\", tls: implicit, tls_required: true }]\n"
        ) +
        certificate
    );
    EXPECT_EQ(config.listeners.at(0).tls, ListenerTls::implicit);
    EXPECT_EQ(config.extensions, all_extensions());
}

TEST(Listening, RelativePathsStartBesideTheFile) {
    const Config config = load_good(with_line(
        "limits: {}",
        "tls: { certificate: ../ssl/c.pem, key: /k.pem, names: { A.example: "
        "{ certificate: a/./c, key: k } } }"
    ));
    ASSERT_TRUE(config.tls.identity);
    EXPECT_EQ(config.tls.identity->certificate, "/etc/ssl/c.pem");
    EXPECT_EQ(config.tls.identity->key, "/k.pem");
    EXPECT_EQ(config.tls.names.at("a.example").certificate, "/etc/siding/a/c");
    const Config any = load_good(
        with_line("limits: {}", "tls: { names: { \"*.Example.org\": { certificate: c, key: k } } }")
    );
    EXPECT_TRUE(any.tls.names.contains("*.example.org"));
}

TEST(Listening, ExtensionsMayBeNone) {
    const Config config = load_good(
        with_line(
            listeners,
            "listeners: [{ address: \"[::]:25\", extensions: [] }, "
            "{ address: \"[::]:26\", extensions: SIZE }, { address: \"[::]:27\" }]"
        ) +
        "extensions: []\n"
    );
    EXPECT_TRUE(config.extensions.empty());
    using Words = std::vector<std::string>;
    EXPECT_EQ(config.listeners.at(0).extensions, Words{});
    EXPECT_EQ(config.listeners.at(1).extensions, Words{"SIZE"});
    EXPECT_EQ(config.listeners.at(2).extensions, std::nullopt);
}

TEST(Listening, TrustedPeers) {
    const Config config = load_good(with_line(
        listeners,
        "listeners: [{ address: \"[::]:25\", proxy_protocol: { networks: 10.0.0.0/8 }, xclient: "
        "{ networks: [192.0.2.1, \"2001:db8::/32\"], required: true } }, { address: \"[::]:26\" }]"
    ));
    const Listener& listener = config.listeners.at(0);
    EXPECT_TRUE(contains(listener.proxy_protocol.networks, "10.9.9.9"));
    EXPECT_TRUE(listener.proxy_protocol.required);  // the protocol forbids guessing
    EXPECT_TRUE(contains(listener.xclient.networks, "2001:db8::7"));
    EXPECT_TRUE(listener.xclient.required);
    EXPECT_TRUE(config.listeners.at(1).proxy_protocol.networks.empty());
    EXPECT_FALSE(config.listeners.at(1).xclient.required);
    EXPECT_EQ(
        settings_of(config).at("listeners").value,
        "[::]:25 (proxy_protocol required from [10.0.0.0/8], xclient required from [192.0.2.1, "
        "2001:db8::/32]), [::]:26"
    );
}

constexpr Mistake mistakes[] = {
    // Listeners and TLS
    {listeners,
     "listeners: [{ address: \"[::]:25\", tls: starttls }]",
     "f:3:40: listeners[0].tls: needs a certificate; set tls.certificate and tls.key"},
    {listeners,
     "listeners: [{ address: \"[::]:465\", tls: implicit }]",
     "f:3:41: listeners[0].tls: needs a certificate; set tls.certificate and tls.key"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", tls: \"on\" }]",
     "f:3:40: listeners[0].tls: 'on' is not accepted; allowed: off, starttls or implicit"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", tls_required: true }]",
     "f:3:49: listeners[0].tls_required: is for a listener with TLS; set tls.certificate and "
     "tls.key"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", tls: off, client_certificates: true }]",
     "f:3:66: listeners[0].client_certificates: is for a listener with TLS; set its tls to "
     "starttls or implicit"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", tls_required: yes }]",
     "f:3:49: listeners[0].tls_required: 'yes' is not accepted; allowed: true or false"},
    {listeners,
     "tls: { certificate: c, key: k }\nextensions: [SIZE]\n"
     "listeners: [{ address: \"[::]:25\", tls_required: true }]",
     "f:5:49: listeners[0].tls_required: lets nobody in, because STARTTLS is not among the "
     "extensions; add it there"},
    {listeners,
     "listeners: [{ address: \"0.0.0.0:25\" }, { address: \"192.0.2.1:25\" }]",
     "f:3:51: listeners[1].address: 0.0.0.0:25 takes this address already; write one of them"},
    {listeners,
     "listeners: [{ address: \"[::1]:25\" }, { address: \"0.0.0.0:25\" }, { address: \"[::]:25\" "
     "}]",
     "f:3:24: listeners[0].address: [::]:25 takes this address already; write one of them"},
    // Certificates
    {"limits: {}",
     "tls: { certificate: c.pem }",
     "f:8:21: tls.certificate: needs tls.key beside it"},
    {"limits: {}", "tls: { key: k.pem }", "f:8:13: tls.key: needs tls.certificate beside it"},
    {"limits: {}",
     "tls: { certificate: \"\", key: k }",
     "f:8:21: tls.certificate: '' is not accepted; allowed: a path"},
    {"limits: {}",
     "tls: { minimum: \"1.1\" }",
     "f:8:17: tls.minimum: '1.1' is not accepted; allowed: 1.2 or 1.3"},
    {"limits: {}",
     "tls: { names: { mx2.example.com: { certificate: c } } }",
     "f:8:34: tls.names.mx2.example.com.key: is missing; allowed: a path"},
    {"limits: {}",
     "tls: { names: { \"*.com\": { certificate: c, key: k } } }",
     "f:8:17: tls.names.*.com: '*.com' is for a whole top-level domain; write at least "
     "*.example.com"},
    {"limits: {}",
     "tls: { names: { \"mx*.example.com\": { certificate: c, key: k } } }",
     "f:8:17: tls.names.mx*.example.com: 'mx*.example.com' is not a domain; write example.com, or "
     "xn--… for other scripts"},
    {"limits: {}",
     "tls: { names: { a.example: { certificate: c, key: k }, A.example: { certificate: c, key: k "
     "} } }",
     "f:8:56: tls.names.A.example: is the same name as one above; write it once"},
    {"limits: {}",
     "tls: { names: {} }",
     "f:8:15: tls.names: needs at least one entry; allowed: names, each with keys below it"},
    // Trusted peers
    {listeners,
     "listeners: [{ address: \"[::]:25\", proxy_protocol: { required: true } }]",
     "f:3:51: listeners[0].proxy_protocol.networks: is missing; allowed: a list of networks, such "
     "as 10.0.0.0/8 or 2001:db8::/32"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", xclient: { networks: [] } }]",
     "f:3:56: listeners[0].xclient.networks: needs at least one entry; allowed: a list of "
     "networks, such as 10.0.0.0/8 or 2001:db8::/32"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", xclient: { networks: [10.0.0.1/8] } }]",
     "f:3:57: listeners[0].xclient.networks: '10.0.0.1/8' has bits set behind the prefix; write "
     "10.0.0.0/8"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", xclient: true }]",
     "f:3:44: listeners[0].xclient: keys are expected here; allowed: networks, required"},
    // Extensions
    {"limits: {}",
     "extensions: [SIZE, BINARYMIME]",
     "f:8:13: extensions: BINARYMIME needs CHUNKING; add that or take BINARYMIME out"},
    {"limits: {}",
     "extensions: [SMTPUTF8]",
     "f:8:13: extensions: SMTPUTF8 needs 8BITMIME; add that or take SMTPUTF8 out"},
    {listeners,
     "listeners: [{ address: \"[::]:25\", extensions: [BINARYMIME] }]",
     "f:3:47: listeners[0].extensions: BINARYMIME needs CHUNKING; add that or take BINARYMIME "
     "out"},
    {"limits: {}",
     "extensions: [SIZE, size]",
     "f:8:20: extensions: 'size' is not accepted; allowed: a list of PIPELINING, SIZE, STARTTLS, "
     "ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8, CHUNKING, BINARYMIME, DSN, LIMITS or REQUIRETLS"},
    {"limits: {}",
     "extensions: [SIZE, SIZE]",
     "f:8:20: extensions: 'SIZE' stands here a second time; write it once"},
    {"limits: {}",
     "extensions:",
     "f:8:1: extensions: needs at least one entry, or [] for none; allowed: a list of "
     "PIPELINING, SIZE, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8, CHUNKING, BINARYMIME, "
     "DSN, LIMITS or REQUIRETLS"},
};

TEST(Listening, EachMistakeIsTold) {
    expect_told(mistakes);
}

}  // namespace
}  // namespace siding::config
