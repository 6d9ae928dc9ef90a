#include "net/tls_identity.hpp"

#include "net/network_error.hpp"
#include "net/tls_context.hpp"
#include "net/unique_fd.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace siding::net {
namespace {

constexpr std::size_t file_octets_max = 1024 * 1024;

struct FreeBio {
    void operator()(BIO* bio) const { ::BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Error unreadable(const std::string& path) {
    const int number = errno;
    Error error = make_system_error("cannot read " + path);
    if (number == EACCES) {
        error.context += " (the daemon's user must be able to: chgrp siding, chmod 640)";
    }
    return error;
}

Result<std::string> read_file(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.valid()) {
        return unreadable(path);
    }
    std::string content;
    std::array<char, 16 * 1024> room;
    while (true) {
        const auto count = ::read(file.get(), room.data(), room.size());
        if (count < 0) {
            return unreadable(path);
        }
        if (count == 0) {
            break;
        }
        content.append(room.data(), static_cast<std::size_t>(count));
        if (content.size() > file_octets_max) {
            return Error{Errc::invalid_argument, path + " is too large for a PEM file"};
        }
    }
    ::OPENSSL_cleanse(room.data(), room.size());
    return content;
}

Bio bio_over(const std::string& content) {
    return Bio{::BIO_new_mem_buf(content.data(), static_cast<int>(content.size()))};
}

WallTime to_wall_time(const ASN1_TIME* time) {
    std::tm parts{};
    if (::ASN1_TIME_to_tm(time, &parts) != 1) {
        return {};
    }
    return WallTime{std::chrono::seconds{::timegm(&parts)}};
}

// Never asks a terminal; remembers that somebody wanted a passphrase.
int refuse_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

}  // namespace

FileStamp FileStamp::of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return {};
    }
    FileStamp stamp;
    stamp.device = status.st_dev;
    stamp.inode = status.st_ino;
    stamp.size_bytes = status.st_size;
    stamp.changed_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
    return stamp;
}

void TlsIdentity::FreeCertificate::operator()(x509_st* certificate) const {
    ::X509_free(certificate);
}

void TlsIdentity::FreeKey::operator()(evp_pkey_st* key) const {
    ::EVP_PKEY_free(key);
}

Result<TlsIdentity> TlsIdentity::load(const TlsIdentityFiles& files, std::string_view name) {
    TlsIdentity identity;
    identity.files_ = files;
    identity.name_ = name;
    SIDING_TRY(identity.read_certificates());
    SIDING_TRY(identity.read_key());
    if (::X509_check_private_key(identity.chain_.front().get(), identity.key_.get()) != 1) {
        ::ERR_clear_error();
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "the key {} does not belong to the first certificate of {}",
                files.key,
                files.certificate
            )};
    }
    return identity;
}

Result<void> TlsIdentity::read_certificates() {
    SIDING_ASSIGN(const std::string content, read_file(files_.certificate));
    const Bio bio = bio_over(content);
    while (X509* const next = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        chain_.emplace_back(next);
    }
    const bool at_end = ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end) {
        return take_tls_error("cannot read the certificates in " + files_.certificate);
    }
    ::ERR_clear_error();
    if (chain_.empty()) {
        return Error{
            Errc::invalid_argument,
            files_.certificate + " holds no certificate in PEM (\"BEGIN CERTIFICATE\")"};
    }
    not_before_ = to_wall_time(::X509_get0_notBefore(chain_.front().get()));
    not_after_ = to_wall_time(::X509_get0_notAfter(chain_.front().get()));
    return {};
}

Result<void> TlsIdentity::read_key() {
    SIDING_ASSIGN(std::string content, read_file(files_.key));
    bool wants_passphrase = false;
    const Bio bio = bio_over(content);
    key_.reset(::PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &wants_passphrase));
    ::OPENSSL_cleanse(content.data(), content.size());
    if (wants_passphrase) {
        ::ERR_clear_error();
        return Error{
            Errc::invalid_argument,
            "the key " + files_.key + " has a passphrase; store it without one (openssl pkey)"};
    }
    if (!key_) {
        return take_tls_error("no private key in PEM can be read from " + files_.key);
    }
    struct stat status {};
    key_open_to_others_ =
        ::stat(files_.key.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
    return {};
}

Result<void> TlsIdentity::use_in(ssl_ctx_st* context) const {
    if (::SSL_CTX_use_certificate(context, chain_.front().get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context, key_.get()) != 1) {
        return take_tls_error("cannot use the certificate " + files_.certificate);
    }
    for (std::size_t n = 1; n < chain_.size(); ++n) {
        if (SSL_CTX_add1_chain_cert(context, chain_[n].get()) != 1) {
            return take_tls_error("cannot use the chain in " + files_.certificate);
        }
    }
    return {};
}

std::vector<std::string> TlsIdentity::warnings(WallTime now) const {
    std::vector<std::string> found;
    const std::string& file = files_.certificate;
    if (now >= not_after_) {
        found.push_back(fmt::format("{}: certificate expired on {}", file, format_time(not_after_))
        );
    }
    if (now < not_before_) {
        found.push_back(
            fmt::format("{}: certificate is not valid before {}", file, format_time(not_before_))
        );
    }
    if (key_open_to_others_) {
        found.push_back(fmt::format("{}: every user can read this key; chmod o-r", files_.key));
    }
    // A wildcard is covered when any label in its place is.
    const std::string example = name_.starts_with("*.") ? "any" + name_.substr(1) : name_;
    if (!name_.empty() &&
        ::X509_check_host(chain_.front().get(), example.data(), example.size(), 0, nullptr) != 1) {
        found.push_back(fmt::format("{}: certificate does not cover {}", file, name_));
    }
    return found;
}

}  // namespace siding::net
