#include "tests/support/test_certificates.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <utility>

namespace siding::test {
namespace {

std::string take_text(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string copy{text, static_cast<std::size_t>(size)};
    ::BIO_free(bio);
    return copy;
}

void set_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const made = ::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    SIDING_CHECK(made != nullptr, "a bad extension for a test certificate");
    ::X509_add_ext(certificate, made, -1);
    ::X509_EXTENSION_free(made);
}

void set_name(X509* certificate, const std::string& common_name) {
    const auto* const octets = reinterpret_cast<const unsigned char*>(common_name.data());
    ::X509_NAME_add_entry_by_NID(
        ::X509_get_subject_name(certificate),
        NID_commonName,
        MBSTRING_UTF8,
        octets,
        static_cast<int>(common_name.size()),
        -1,
        0
    );
}

std::string alternative_names(const CertificateOptions& options) {
    std::string text;
    const auto add = [&text](const char* kind, const std::string& name) {
        text += (text.empty() ? "" : ",") + std::string{kind} + name;
    };
    for (const std::string& name : options.names) {
        add("DNS:", name);
    }
    for (const std::string& address : options.addresses) {
        add("IP:", address);
    }
    if (text.empty()) {
        add("DNS:", options.common_name);
    }
    return text;
}

}  // namespace

TestCertificate::TestCertificate(
    std::shared_ptr<x509_st> certificate, std::shared_ptr<evp_pkey_st> key
)
    : certificate_{std::move(certificate)}, key_{std::move(key)} {}

TestCertificate TestCertificate::make(
    const CertificateOptions& options, const TestCertificate* issuer, bool is_authority
) {
    EVP_PKEY* const made = options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    SIDING_CHECK(made != nullptr, "no key for a test certificate");
    TestCertificate result{{::X509_new(), ::X509_free}, {made, ::EVP_PKEY_free}};
    X509* const certificate = result.certificate();
    X509* const signer = issuer != nullptr ? issuer->certificate() : certificate;
    std::uint32_t serial = 0;
    ::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ::X509_set_version(certificate, X509_VERSION_3);
    ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate), serial);
    ::X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from.count());
    ::X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_until.count());
    ::X509_set_pubkey(certificate, made);
    set_name(certificate, options.common_name);
    ::X509_set_issuer_name(certificate, ::X509_get_subject_name(signer));
    set_extension(
        certificate, signer, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE"
    );
    set_extension(certificate, signer, NID_subject_key_identifier, "hash");
    if (!is_authority) {
        set_extension(certificate, signer, NID_subject_alt_name, alternative_names(options));
    }
    EVP_PKEY* const signing = issuer != nullptr ? issuer->key() : made;
    SIDING_CHECK(::X509_sign(certificate, signing, ::EVP_sha256()) != 0, "no signature");
    result.issuer_pem_ = issuer != nullptr ? issuer->certificate_pem() : std::string{};
    return result;
}

TestCertificate TestCertificate::self_signed(const CertificateOptions& options) {
    return make(options, nullptr, false);
}

TestCertificate TestCertificate::authority(const std::string& common_name) {
    CertificateOptions options;
    options.common_name = common_name;
    return make(options, nullptr, true);
}

TestCertificate TestCertificate::issue(const CertificateOptions& options) const {
    return make(options, this, false);
}

std::string TestCertificate::certificate_pem() const {
    BIO* const bio = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_X509(bio, certificate_.get());
    return take_text(bio) + issuer_pem_;
}

std::string TestCertificate::key_pem() const {
    BIO* const bio = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return take_text(bio);
}

std::string TestCertificate::key_pem(const std::string& passphrase) const {
    BIO* const bio = ::BIO_new(::BIO_s_mem());
    const auto* const octets = reinterpret_cast<const unsigned char*>(passphrase.data());
    ::PEM_write_bio_PrivateKey(
        bio,
        key_.get(),
        ::EVP_aes_128_cbc(),
        octets,
        static_cast<int>(passphrase.size()),
        nullptr,
        nullptr
    );
    return take_text(bio);
}

std::string TestCertificate::fingerprint() const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::X509_digest(certificate_.get(), ::EVP_sha256(), digest.data(), &size);
    return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

void write_file(const std::string& path, const std::string& content, unsigned mode) {
    const std::string fresh = path + ".new";
    std::ofstream{fresh, std::ios::binary} << content;
    ::chmod(fresh.c_str(), mode);
    std::filesystem::rename(fresh, path);
}

CertificateFiles write_files(const TestCertificate& certificate, const std::string& stem) {
    write_file(stem + ".crt", certificate.certificate_pem());
    write_file(stem + ".key", certificate.key_pem());
    return {stem + ".crt", stem + ".key"};
}

}  // namespace siding::test
