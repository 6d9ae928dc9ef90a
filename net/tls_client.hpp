// The TLS side of connections to one server. Without `verify` any certificate will do, and
// TlsFacts::peer_verified says what it was worth. Thread-safe, immutable.
#pragma once

#include "base/result.hpp"

#include <memory>
#include <optional>
#include <string>

namespace siding::net {

class TlsEngine;

class TlsClient {
public:
    struct Options {
        bool verify = false;  // a certificate that does not fit the name or the roots ends it
        std::string name;     // SNI and the name to verify; an IP address is verified as one
        std::optional<std::string> ca_file;  // PEM; instead of the system's roots
    };

    // Reads the roots; blocking. The error names the file.
    static Result<std::shared_ptr<TlsClient>> create(Options options);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    // The client's end of a handshake on a connected non-blocking socket.
    Result<std::unique_ptr<TlsEngine>> open(int socket) const;

private:
    struct Context;
    explicit TlsClient(std::unique_ptr<const Context> context);

    std::unique_ptr<const Context> context_;
};

}  // namespace siding::net
