// A server of ours and any client that OpenSSL can play, driven by hand over a socket pair.
#pragma once

#include "net/tls.hpp"
#include "net/tls_engine.hpp"
#include "net/unique_fd.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace siding::net {

struct FreeSession {
    void operator()(SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;

struct ClientSettings {
    std::string server_name = {};
    int version_max = 0;
    std::string ciphers = {};
    const test::TestCertificate* certificate = nullptr;
    SSL_SESSION* session = nullptr;
};

class TlsPair {
public:
    TlsPair(const TlsServer& server, const ClientSettings& settings) {
        std::array<int, 2> sockets{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()), 0);
        near_ = UniqueFd{sockets[0]};
        far_ = UniqueFd{sockets[1]};
        server_ = server.open(near_.get()).value();
        TlsHandle handle = make_client(settings);
        client_ssl_ = handle.get();
        client_ = std::make_unique<TlsEngine>(std::move(handle), far_.get(), nullptr);
    }

    // Whether both ends are content.
    bool shake_hands() {
        using Status = TlsEngine::Status;
        Status server = Status::want_read;
        Status client = Status::want_read;
        for (int turn = 0; turn < 20; ++turn) {
            client = client == Status::want_read ? client_->shake_hands() : client;
            server = server == Status::want_read ? server_->shake_hands() : server;
        }
        // RFC 8446: a client learns only now what the server thinks of it, and gets its tickets.
        std::array<char, 1> room;
        std::size_t count = 0;
        const bool is_alive = client_->read(room, count) == Status::want_read;
        return server == Status::done && client == Status::done && is_alive;
    }

    TlsEngine& server() { return *server_; }
    TlsEngine& client() { return *client_; }
    SSL* client_ssl() { return client_ssl_; }

    // To come back with. OpenSSL spoils the sessions of connections that were not closed.
    Session session() {
        client_->send_close_notify();
        return Session{::SSL_get1_session(client_ssl_)};
    }

    // The certificate that the client was shown.
    std::string shown() const { return client_->facts().peer_fingerprint; }

private:
    static TlsHandle make_client(const ClientSettings& settings) {
        const TlsContext context{::SSL_CTX_new(::TLS_client_method())};
        ::SSL_CTX_set_security_level(context.get(), 0);
        SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), settings.version_max);
        if (!settings.ciphers.empty()) {
            EXPECT_EQ(::SSL_CTX_set_cipher_list(context.get(), settings.ciphers.c_str()), 1);
        }
        if (settings.certificate != nullptr) {
            ::SSL_CTX_use_certificate(context.get(), settings.certificate->certificate());
            ::SSL_CTX_use_PrivateKey(context.get(), settings.certificate->key());
        }
        TlsHandle handle{::SSL_new(context.get())};
        if (!settings.server_name.empty()) {
            SSL_set_tlsext_host_name(handle.get(), settings.server_name.c_str());
        }
        if (settings.session != nullptr) {
            ::SSL_set_session(handle.get(), settings.session);
        }
        ::SSL_set_connect_state(handle.get());
        return handle;
    }

    UniqueFd near_;
    UniqueFd far_;
    std::unique_ptr<TlsEngine> server_;
    std::unique_ptr<TlsEngine> client_;
    SSL* client_ssl_ = nullptr;
};

}  // namespace siding::net
