// The keys of one listener's session tickets (RFC 5077, RFC 8446 §4.6.1): made here, never stored,
// replaced every hour; the ones before are still understood for tickets under way. Thread-safe.
#pragma once

#include "base/result.hpp"

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace siding::net {

class TlsTicketKeys {
public:
    TlsTicketKeys() = default;
    ~TlsTicketKeys();
    TlsTicketKeys(const TlsTicketKeys&) = delete;
    TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

    // The context refers to the keys from now on.
    void attach_to(ssl_ctx_st* context);

private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    struct Key {
        std::array<unsigned char, 16> name;
        std::array<unsigned char, 32> cipher;
        std::array<unsigned char, 32> mac;
        SteadyTime made;
    };

    static int on_ticket(
        ssl_st* handle,
        unsigned char* name,
        unsigned char* vector,
        evp_cipher_ctx_st* cipher,
        evp_mac_ctx_st* mac,
        int encrypt
    );
    static std::optional<Key> make_key(SteadyTime now);

    std::optional<Key> key_to_encrypt(SteadyTime now);
    std::optional<Key> key_named(std::string_view name, SteadyTime now, bool& is_current);

    std::mutex mutex_;
    std::optional<Key> current_;
    std::optional<Key> previous_;
};

}  // namespace siding::net
