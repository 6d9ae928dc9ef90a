#include "base/signature.hpp"

#include "base/base64.hpp"
#include "base/check.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <utility>

namespace siding {
namespace {

constexpr std::size_t key_octets = 32;
constexpr std::size_t signature_octets = 64;
// RFC 8410 §4: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 octets }.
constexpr std::array<unsigned char, 12> info_head{
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

std::string_view head() {
    return {reinterpret_cast<const char*>(info_head.data()), info_head.size()};
}

const unsigned char* octets_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;
using Bio = std::unique_ptr<BIO, FreeBio>;

// What stands between PEM's lines, without line ends; another text as it is.
std::string without_armour(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
            line.remove_suffix(1);
        }
        if (!line.starts_with("-----")) {
            out += line;
        }
    }
    return out;
}

}  // namespace

struct SigningKey::Handle {
    Key key;
};

Result<PublicKey> PublicKey::parse(std::string_view text) {
    const auto info = from_base64(without_armour(text));
    if (!info || info->size() != head().size() + key_octets || !info->starts_with(head())) {
        return Error{
            Errc::invalid_argument,
            "not an Ed25519 public key: it is one line that begins with MCowBQYDK2VwAyEA"};
    }
    return PublicKey{info->substr(head().size())};
}

std::string PublicKey::text() const {
    return to_base64(std::string{head()} + octets_);
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
    if (signature.size() != signature_octets) {
        return false;
    }
    const Key key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(octets_), octets_.size())};
    const DigestContext context{EVP_MD_CTX_new()};
    const bool is_good =
        key && context &&
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
        EVP_DigestVerify(
            context.get(),
            octets_of(signature),
            signature.size(),
            octets_of(message),
            message.size()
        ) == 1;
    ERR_clear_error();
    return is_good;
}

SigningKey::SigningKey(std::unique_ptr<Handle> handle) : handle_{std::move(handle)} {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::make() {
    auto handle = std::make_unique<Handle>();
    handle->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    SIDING_CHECK(handle->key, "no Ed25519 in libcrypto");
    return SigningKey{std::move(handle)};
}

Result<SigningKey> SigningKey::parse(std::string_view pem) {
    const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    auto handle = std::make_unique<Handle>();
    // Without the callback it would ask for a passphrase on the terminal.
    const auto no_passphrase = [](char*, int, int, void*) { return 0; };
    handle->key.reset(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr
    );
    ERR_clear_error();
    if (!handle->key || EVP_PKEY_get_id(handle->key.get()) != EVP_PKEY_ED25519) {
        return Error{Errc::invalid_argument, "not an Ed25519 key as PEM"};
    }
    return SigningKey{std::move(handle)};
}

std::string SigningKey::pem() const {
    const Bio bio{BIO_new(BIO_s_mem())};
    SIDING_CHECK(
        bio && PEM_write_bio_PKCS8PrivateKey(
                   bio.get(), handle_->key.get(), nullptr, nullptr, 0, nullptr, nullptr
               ) == 1,
        "a key that cannot be written"
    );
    char* data = nullptr;
    const long octets = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(octets)};
}

PublicKey SigningKey::public_key() const {
    std::string octets(key_octets, '\0');
    std::size_t length = octets.size();
    SIDING_CHECK(
        EVP_PKEY_get_raw_public_key(
            handle_->key.get(), reinterpret_cast<unsigned char*>(octets.data()), &length
        ) == 1 &&
            length == key_octets,
        "a key without its public half"
    );
    return PublicKey{std::move(octets)};
}

std::string SigningKey::sign(std::string_view message) const {
    const DigestContext context{EVP_MD_CTX_new()};
    std::string signature(signature_octets, '\0');
    std::size_t length = signature.size();
    SIDING_CHECK(
        context &&
            EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, handle_->key.get()) == 1 &&
            EVP_DigestSign(
                context.get(),
                reinterpret_cast<unsigned char*>(signature.data()),
                &length,
                octets_of(message),
                message.size()
            ) == 1 &&
            length == signature_octets,
        "Ed25519 does not sign"
    );
    return signature;
}

}  // namespace siding
