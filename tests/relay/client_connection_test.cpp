// TLS to a server, with real handshakes, and what goes wrong on the way to one.
#include "relay/client_connection.hpp"

#include "net/tls.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/test_certificates.hpp"

namespace siding::relay {
namespace {

using config::ServerTls;
using test::Script;

class ClientConnectionTest : public RelayTest {
protected:
    ClientConnectionTest() {
        server_.address = {"127.0.0.1", peer_.port()};
        server_.tls = ServerTls::opportunistic;
    }
    ~ClientConnectionTest() override {
        connection_.reset();
        loop_.run(peer_.stop());
        EXPECT_EQ(peer_.problems(), std::vector<std::string>{});
    }

    // The peer's certificate, for mx.example.com, by an authority that `ca_` names.
    void use_certificate() {
        const auto authority = test::TestCertificate::authority();
        const std::string stem = (directory_ / "peer").string();
        const auto files = test::write_files(authority.issue({}), stem);
        ca_ = (directory_ / "ca.pem").string();
        test::write_file(ca_, authority.certificate_pem());
        net::TlsServer::Options options;
        options.identity = net::TlsIdentityFiles{files.certificate, files.key};
        options.session_context = "peer";
        auto tls = net::TlsServer::create(std::move(options));
        ASSERT_TRUE(tls) << tls.error().message();
        peer_.set_tls(*tls);
    }
    static Script hello_and_tls(const std::vector<std::string>& inside = {}) {
        Script after = test::hello(inside);
        after.erase(after.begin());  // no greeting
        return test::hello({"STARTTLS", "PIPELINING"}) + Script{{"STARTTLS", test::start_tls}} +
               after;
    }
    // Why it failed; empty when it did not.
    std::string open() {
        connection_ = std::make_unique<ClientConnection>(tls_clients_, "hold.example.net");
        const auto failure = get(connection_->open(server_));
        if (failure) {
            EXPECT_EQ(failure->kind, smtp::VerdictKind::transient);
            EXPECT_TRUE(failure->is_about_session());
        }
        EXPECT_EQ(connection_->is_usable(), !failure);
        return failure ? failure->text : "";
    }
    void close() { loop_.run(connection_->close()); }

    class Octets final : public OutgoingBody {
    public:
        net::awaitable<Result<std::string>> next() override { co_return std::string{"hi\r\n"}; }
    };
    smtp::Verdict send(const std::string& parameter) {
        smtp::Transaction transaction;
        transaction.reverse_path = "a@sender.example";
        transaction.mail_parameters = *smtp::parse_mail_parameters(parameter);
        transaction.recipients.push_back({"b@example.com", {}});
        transaction.octets = 4;
        Octets octets;
        const auto verdicts = get(connection_->send(std::move(transaction), octets));
        EXPECT_EQ(verdicts.size(), 1U);
        return verdicts.at(0);
    }

    test::ScriptedPeer peer_{loop_.executor()};
    TlsClients tls_clients_{*queue_};
    config::Server server_;
    std::string ca_;
    std::unique_ptr<ClientConnection> connection_;
};

TEST_F(ClientConnectionTest, AMessageGoesInsideTls) {
    use_certificate();
    peer_.expect(hello_and_tls() + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_TRUE(connection_->is_tls());
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
    run_until([&] { return peer_.is_done(); });
    EXPECT_EQ(peer_.messages(), std::vector<std::string>{"hi\r\n"});
    EXPECT_EQ(peer_.handshakes(), 1U);
    EXPECT_EQ(peer_.lines()[0], "EHLO hold.example.net");
    EXPECT_EQ(peer_.lines()[2], "EHLO hold.example.net") << "asked again inside";
    EXPECT_TRUE(connection_->tls().starts_with("TLSv1.3 TLS_")) << connection_->tls();
    EXPECT_TRUE(connection_->tls().ends_with(" unverified")) << connection_->tls();
}

TEST_F(ClientConnectionTest, OffMeansOff) {
    server_.tls = ServerTls::off;
    peer_.expect(test::hello({"STARTTLS"}) + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(connection_->is_tls());
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
}

TEST_F(ClientConnectionTest, AVerifiedServerGetsWhatRequiresTls) {
    use_certificate();
    server_.tls = ServerTls::verify;
    server_.tls_name = "mx.example.com";
    server_.ca_file = ca_;
    peer_.expect(hello_and_tls({"REQUIRETLS"}) + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_EQ(send("REQUIRETLS").kind, smtp::VerdictKind::delivered);
    EXPECT_EQ(peer_.lines()[3], "MAIL FROM:<a@sender.example> REQUIRETLS");
    close();
}

// RFC 8689 §4.2.1: PKIX or DANE.
TEST_F(ClientConnectionTest, AFingerprintIsNotEnoughForWhatRequiresTls) {
    const auto certificate = test::TestCertificate::self_signed({});
    const auto files = test::write_files(certificate, (directory_ / "peer").string());
    net::TlsServer::Options options;
    options.identity = net::TlsIdentityFiles{files.certificate, files.key};
    options.session_context = "peer";
    peer_.set_tls(net::TlsServer::create(std::move(options)).value());
    server_.tls = ServerTls::fingerprint;
    server_.tls_fingerprints = {certificate.fingerprint()};
    peer_.expect(hello_and_tls({"REQUIRETLS"}) + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_TRUE(connection_->tls().ends_with(" fingerprint")) << connection_->tls();
    EXPECT_EQ(send("REQUIRETLS").kind, smtp::VerdictKind::permanent);
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
}

// The first address is no 127.0.0.1 by its certificate, and the second one is.
TEST_F(ClientConnectionTest, AFallbackMustBeWhoItIsCalled) {
    const auto authority = test::TestCertificate::authority();
    test::CertificateOptions names;
    names.addresses = {"127.0.0.1"};
    const auto files = test::write_files(authority.issue(names), (directory_ / "peer").string());
    net::TlsServer::Options options;
    options.identity = net::TlsIdentityFiles{files.certificate, files.key};
    options.session_context = "peer";
    peer_.set_tls(net::TlsServer::create(std::move(options)).value());
    ca_ = (directory_ / "ca.pem").string();
    test::write_file(ca_, authority.certificate_pem());
    server_.tls = ServerTls::verify;
    server_.ca_file = ca_;
    server_.fallback = {server_.address};
    server_.address.host = "localhost";
    const Script handshake = test::hello({"STARTTLS"}) + Script{{"STARTTLS", test::start_tls}};
    peer_.expect(handshake + Script{{"", test::drop}});
    peer_.expect(hello_and_tls());
    ASSERT_EQ(open(), "");
    EXPECT_EQ(peer_.connections(), 2U);
    EXPECT_EQ(connection_->peer(), server_.fallback[0].host + ":" + std::to_string(peer_.port()));
    close();
}

TEST_F(ClientConnectionTest, AnUnknownCertificateIsGoodEnoughForTheRestOnly) {
    use_certificate();
    server_.tls = ServerTls::required;
    peer_.expect(hello_and_tls({"REQUIRETLS"}) + test::takes_message());
    ASSERT_EQ(open(), "");
    const auto refused = send("REQUIRETLS");
    EXPECT_EQ(refused.kind, smtp::VerdictKind::permanent);
    EXPECT_NE(refused.text.find("not verified"), std::string::npos) << refused.text;
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
}

struct Distrust {
    const char* name;
    const char* tls_name;
    bool knows_authority;
};
class DistrustTest : public ClientConnectionTest, public testing::WithParamInterface<Distrust> {};

INSTANTIATE_TEST_SUITE_P(
    Distrusts,
    DistrustTest,
    testing::Values(
        Distrust{"AnotherName", "mx.example.org", true},
        Distrust{"AnotherAuthority", "mx.example.com", false}
    ),
    [](const auto& one) { return one.param.name; }
);

// Verify: mail waits, and nothing is said to whoever is there.
TEST_P(DistrustTest, TheSessionFailsAndIsNotTriedInTheClear) {
    use_certificate();
    server_.tls = ServerTls::verify;
    server_.tls_name = GetParam().tls_name;
    if (GetParam().knows_authority) {
        server_.ca_file = ca_;
    }
    peer_.expect(test::hello({"STARTTLS"}) + Script{{"STARTTLS", test::start_tls}});
    EXPECT_NE(open(), "");
    run_until([&] { return peer_.open() == 0; });
    EXPECT_EQ(peer_.connections(), 1U);
    EXPECT_EQ(peer_.lines().back(), "STARTTLS");
}

TEST_F(ClientConnectionTest, ACertificateFileThatIsMissingIsNamed) {
    server_.tls = ServerTls::verify;
    server_.ca_file = (directory_ / "nowhere.pem").string();
    EXPECT_NE(open().find("nowhere.pem"), std::string::npos);
    EXPECT_EQ(peer_.connections(), 0U);
}

TEST_F(ClientConnectionTest, RequiredButNotOffered) {
    server_.tls = ServerTls::required;
    peer_.expect(test::hello({"PIPELINING"}));
    EXPECT_NE(open().find("does not offer STARTTLS"), std::string::npos);
    run_until([&] { return peer_.is_done(); });
}

TEST_F(ClientConnectionTest, AFailedHandshakeIsTriedOnceWithoutTls) {
    peer_.expect(test::hello({"STARTTLS"}) + Script{{"STARTTLS", "220 go"}, {"", test::drop}});
    peer_.expect(test::hello({"STARTTLS"}) + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(connection_->is_tls());
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    EXPECT_EQ(peer_.connections(), 2U);
    close();
}

TEST_F(ClientConnectionTest, AFailedHandshakeEndsItWhereTlsIsRequired) {
    server_.tls = ServerTls::required;
    peer_.expect(test::hello({"STARTTLS"}) + Script{{"STARTTLS", "220 go"}, {"", test::drop}});
    EXPECT_NE(open(), "");
    EXPECT_EQ(peer_.connections(), 1U);
}

// CVE-2021-38371: replies that were sent in the clear would be read as if they had come inside.
TEST_F(ClientConnectionTest, OctetsBehindTheAnswerToStarttlsAreAnAttack) {
    use_certificate();
    for (const ServerTls tls : {ServerTls::opportunistic, ServerTls::required}) {
        server_.tls = tls;
        peer_.expect(
            test::hello({"STARTTLS"}) +
            Script{{"STARTTLS", "220 go\r\n250-evil.example\r\n250 SIZE 1"}, {"", test::hang}}
        );
        EXPECT_NE(open().find("an attack?"), std::string::npos);
        run_until([&] { return peer_.open() == 0; });
    }
    EXPECT_EQ(peer_.connections(), 2U) << "no second try in the clear";
    EXPECT_EQ(peer_.handshakes(), 0U);
}

TEST_F(ClientConnectionTest, AReloadOfTheTlsSettingsLeavesTheOldConnection) {
    peer_.expect(test::hello());
    ASSERT_EQ(open(), "");
    config::Server other = server_;
    EXPECT_TRUE(connection_->leads_to(other));
    other.tls = ServerTls::verify;
    EXPECT_FALSE(connection_->leads_to(other));
    close();
}

TEST_F(ClientConnectionTest, ALoginOnLoopbackNeedsNoTls) {
    server_.tls = ServerTls::off;
    const std::string file = (directory_ / "secret").string();
    test::write_file(file, "secret\nnot this\n");
    server_.auth = config::Auth{.user = "siding", .secret_file = file};
    peer_.expect(
        test::hello({"AUTH PLAIN"}) + Script{{"AUTH PLAIN AHNpZGluZwBzZWNyZXQ=", "235 2.7.0 in"}} +
        test::takes_message()
    );
    ASSERT_EQ(open(), "");
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
}

TEST_F(ClientConnectionTest, ASecretThatIsMissingIsNamed) {
    server_.auth = config::Auth{.user = "siding", .secret_file = directory_ / "nowhere"};
    EXPECT_NE(open().find("nowhere"), std::string::npos);
    EXPECT_EQ(peer_.connections(), 0U);
}

// A wrong password is not tried at the next address too.
TEST_F(ClientConnectionTest, ARefusedLoginEndsIt) {
    server_.tls = ServerTls::off;
    const std::string file = (directory_ / "secret").string();
    test::write_file(file, "secret");
    server_.auth = config::Auth{.user = "siding", .secret_file = file};
    server_.fallback = {server_.address};
    peer_.expect(test::hello({"AUTH PLAIN"}) + Script{{"AUTH PLAIN ", "535 5.7.8 no"}});
    EXPECT_EQ(open(), "535 5.7.8 no");
    run_until([&] { return peer_.is_done(); });
    EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(ClientConnectionTest, AnAddressThatFailsIsFollowedByTheNext) {
    server_.tls = ServerTls::off;
    server_.fallback = {server_.address};
    peer_.expect({{"", "421 4.3.2 not here"}});
    peer_.expect(test::hello() + test::takes_message());
    ASSERT_EQ(open(), "");
    EXPECT_EQ(peer_.connections(), 2U);
    EXPECT_EQ(send("").kind, smtp::VerdictKind::delivered);
    close();
}

TEST_F(ClientConnectionTest, CandidatesAreTriedInTheirOrder) {
    server_.tls = ServerTls::off;
    server_.address = {"nowhere.invalid", 25};
    Candidate candidate;
    candidate.address = {net::Family::ipv4, "127.0.0.1", peer_.port()};
    peer_.expect({{"", "554 5.7.1 go away"}});
    peer_.expect(test::hello());
    connection_ = std::make_unique<ClientConnection>(tls_clients_, "hold.example.net");
    const std::vector<Candidate> candidates{candidate, candidate, candidate};
    EXPECT_FALSE(get(connection_->open(server_, candidates)));
    EXPECT_EQ(peer_.connections(), 2U);
    EXPECT_EQ(connection_->greeting(), "220 peer.example ESMTP");
    EXPECT_EQ(connection_->server_name(), "peer.example");
    close();
}

TEST_F(ClientConnectionTest, ProxySaysWhoTheClientIs) {
    server_.tls = ServerTls::off;
    server_.proxy_protocol = true;
    Candidate candidate;
    candidate.address = {net::Family::ipv4, "127.0.0.1", peer_.port()};
    peer_.expect({{"\r", "220 peer.example ESMTP"}, {"", test::drop}});
    connection_ = std::make_unique<ClientConnection>(tls_clients_, "hold.example.net");
    const std::vector<Candidate> candidates{candidate};
    std::optional<net::Endpoint> client{{net::Family::ipv4, "192.0.2.7", 0}};
    EXPECT_TRUE(get(connection_->open(server_, candidates, client)));
    EXPECT_TRUE(connection_->speaks_for(client));
    client->port = 4711;
    EXPECT_TRUE(connection_->speaks_for(client)) << "the same client";
    client->address = "192.0.2.8";
    EXPECT_FALSE(connection_->speaks_for(client));
    EXPECT_FALSE(connection_->speaks_for(std::nullopt));
}

}  // namespace
}  // namespace siding::relay
