#include "cutover/smtp_probe.hpp"

#include "net/certificate.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

namespace siding::cutover {
namespace {

using Reach = SmtpView::Reach;

class SmtpProbeTest : public testing::Test {
protected:
    ~SmtpProbeTest() override { loop_.run(peer_.stop()); }

    net::Endpoint address() const { return {net::Family::ipv4, "127.0.0.1", peer_.port()}; }

    SmtpView look(SmtpProbeOptions options = {}) {
        SmtpView view;
        options.hello = "doctor.example";
        options.timeout = std::chrono::seconds{5};
        loop_.run(look_into(view, address(), options));
        return view;
    }
    static net::awaitable<void> look_into(
        SmtpView& view, net::Endpoint address, SmtpProbeOptions options
    ) {
        view = co_await look_at_smtp(std::move(address), std::move(options));
    }

    net::RunLoop loop_;
    test::ScriptedPeer peer_{loop_.executor()};
    net::TemporaryDirectory directory_;
};

TEST_F(SmtpProbeTest, TellsGreetingNameAndKeywords) {
    peer_.expect({
        {"", "220 mx.example.com at your service"},
        {"EHLO doctor.example", "250-MX.example.com greets you\r\n250-size 1000\r\n250 8BITMIME"},
        {"QUIT", "221 bye"},
    });
    const SmtpView view = look();
    EXPECT_EQ(view.reach, Reach::answered) << view.problem;
    EXPECT_EQ(view.greeting, "220 mx.example.com at your service");
    EXPECT_EQ(view.server_name, "mx.example.com");
    EXPECT_EQ(view.keywords, (std::vector<std::string>{"SIZE 1000", "8BITMIME"}));
    EXPECT_EQ(view.extensions.size_octets_max(), 1000u);
    EXPECT_FALSE(view.offers_tls);
    EXPECT_FALSE(view.tls);
    EXPECT_TRUE(peer_.problems().empty());
}

TEST_F(SmtpProbeTest, TakesWhateverCertificateComesAndKeepsIt) {
    const auto certificate = test::TestCertificate::self_signed({});
    const auto files = test::write_files(certificate, directory_ / "peer");
    net::TlsServer::Options options;
    options.identity = net::TlsIdentityFiles{files.certificate, files.key};
    options.session_context = "peer";
    peer_.set_tls(net::TlsServer::create(std::move(options)).value());
    peer_.expect({
        {"", "220 mx.example.com"},
        {"EHLO", "250-mx.example.com\r\n250 STARTTLS"},
        {"STARTTLS", test::start_tls},
        {"EHLO", "250-mx.example.com\r\n250 SMTPUTF8"},
        {"QUIT", "221 bye"},
    });
    SmtpProbeOptions how;
    how.name = "other.example";
    const SmtpView view = look(how);
    ASSERT_TRUE(view.tls) << view.tls_problem;
    EXPECT_EQ(view.tls->version, "TLSv1.3");
    ASSERT_EQ(view.chain.size(), 1u);
    EXPECT_EQ(
        net::describe_certificate(view.chain.front())->names,
        std::vector<std::string>{"mx.example.com"}
    );
    EXPECT_EQ(view.keywords, std::vector<std::string>{"STARTTLS"});
    EXPECT_EQ(view.tls_keywords, std::vector<std::string>{"SMTPUTF8"});
}

TEST_F(SmtpProbeTest, AFailedHandshakeIsNoFailureOfTheServer) {
    peer_.expect({
        {"", "220 mx.example.com"},
        {"EHLO", "250-mx.example.com\r\n250 STARTTLS"},
        {"STARTTLS", "454 4.7.0 not now"},
        {"QUIT", "221 bye"},
    });
    const SmtpView view = look();
    EXPECT_EQ(view.reach, Reach::answered);
    EXPECT_TRUE(view.offers_tls);
    EXPECT_FALSE(view.tls);
    EXPECT_EQ(view.tls_problem, "454 4.7.0 not now");
}

TEST_F(SmtpProbeTest, FallsBackToHelo) {
    peer_.expect({
        {"", "220 old.example"},
        {"EHLO", "502 what?"},
        {"HELO doctor.example", "250 old.example"},
        {"QUIT", "221 bye"},
    });
    const SmtpView view = look();
    EXPECT_EQ(view.reach, Reach::answered) << view.problem;
    EXPECT_TRUE(view.keywords.empty());
}

TEST_F(SmtpProbeTest, SaysWhatIsWrongWithAServer) {
    peer_.expect({{"", "554 5.7.1 go away"}});
    EXPECT_NE(look().problem.find("554 5.7.1 go away"), std::string::npos);
    peer_.expect({{"", "SSH-2.0-OpenSSH_9.2"}});
    const SmtpView ssh = look();
    EXPECT_EQ(ssh.reach, Reach::failed);
    EXPECT_NE(ssh.problem.find("does not speak SMTP"), std::string::npos) << ssh.problem;
    peer_.expect({{"", test::drop}});
    EXPECT_EQ(look().reach, Reach::failed);
}

TEST_F(SmtpProbeTest, TellsARefusalFromSilence) {
    peer_.expect({{"", test::hang}});
    SmtpView view;
    SmtpProbeOptions brief;
    brief.timeout = std::chrono::milliseconds{50};
    loop_.run(look_into(view, address(), brief));
    EXPECT_EQ(view.reach, Reach::timed_out);
    const net::Endpoint nobody{net::Family::ipv4, "127.0.0.1", 1};
    loop_.run(look_into(view, nobody, brief));
    EXPECT_EQ(view.reach, Reach::refused);
}

}  // namespace
}  // namespace siding::cutover
