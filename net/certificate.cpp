#include "net/certificate.hpp"

#include "base/bytes.hpp"
#include "net/tls_context.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace siding::net {
namespace {

constexpr std::size_t name_octets_max = 256;
constexpr std::size_t names_max = 256;

template <auto Free>
struct Freeing {
    template <typename T>
    void operator()(T* handle) const {
        Free(handle);
    }
};
using Certificate = std::unique_ptr<X509, Freeing<::X509_free>>;
using AltNames = std::unique_ptr<GENERAL_NAMES, Freeing<::GENERAL_NAMES_free>>;
using Memory = std::unique_ptr<BIO, Freeing<::BIO_free_all>>;
using VerifyContext = std::unique_ptr<X509_STORE_CTX, Freeing<::X509_STORE_CTX_free>>;

void free_stack(STACK_OF(X509) * stack) {
    sk_X509_free(stack);
}
using Stack = std::unique_ptr<STACK_OF(X509), Freeing<free_stack>>;

Certificate parse(std::string_view der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    Certificate certificate{::d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    ::ERR_clear_error();
    return certificate;
}

Error no_certificate() {
    return {Errc::invalid_argument, "these octets are no certificate"};
}

std::string printable(const ASN1_STRING* text) {
    return escape(
        {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
         static_cast<std::size_t>(::ASN1_STRING_length(text))},
        name_octets_max
    );
}

std::string part_of(const X509_NAME* name, int field) {
    const int index = ::X509_NAME_get_index_by_NID(name, field, -1);
    return index < 0 ? std::string{}
                     : printable(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(name, index)));
}

std::string title_of(const X509_NAME* name) {
    std::string title = part_of(name, NID_commonName);
    return title.empty() ? part_of(name, NID_organizationName) : title;
}

WallTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (::ASN1_TIME_to_tm(time, &parts) != 1) {
        return {};
    }
    return WallTime{std::chrono::seconds{::timegm(&parts)}};
}

std::vector<std::string> dns_names(const X509* certificate) {
    std::vector<std::string> names;
    const AltNames all{static_cast<GENERAL_NAMES*>(
        ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
    )};
    ::ERR_clear_error();
    const int count = all == nullptr ? 0 : sk_GENERAL_NAME_num(all.get());
    for (int i = 0; i < count && names.size() < names_max; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS) {
            names.push_back(to_lower(printable(name->d.dNSName)));
        }
    }
    return names;
}

Result<std::string> digest(std::string octets, std::uint8_t matching) {
    if (matching == 0) {
        return octets;
    }
    if (matching > 2) {
        return Error{Errc::invalid_argument, "no such TLSA matching type"};
    }
    unsigned char room[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const EVP_MD* const kind = matching == 1 ? ::EVP_sha256() : ::EVP_sha512();
    if (::EVP_Digest(octets.data(), octets.size(), room, &size, kind, nullptr) != 1) {
        return take_tls_error("cannot hash a certificate");
    }
    return std::string{reinterpret_cast<const char*>(room), size};
}

bool fits(const TlsaRecord& record, std::string_view der) {
    const auto data = tlsa_data(der, record.selector, record.matching);
    return data.has_value() && *data == record.data;
}

}  // namespace

Result<CertificateFacts> describe_certificate(std::string_view der) {
    const Certificate certificate = parse(der);
    if (certificate == nullptr) {
        return no_certificate();
    }
    CertificateFacts facts;
    facts.subject = part_of(::X509_get_subject_name(certificate.get()), NID_commonName);
    facts.issuer = title_of(::X509_get_issuer_name(certificate.get()));
    facts.names = dns_names(certificate.get());
    if (facts.names.empty() && !facts.subject.empty()) {
        facts.names.push_back(to_lower(facts.subject));
    }
    facts.not_before = time_of(::X509_get0_notBefore(certificate.get()));
    facts.not_after = time_of(::X509_get0_notAfter(certificate.get()));
    facts.is_self_signed = ::X509_self_signed(certificate.get(), 1) == 1;
    ::ERR_clear_error();
    return facts;
}

Result<std::string> certificate_of_pem(std::string_view pem) {
    const Memory memory{::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    const Certificate certificate{
        memory == nullptr ? nullptr : ::PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)};
    ::ERR_clear_error();
    unsigned char* octets = nullptr;
    const int size = certificate == nullptr ? 0 : ::i2d_X509(certificate.get(), &octets);
    if (size <= 0) {
        return no_certificate();
    }
    std::string der{reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)};
    ::OPENSSL_free(octets);
    return der;
}

bool fits_name(const CertificateFacts& certificate, std::string_view name) {
    const std::string wanted = to_lower(name);
    const auto dot = wanted.find('.');
    return std::ranges::any_of(certificate.names, [&](const std::string& shown) {
        const bool is_wildcard = shown.starts_with("*.") && dot != std::string::npos && dot > 0;
        return shown == wanted ||
               (is_wildcard && std::string_view{shown}.substr(1) == wanted.substr(dot));
    });
}

void TrustedRoots::FreeStore::operator()(x509_store_st* store) const {
    ::X509_STORE_free(store);
}

Result<TrustedRoots> TrustedRoots::load(const std::optional<std::string>& ca_file) {
    TrustedRoots roots{::X509_STORE_new()};
    if (roots.store_ == nullptr) {
        return take_tls_error("cannot read root certificates");
    }
    if (ca_file) {
        if (::X509_STORE_load_file(roots.store_.get(), ca_file->c_str()) != 1) {
            return take_tls_error("no root certificate can be read from " + *ca_file);
        }
    } else if (::X509_STORE_set_default_paths(roots.store_.get()) != 1) {
        return take_tls_error("cannot read the system's root certificates");
    }
    return roots;
}

std::optional<std::string> TrustedRoots::find_fault(std::span<const std::string> chain, WallTime at)
    const {
    std::vector<Certificate> certificates;
    for (const std::string& der : chain) {
        certificates.push_back(parse(der));
        if (certificates.back() == nullptr) {
            return "it cannot be read";
        }
    }
    if (certificates.empty()) {
        return "there is none";
    }
    const Stack others{sk_X509_new_null()};
    const VerifyContext context{::X509_STORE_CTX_new()};
    if (others == nullptr || context == nullptr) {
        return "there is no memory to verify it";
    }
    for (std::size_t i = 1; i < certificates.size(); ++i) {
        sk_X509_push(others.get(), certificates[i].get());
    }
    if (::X509_STORE_CTX_init(
            context.get(), store_.get(), certificates.front().get(), others.get()
        ) != 1) {
        return "it cannot be verified";
    }
    ::X509_STORE_CTX_set_default(context.get(), "ssl_server");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch();
    ::X509_STORE_CTX_set_time(context.get(), 0, static_cast<std::time_t>(seconds.count()));
    const bool is_good = ::X509_verify_cert(context.get()) == 1;
    ::ERR_clear_error();
    if (is_good) {
        return std::nullopt;
    }
    return ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context.get()));
}

Result<std::string> tlsa_data(std::string_view der, std::uint8_t selector, std::uint8_t matching) {
    const Certificate certificate = parse(der);
    if (certificate == nullptr) {
        return no_certificate();
    }
    if (selector == 0) {
        return digest(std::string{der}, matching);
    }
    if (selector != 1) {
        return Error{Errc::invalid_argument, "no such TLSA selector"};
    }
    unsigned char* key = nullptr;
    const int size = ::i2d_X509_PUBKEY(::X509_get_X509_PUBKEY(certificate.get()), &key);
    if (size <= 0) {
        return take_tls_error("cannot read the key of a certificate");
    }
    std::string octets{reinterpret_cast<const char*>(key), static_cast<std::size_t>(size)};
    ::OPENSSL_free(key);
    return digest(std::move(octets), matching);
}

bool fits_tlsa(const TlsaRecord& record, std::span<const std::string> chain) {
    if (chain.empty()) {
        return false;
    }
    if (record.usage == 3) {
        return fits(record, chain.front());
    }
    if (record.usage != 2) {
        return false;
    }
    const auto leaf = describe_certificate(chain.front());
    const bool is_own_issuer = leaf.has_value() && leaf->is_self_signed;
    return std::ranges::any_of(chain.subspan(is_own_issuer ? 0 : 1), [&](const std::string& der) {
        return fits(record, der);
    });
}

}  // namespace siding::net
