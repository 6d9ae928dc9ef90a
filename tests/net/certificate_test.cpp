#include "net/certificate.hpp"

#include "base/clock.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

namespace siding::net {
namespace {

using test::TestCertificate;

std::string der_of(const TestCertificate& certificate) {
    return certificate_of_pem(certificate.certificate_pem()).value();
}

WallTime now() {
    return SystemClock{}.now();
}

class CertificateTest : public testing::Test {
protected:
    TrustedRoots roots_of(const TestCertificate& authority) {
        const std::string file = directory_ / "ca.pem";
        test::write_file(file, authority.certificate_pem());
        return TrustedRoots::load(file).value();
    }

    TemporaryDirectory directory_;
    TestCertificate authority_ = TestCertificate::authority();
};

TEST_F(CertificateTest, TellsNamesIssuerAndDates) {
    test::CertificateOptions options;
    options.names = {"MX.example.com", "*.example.net"};
    options.valid_until = std::chrono::hours{48};
    const auto facts = describe_certificate(der_of(authority_.issue(options)));
    ASSERT_TRUE(facts) << facts.error().message();
    EXPECT_EQ(facts->names, (std::vector<std::string>{"mx.example.com", "*.example.net"}));
    EXPECT_EQ(facts->issuer, "Test Authority");
    EXPECT_FALSE(facts->is_self_signed);
    EXPECT_LT(facts->not_before, now());
    EXPECT_GT(facts->not_after, now() + std::chrono::hours{47});
    EXPECT_LT(facts->not_after, now() + std::chrono::hours{49});
}

TEST_F(CertificateTest, RefusesWhatIsNone) {
    EXPECT_TRUE(describe_certificate("").error().is(Errc::invalid_argument));
    EXPECT_TRUE(describe_certificate("no DER").error().is(Errc::invalid_argument));
    EXPECT_TRUE(certificate_of_pem("no PEM").error().is(Errc::invalid_argument));
    EXPECT_TRUE(tlsa_data("no DER", 1, 1).error().is(Errc::invalid_argument));
}

TEST_F(CertificateTest, AWildcardIsOneWholeLabel) {
    CertificateFacts facts;
    facts.names = {"mx.example.com", "*.example.net"};
    EXPECT_TRUE(fits_name(facts, "MX.Example.COM"));
    EXPECT_TRUE(fits_name(facts, "a.example.net"));
    EXPECT_FALSE(fits_name(facts, "a.b.example.net"));
    EXPECT_FALSE(fits_name(facts, "example.net"));
    EXPECT_FALSE(fits_name(facts, ".example.net"));
    EXPECT_FALSE(fits_name(facts, "mx.example.org"));
}

TEST_F(CertificateTest, AChainIsGoodOnlyToItsRoots) {
    const TrustedRoots roots = roots_of(authority_);
    const std::vector<std::string> good{der_of(authority_.issue({}))};
    EXPECT_EQ(roots.find_fault(good, now()), std::nullopt);
    EXPECT_EQ(
        roots.find_fault(good, now() + std::chrono::hours{24 * 365}), "certificate has expired"
    );
    EXPECT_EQ(
        roots.find_fault(good, now() - std::chrono::hours{24 * 365}), "certificate is not yet valid"
    );
    const std::vector<std::string> own{der_of(TestCertificate::self_signed({}))};
    EXPECT_NE(roots.find_fault(own, now()), std::nullopt);
    EXPECT_NE(roots.find_fault({}, now()), std::nullopt);
    const std::vector<std::string> garbage{"x"};
    EXPECT_NE(roots.find_fault(garbage, now()), std::nullopt);
}

TEST_F(CertificateTest, TlsaIsHeldAgainstTheRightPartOfTheChain) {
    const std::vector<std::string> chain{der_of(authority_.issue({})), der_of(authority_)};
    TlsaRecord leaf{.usage = 3, .selector = 1, .matching = 1};
    leaf.data = tlsa_data(chain[0], 1, 1).value();
    EXPECT_EQ(leaf.data.size(), 32u);
    EXPECT_TRUE(fits_tlsa(leaf, chain));
    TlsaRecord issuer{.usage = 2, .selector = 0, .matching = 2};
    issuer.data = tlsa_data(chain[1], 0, 2).value();
    EXPECT_EQ(issuer.data.size(), 64u);
    EXPECT_TRUE(fits_tlsa(issuer, chain));
    leaf.usage = 2;  // the leaf is no issuer
    EXPECT_FALSE(fits_tlsa(leaf, chain));
    issuer.usage = 3;
    EXPECT_FALSE(fits_tlsa(issuer, chain));
    EXPECT_FALSE(fits_tlsa(leaf, {}));
    EXPECT_EQ(tlsa_data(chain[0], 0, 0).value(), chain[0]);
    EXPECT_TRUE(tlsa_data(chain[0], 7, 1).has_error());
    EXPECT_TRUE(tlsa_data(chain[0], 0, 9).has_error());
}

}  // namespace
}  // namespace siding::net
