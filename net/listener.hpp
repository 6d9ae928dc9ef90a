// Opens listening sockets, and knows the traps of each kind. Synchronous; done at start-up.
#pragma once

#include "base/result.hpp"
#include "net/endpoint.hpp"
#include "net/unique_fd.hpp"

#include <string>
#include <sys/types.h>

namespace siding::net {

struct TcpListenOptions {
    int backlog = 1024;  // the kernel caps it at net.core.somaxconn
    // On: "[::]:25" takes IPv6 alone, and stands beside a "0.0.0.0:25". Off: it takes both
    // families.
    bool ipv6_only = true;
};

struct UnixListenOptions {
    int backlog = 128;
    mode_t mode = 0660;
    std::string group = {};  // its gid, where the group exists and we may; else a warning
};

// The host is a literal address. Port 0 takes any free port.
Result<UniqueFd> listen_tcp(const HostPort& where, const TcpListenOptions& options = {});

// Replaces the socket file of a process that is gone. Errc::already_exists when somebody listens
// there, or when the path is not a socket.
Result<UniqueFd> listen_unix(const std::string& path, const UnixListenOptions& options = {});

// A listening stream socket from the service manager. Errc::invalid_argument for anything else.
Result<UniqueFd> adopt_listener(int descriptor);

}  // namespace siding::net
