// What every TLS connection of ours has in common: versions, ciphers, memory; and OpenSSL's
// handles. A context is immutable once it is built.
#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace siding::net {

struct TlsContextDeleter {
    void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;

struct TlsHandleDeleter {
    void operator()(ssl_st* handle) const;
};
using TlsHandle = std::unique_ptr<ssl_st, TlsHandleDeleter>;

// TLS 1.2 and later, AEAD with ephemeral keys alone, no renegotiation, no compression, no early
// data, no server-side session cache.
Result<TlsContext> make_server_context(bool tls13_only);

// TLS 1.2 and later with whatever authenticated key exchange the other side has. `lenient` takes
// weaker keys too: there any encryption is better than the plain text it replaces.
Result<TlsContext> make_client_context(bool lenient);

// Drains OpenSSL's queue of this thread into an Error with the first reason.
Error take_tls_error(std::string what);

}  // namespace siding::net
