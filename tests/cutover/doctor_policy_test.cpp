#include "cutover/doctor_policy.hpp"

#include "base/bytes.hpp"
#include "cutover/doctor_snippets.hpp"
#include "tests/cutover/doctor_fixture.hpp"
#include "tests/support/test_certificates.hpp"

#include <openssl/x509.h>

namespace siding::cutover {
namespace {

class DoctorPolicy : public DoctorTest {
protected:
    // The server "new" of a configuration.
    void configure(config::Profile profile) {
        auto config = std::make_shared<config::Config>();
        config->servers["new"].profile = profile;
        facts_.config = config;
        host("mx.new.example", "198.51.100.3").server = "new";
    }
};

TEST_F(DoctorPolicy, P01_and_P02_are_content_without_a_policy) {
    EXPECT_TRUE(passes(check_sts_policy));
    EXPECT_TRUE(passes(check_sts_host));
    dns_.set("_mta-sts.example.com", 16, {.rcode = 2});
    EXPECT_TRUE(run(check_sts_policy).is_hindered);
    EXPECT_TRUE(run(check_sts_host).is_hindered);
}

TEST_F(DoctorPolicy, P01_and_P02_want_what_is_announced) {
    add_text("_mta-sts.example.com", "v=STSv1; id=1");
    EXPECT_TRUE(run(check_sts_policy).is_hindered);
    const CheckOutcome host = run(check_sts_host);
    EXPECT_EQ(host.status, CheckStatus::failed);
    EXPECT_TRUE(has(host.evidence, "mta-sts.example.com has no address")) << host.evidence;
    add_text("_mta-sts.example.com", "v=STSv1; id=2");
    EXPECT_EQ(run(check_sts_policy).severity, Severity::warning);
}

std::string der_of(const test::TestCertificate& certificate) {
    unsigned char* octets = nullptr;
    const int size = ::i2d_X509(certificate.certificate(), &octets);
    std::string der{reinterpret_cast<char*>(octets), static_cast<std::size_t>(size)};
    ::OPENSSL_free(octets);
    return der;
}

TEST_F(DoctorPolicy, P04_holds_records_against_certificates) {
    EXPECT_TRUE(passes(check_dane));
    const std::string der = der_of(test::TestCertificate::self_signed({}));
    const std::string digest = net::tlsa_data(der, 1, 1).value();
    const std::string name = "_25._tcp.mx.old.example";
    dns_.set(name, 52, {.answers = {test::dns_tlsa(name, std::string("\3\1\1") + digest)}});
    EXPECT_TRUE(run(check_dane).is_hindered);  // nobody to compare with
    SmtpView session;
    session.address = {net::Family::ipv4, "192.0.2.1", 25};
    session.reach = SmtpView::Reach::answered;
    host("mx.old.example").sessions = {session};
    EXPECT_TRUE(has(run(check_dane).evidence, "does not offer STARTTLS"));
    session.offers_tls = true;
    session.chain = {der};
    host("mx.old.example").sessions = {session};
    EXPECT_TRUE(passes(check_dane));
    const std::string zeros = std::string("\3\1\1") + std::string(32, '\0');
    dns_.set(name, 52, {.answers = {test::dns_tlsa(name, zeros)}});
    const CheckOutcome wrong = run(check_dane);
    EXPECT_TRUE(has(wrong.evidence, "mx.old.example"));
    EXPECT_TRUE(has(wrong.fix, name + ".  300  IN  TLSA  3 1 1 " + to_hex(digest))) << wrong.fix;
    dns_.set(name, 52, {.rcode = 2});
    EXPECT_TRUE(has(run(check_dane).evidence, "SERVFAIL"));
}

TEST_F(DoctorPolicy, P05_wants_readers_of_reports_where_policies_are_strict) {
    EXPECT_TRUE(passes(check_tls_reports));
    add_text("_mta-sts.example.com", "v=STSv1; id=1");
    EXPECT_TRUE(fails(check_tls_reports));
    const std::string name = "_smtp._tls.example.com";
    add_text(name, "v=TLSRPTv1; rua=mailto:tls@mail.example.com");
    EXPECT_TRUE(has(run(check_tls_reports).evidence, "in the domain that moves"));
    dns_.set(name, 16, {});
    add_text(name, "v=TLSRPTv1; rua=mailto:tls@other.example");
    EXPECT_TRUE(passes(check_tls_reports));
    add_text(name, "v=TLSRPTv1; rua=mailto:tls@third.example");
    EXPECT_TRUE(fails(check_tls_reports));
}

TEST_F(DoctorPolicy, P07_evaluates_spf) {
    EXPECT_EQ(run(check_spf).severity, Severity::info);
    add_text("example.com", "site-verification=1");
    add_text("example.com", "v=spf1 ip4:198.51.100.0/24 -all");
    EXPECT_TRUE(passes(check_spf));
    configure(config::Profile::generic);
    EXPECT_TRUE(passes(check_spf));
    host("mx.new.example").addresses = {{net::Family::ipv4, "203.0.113.3"}};
    const CheckOutcome absent = run(check_spf);
    EXPECT_TRUE(has(absent.fix, "\"v=spf1 ip4:203.0.113.3 ip4:198.51.100.0/24 -all\""))
        << absent.fix;
    host("mx.new.example").addresses = {{net::Family::ipv4, "10.0.0.1"}};
    EXPECT_TRUE(passes(check_spf));  // nobody sees that address

    configure(config::Profile::m365);
    EXPECT_TRUE(has(run(check_spf).evidence, "include:spf.protection.outlook.com"));

    add_text("example.com", "v=spf1 mx ~all");
    const CheckOutcome two = run(check_spf);
    EXPECT_EQ(two.status, CheckStatus::failed);
    EXPECT_TRUE(has(two.fix, "\"v=spf1 ip4:198.51.100.0/24 mx ~all\"")) << two.fix;
}

TEST_F(DoctorPolicy, P07_counts_lookups) {
    std::string record = "v=spf1";
    for (int at = 0; at < 11; ++at) {
        record += " include:s" + std::to_string(at) + ".example";
        add_text("s" + std::to_string(at) + ".example", "v=spf1 -all");
    }
    add_text("example.com", record + " -all");
    EXPECT_TRUE(has(run(check_spf).evidence, "11 lookups of 10"));
    dns_.set("example.com", 16, {});
    add_text("example.com", "v=spf1 include:gone.example -all");
    EXPECT_TRUE(fails(check_spf));
    dns_.set("s0.example", 16, {.rcode = 2});
    dns_.set("example.com", 16, {});
    add_text("example.com", "v=spf1 include:s0.example -all");
    EXPECT_TRUE(run(check_spf).is_hindered);
}

TEST_F(DoctorPolicy, P08_looks_for_keys) {
    EXPECT_EQ(run(check_dkim).status, CheckStatus::not_checked);
    options_.selectors = {"s1", "s2"};
    add_text("s1._domainkey.example.com", "v=DKIM1; p=" + std::string(392, 'A'));
    const CheckOutcome one = run(check_dkim);
    EXPECT_TRUE(has(one.evidence, "s2._domainkey.example.com does not exist")) << one.evidence;
    EXPECT_FALSE(has(one.evidence, "s1._domainkey"));
    add_text("s2._domainkey.example.com", "v=DKIM1; p=" + std::string(100, 'A'));
    EXPECT_TRUE(has(run(check_dkim).evidence, "bits"));
    options_.selectors = {"s1"};
    EXPECT_TRUE(passes(check_dkim));
    configure(config::Profile::m365);
    EXPECT_TRUE(has(run(check_dkim).fix, "selector1-example-com._domainkey.TENANT.onmicrosoft.com.")
    );
}

TEST_F(DoctorPolicy, P09_wants_a_right_record_or_none) {
    EXPECT_TRUE(passes(check_dmarc));
    add_text("_dmarc.example.com", "v=DMARC1; p=reject");
    EXPECT_TRUE(passes(check_dmarc));
    add_text("_dmarc.example.com", "v=DMARC1; p=none");
    EXPECT_TRUE(fails(check_dmarc));
    dns_.set("_dmarc.example.com", 16, {});
    add_text("_dmarc.example.com", "v=DMARC1; p=drop");
    EXPECT_TRUE(fails(check_dmarc));
}

TEST_F(DoctorPolicy, leaves_to_a_person_what_no_program_sees) {
    configure(config::Profile::m365);
    for (const auto check :
         {check_destination_trust, check_untouched, check_dkim_expiry, check_arc, check_at_risk}) {
        const CheckOutcome outcome = run(check);
        EXPECT_EQ(outcome.status, CheckStatus::not_checked);
        EXPECT_FALSE(outcome.fix.empty());
    }
    EXPECT_TRUE(has(run(check_destination_trust).fix, "-SenderIpAddresses 192.0.2.2 "));
}

TEST(DoctorSnippets, are_for_each_profile) {
    using config::Profile;
    const std::vector<std::string> addresses{"192.0.2.1", "192.0.2.2"};
    const auto snippet = [&](Profile profile) {
        return destination_snippet(profile, "example.com", addresses);
    };
    EXPECT_TRUE(has(snippet(Profile::m365), "New-InboundConnector"));
    EXPECT_TRUE(has(snippet(Profile::m365), "-SenderIpAddresses 192.0.2.1,192.0.2.2 "));
    EXPECT_TRUE(has(snippet(Profile::google), "Inbound gateway"));
    EXPECT_TRUE(has(snippet(Profile::exchange), "-RemoteIPRanges 192.0.2.1,192.0.2.2 "));
    EXPECT_TRUE(has(snippet(Profile::postfix), "smtpd_authorized_xclient_hosts = 192.0.2.1 "));
    EXPECT_TRUE(has(snippet(Profile::generic), "192.0.2.1, 192.0.2.2"));
}

}  // namespace
}  // namespace siding::cutover
