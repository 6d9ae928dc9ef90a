// Certificates made on the spot, so that no test depends on files that expire.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace siding::test {

struct CertificateOptions {
    std::string common_name = "mx.example.com";
    std::vector<std::string> names = {};      // dNSName; the common name when there are none
    std::vector<std::string> addresses = {};  // iPAddress
    std::chrono::seconds valid_from = std::chrono::hours{-1};  // from now
    std::chrono::seconds valid_until = std::chrono::hours{24 * 90};
    bool rsa = false;  // 2048 bits; else P-256
};

// A certificate with its key.
class TestCertificate {
public:
    static TestCertificate self_signed(const CertificateOptions& options);
    static TestCertificate authority(const std::string& common_name = "Test Authority");

    // Signed by this one, which must be an authority.
    TestCertificate issue(const CertificateOptions& options) const;

    std::string certificate_pem() const;  // with its issuer's behind it
    std::string key_pem() const;
    std::string key_pem(const std::string& passphrase) const;
    std::string fingerprint() const;  // SHA-256, lower-case hex

    x509_st* certificate() const { return certificate_.get(); }
    evp_pkey_st* key() const { return key_.get(); }

private:
    TestCertificate(std::shared_ptr<x509_st> certificate, std::shared_ptr<evp_pkey_st> key);
    static TestCertificate make(
        const CertificateOptions& options, const TestCertificate* issuer, bool is_authority
    );

    std::shared_ptr<x509_st> certificate_;
    std::shared_ptr<evp_pkey_st> key_;
    std::string issuer_pem_;
};

// Writes `<stem>.crt` and `<stem>.key` (mode 0600), replacing what is there with new files.
struct CertificateFiles {
    std::string certificate;
    std::string key;
};
CertificateFiles write_files(const TestCertificate& certificate, const std::string& stem);

// Replaces the file as a tool would: a new file, renamed over the old one.
void write_file(const std::string& path, const std::string& content, unsigned mode = 0600);

}  // namespace siding::test
