#include "base/keyed_digest.hpp"

#include "base/check.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace siding {
namespace {

constexpr std::size_t digest_octets = 32;

unsigned char* octets_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* octets_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Digest hmac_sha256(std::string_view key, std::string_view octets) {
    Digest digest(digest_octets, '\0');
    unsigned size = 0;
    const auto* made = HMAC(
        EVP_sha256(),
        key.data(),
        static_cast<int>(key.size()),
        octets_of(octets),
        octets.size(),
        octets_of(digest),
        &size
    );
    SIDING_CHECK(made != nullptr && size == digest_octets, "no HMAC in libcrypto");
    return digest;
}

Digest pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations) {
    Digest key(digest_octets, '\0');
    const int made = PKCS5_PBKDF2_HMAC(
        password.data(),
        static_cast<int>(password.size()),
        octets_of(salt),
        static_cast<int>(salt.size()),
        static_cast<int>(iterations),
        EVP_sha256(),
        static_cast<int>(key.size()),
        octets_of(key)
    );
    SIDING_CHECK(made == 1, "no PBKDF2 in libcrypto");
    return key;
}

bool is_same_secret(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace siding
