// The TLS side of one listener: its certificates by SNI name, its own session ticket keys and
// session id context, so that a ticket of one listener is worthless at another.
//
// Files are read in create() and reload() only, blocking. Handshakes keep the snapshot that they
// began with; reload() swaps it. Thread-safe.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace siding::net {

class TlsEngine;
class TlsTicketKeys;

// PEM files. The certificate's file holds the chain too, the leaf first.
struct TlsIdentityFiles {
    std::string certificate;
    std::string key;
};

class TlsServer {
public:
    struct Options {
        std::optional<TlsIdentityFiles>
            identity;  // without: the first of the names, in their order
        std::map<std::string, TlsIdentityFiles>
            names;  // by SNI name; "*.example.com" for one label
        bool tls13_only = false;
        bool request_client_certificate = false;  // asked for, never demanded
        std::string session_context;              // the listener's name
    };

    // The error names the file, the reason and what to do about it.
    static Result<std::shared_ptr<TlsServer>> create(Options options);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    // Reads the files anew. After an error all is as before. Tickets stay valid.
    Result<void> reload(Options options);

    // Whether a file is another one than was loaded, by inode, size and time of change. Blocking.
    bool files_changed() const;

    std::optional<WallTime> earliest_expiry() const;

    // One sentence each: expired, not yet valid, a key that others may read, a certificate that
    // does not cover its name.
    std::vector<std::string> warnings() const;

    // The server's end of a handshake on a connected non-blocking socket.
    Result<std::unique_ptr<TlsEngine>> open(int socket) const;

private:
    struct Snapshot;
    TlsServer();

    Result<std::shared_ptr<const Snapshot>> load(Options options) const;
    std::shared_ptr<const Snapshot> snapshot() const;

    std::shared_ptr<TlsTicketKeys> ticket_keys_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace siding::net
