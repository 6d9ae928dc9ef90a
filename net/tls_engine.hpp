// One end of a TLS connection on a non-blocking socket: each call does what can be done now and
// says what to wait for. Knows no event loop; Stream does the waiting.
//
// The memory of records belongs to OpenSSL and is given back when a record has been dealt with.
#pragma once

#include "net/tls_context.hpp"
#include "net/tls_facts.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::net {

class TlsEngine {
public:
    enum class Status { done, want_read, want_write, failed };

    // Something that must live as long as the connection, besides the context.
    using Keeper = std::shared_ptr<const void>;

    TlsEngine(TlsHandle handle, int socket, Keeper keeper);
    ~TlsEngine();
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;

    Status shake_hands();

    // At least one octet when done. The room must not be empty.
    Status read(std::span<char> room, std::size_t& octets);
    // Some of it when done, at most one record. To be called again with the same octets else.
    Status write(std::string_view text, std::size_t& octets);

    // What read() would say; nothing is consumed.
    Status peek();

    // As far as it goes without waiting.
    void send_close_notify();
    // The same, and forgets the socket: every later call fails.
    void close();

    // Of the last call that failed: asio::error::eof at the end of the peer's octets, with or
    // without a close_notify (SMTP and HTTP know their ends), a system error, or OpenSSL's.
    boost::system::error_code failure() const { return failure_; }
    std::string failure_detail() const;  // what was wrong with a certificate; may be empty

    // After the handshake.
    TlsFacts facts() const;
    std::vector<std::string> peer_chain() const;  // DER, the peer's own first

private:
    struct Transport {
        int socket = -1;
        int error = 0;  // errno
        bool ended = false;
        unsigned reads_left = 0;
    };
    struct Wire;  // OpenSSL's callbacks to the socket

    void begin();
    Status conclude(int returned);
    boost::system::error_code take_failure(int reason) const;

    Keeper keeper_;
    Transport transport_;
    TlsHandle handle_;  // refers to the transport
    boost::system::error_code failure_;
};

}  // namespace siding::net
