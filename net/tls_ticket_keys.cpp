#include "net/tls_ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

constexpr auto key_life = 1h;
// A ticket lives two hours (tls_context.cpp), and the key that made it was an hour old at most.
constexpr auto key_use = 3h;

bool start_mac(EVP_MAC_CTX* mac, std::span<unsigned char> key) {
    char digest[] = "SHA256";
    const std::array parameters{
        ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
        ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        ::OSSL_PARAM_construct_end(),
    };
    return ::EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

}  // namespace

TlsTicketKeys::~TlsTicketKeys() {
    ::OPENSSL_cleanse(&current_, sizeof current_);
    ::OPENSSL_cleanse(&previous_, sizeof previous_);
}

void TlsTicketKeys::attach_to(ssl_ctx_st* context) {
    SSL_CTX_set_app_data(context, this);
    ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

std::optional<TlsTicketKeys::Key> TlsTicketKeys::make_key(SteadyTime now) {
    Key key{};
    key.made = now;
    if (::RAND_bytes(key.name.data(), key.name.size()) != 1 ||
        ::RAND_priv_bytes(key.cipher.data(), key.cipher.size()) != 1 ||
        ::RAND_priv_bytes(key.mac.data(), key.mac.size()) != 1) {
        return std::nullopt;
    }
    return key;
}

std::optional<TlsTicketKeys::Key> TlsTicketKeys::key_to_encrypt(SteadyTime now) {
    const std::lock_guard lock{mutex_};
    if (!current_ || now - current_->made >= key_life) {
        auto key = make_key(now);
        if (!key) {
            return std::nullopt;
        }
        previous_ = current_;
        current_ = key;
    }
    return current_;
}

std::optional<TlsTicketKeys::Key> TlsTicketKeys::key_named(
    std::string_view name, SteadyTime now, bool& is_current
) {
    const std::lock_guard lock{mutex_};
    const auto fits = [&](const std::optional<Key>& key) {
        return key && now - key->made < key_use &&
               std::equal(
                   key->name.begin(),
                   key->name.end(),
                   name.begin(),
                   name.end(),
                   [](auto a, char b) { return a == static_cast<unsigned char>(b); }
               );
    };
    is_current = fits(current_);
    if (is_current) {
        return current_;
    }
    return fits(previous_) ? previous_ : std::nullopt;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): negative is an error, 0 "no such key" or "no ticket", 1
// fine, 2 fine but make a new one.
int TlsTicketKeys::on_ticket(
    ssl_st* handle,
    unsigned char* name,
    unsigned char* vector,
    evp_cipher_ctx_st* cipher,
    evp_mac_ctx_st* mac,
    int encrypt
) {
    auto& keys = *static_cast<TlsTicketKeys*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(handle)));
    const SteadyTime now = std::chrono::steady_clock::now();
    const EVP_CIPHER* const algorithm = ::EVP_aes_256_cbc();
    if (encrypt == 1) {
        auto key = keys.key_to_encrypt(now);
        if (!key || ::RAND_bytes(vector, ::EVP_CIPHER_get_iv_length(algorithm)) != 1) {
            return 0;
        }
        std::copy(key->name.begin(), key->name.end(), name);
        const bool ready =
            ::EVP_EncryptInit_ex2(cipher, algorithm, key->cipher.data(), vector, nullptr) == 1 &&
            start_mac(mac, key->mac);
        return ready ? 1 : -1;
    }
    bool is_current = false;
    auto key = keys.key_named({reinterpret_cast<const char*>(name), 16}, now, is_current);
    if (!key) {
        return 0;
    }
    const bool ready =
        start_mac(mac, key->mac) &&
        ::EVP_DecryptInit_ex2(cipher, algorithm, key->cipher.data(), vector, nullptr) == 1;
    return ready ? (is_current ? 1 : 2) : -1;
}

}  // namespace siding::net
