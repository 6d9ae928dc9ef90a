// Trust by fingerprint (TlsClient::Options::fingerprints) and by TLSA records (RFC 7672).
#include "net/network_error.hpp"
#include "tests/net/tls_streams.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

std::string sha256(std::span<const unsigned char> octets) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::EVP_Digest(octets.data(), octets.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
    return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string der_of(const X509* certificate) {
    unsigned char* octets = nullptr;
    const int size = ::i2d_X509(certificate, &octets);
    const std::string text{reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)};
    ::OPENSSL_free(octets);
    return text;
}

std::string key_digest_of(const X509* certificate) {
    unsigned char* octets = nullptr;
    const int size = ::i2d_X509_PUBKEY(::X509_get_X509_PUBKEY(certificate), &octets);
    const std::string digest = sha256({octets, static_cast<std::size_t>(size)});
    ::OPENSSL_free(octets);
    return digest;
}

struct Outcome {
    TlsTrust trust = TlsTrust::none;
    bool verified = false;
    std::string server_name{};
    std::string error{};  // empty: it went well
};

awaitable<void> start_client(Stream& stream, std::shared_ptr<TlsClient> client, Outcome& outcome) {
    auto result = co_await stream.start_tls(std::move(client), std::chrono::seconds{10});
    if (result.has_error()) {
        outcome.error = result.error().context;
        EXPECT_TRUE(is_tls_failure(result.error()));
    } else {
        outcome.trust = stream.tls().trust;
        outcome.verified = stream.tls().peer_verified;
        outcome.server_name = stream.tls().server_name;
    }
    stream.close();
}

awaitable<void> start_server(Stream& stream, std::shared_ptr<TlsServer> server) {
    auto result = co_await stream.start_tls(std::move(server), std::chrono::seconds{10});
    static_cast<void>(result);
}

class TlsTrustTest : public TlsStreams {
protected:
    TlsTrustTest() {
        // Self-signed, expired and for another name: all that does not matter here.
        leaf_ = std::make_unique<test::TestCertificate>(test::TestCertificate::self_signed(
            {.common_name = "old.example", .valid_from = -2h, .valid_until = -1h}
        ));
        expired_server_ = serve(*leaf_, "expired");
        issued_ = std::make_unique<test::TestCertificate>(
            authority_.issue({.common_name = "mx.example.com"})
        );
        issued_server_ = serve(*issued_, "issued");
    }

    std::shared_ptr<TlsServer> serve(const test::TestCertificate& leaf, const std::string& name) {
        const auto files = test::write_files(leaf, directory_ / name);
        TlsServer::Options options;
        options.identity = TlsIdentityFiles{files.certificate, files.key};
        options.session_context = name;
        return TlsServer::create(options).value();
    }

    Outcome connect(const std::shared_ptr<TlsServer>& server, TlsClient::Options options) {
        StreamPair pair = StreamPair::create(loop_.executor());
        Outcome outcome;
        auto client = TlsClient::create(std::move(options)).value();
        run(start_server(pair.near, server), start_client(pair.far, client, outcome));
        return outcome;
    }

    Outcome with_tlsa(
        const std::shared_ptr<TlsServer>& server,
        std::vector<TlsaRecord> records,
        const std::string& name = "mx.example.com",
        std::vector<std::string> other_names = {}
    ) {
        TlsClient::Options options;
        options.name = name;
        options.tlsa = std::move(records);
        options.other_names = std::move(other_names);
        return connect(server, std::move(options));
    }

    TlsaRecord by_key(std::uint8_t usage, const test::TestCertificate& certificate) const {
        return {usage, 1, 1, key_digest_of(certificate.certificate())};
    }

    std::unique_ptr<test::TestCertificate> leaf_;
    std::unique_ptr<test::TestCertificate> issued_;
    std::shared_ptr<TlsServer> expired_server_;
    std::shared_ptr<TlsServer> issued_server_;
};

TEST_F(TlsTrustTest, a_fingerprint_is_all_that_counts) {
    TlsClient::Options options;
    options.name = "new.example";
    options.fingerprints = {std::string(64, '0'), leaf_->fingerprint()};
    const Outcome outcome = connect(expired_server_, options);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.trust, TlsTrust::fingerprint);
    EXPECT_TRUE(outcome.verified);
    EXPECT_EQ(outcome.server_name, "new.example");

    options.name = "";
    EXPECT_EQ(connect(expired_server_, options).trust, TlsTrust::fingerprint);
}

TEST_F(TlsTrustTest, another_fingerprint_is_shown_and_refused) {
    TlsClient::Options options;
    options.name = "mx.example.com";
    options.fingerprints = {leaf_->fingerprint()};
    const Outcome outcome = connect(issued_server_, options);
    EXPECT_NE(outcome.error.find(issued_->fingerprint()), std::string::npos) << outcome.error;
}

TEST_F(TlsTrustTest, the_key_that_dns_names) {
    const Outcome by_expired = with_tlsa(expired_server_, {by_key(3, *leaf_)});
    EXPECT_EQ(by_expired.error, "");  // RFC 7672 §3.1.1: neither dates nor names
    EXPECT_EQ(by_expired.trust, TlsTrust::dane);
    EXPECT_TRUE(by_expired.verified);
    EXPECT_EQ(by_expired.server_name, "mx.example.com");

    const std::string der = der_of(leaf_->certificate());
    const auto* const octets = reinterpret_cast<const unsigned char*>(der.data());
    const std::vector<TlsaRecord> records{{3, 0, 0, der}, {3, 0, 1, sha256({octets, der.size()})}};
    for (const TlsaRecord& record : records) {
        EXPECT_EQ(with_tlsa(expired_server_, {record}).trust, TlsTrust::dane) << record.text();
    }
    // One that fits is enough; what nobody can read is passed over.
    const TlsaRecord foreign = by_key(3, *issued_);
    const TlsaRecord unknown{3, 1, 9, "?"};
    EXPECT_EQ(
        with_tlsa(expired_server_, {unknown, foreign, by_key(3, *leaf_)}).trust, TlsTrust::dane
    );
}

TEST_F(TlsTrustTest, another_key_is_refused_whoever_signed_it) {
    const Outcome outcome = with_tlsa(issued_server_, {by_key(3, *leaf_)});
    EXPECT_NE(outcome.error.find("matching DANE TLSA records"), std::string::npos) << outcome.error;
}

TEST_F(TlsTrustTest, the_authority_that_dns_names) {
    const TlsaRecord record = by_key(2, authority_);
    EXPECT_EQ(with_tlsa(issued_server_, {record}).trust, TlsTrust::dane);
    // Here names count: the base domain, or one that led to it.
    EXPECT_NE(with_tlsa(issued_server_, {record}, "mx.example.net").error, "");
    const Outcome outcome =
        with_tlsa(issued_server_, {record}, "mx.example.net", {"mx.example.com"});
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.trust, TlsTrust::dane);
    EXPECT_EQ(outcome.server_name, "mx.example.net");
    EXPECT_NE(with_tlsa(expired_server_, {record}).error, "");
}

TEST_F(TlsTrustTest, refuses_what_contradicts_itself) {
    const std::vector<std::string> fingerprints{std::string(64, '0')};
    const std::vector<TlsaRecord> good{{3, 1, 1, std::string(32, 'x')}};
    const std::vector<TlsaRecord> useless{{0, 1, 1, std::string(32, 'x')}};
    struct Row {
        TlsClient::Options options;
        const char* why;
    };
    const std::vector<Row> rows{
        {{.verify = true, .name = "a.example", .fingerprints = fingerprints}, "two ways"},
        {{.name = "a.example", .fingerprints = fingerprints, .tlsa = good}, "two ways"},
        {{.name = "", .tlsa = good}, "no name"},
        {{.name = "a.example", .tlsa = useless}, "no record of use"},
    };
    for (const Row& row : rows) {
        const auto client = TlsClient::create(row.options);
        ASSERT_TRUE(client.has_error()) << row.why;
        EXPECT_TRUE(client.error().is(Errc::invalid_argument)) << row.why;
    }
}

TEST_F(TlsTrustTest, a_chain_is_another_reason) {
    StreamPair pair = StreamPair::create(loop_.executor());
    Outcome outcome;
    run(start_server(pair.near, server_),
        start_client(pair.far, make_client("mx.example.com", true), outcome));
    EXPECT_EQ(outcome.trust, TlsTrust::chain);
    EXPECT_EQ(connect(expired_server_, {.name = "mx.example.com"}).trust, TlsTrust::none);
}

}  // namespace
}  // namespace siding::net
