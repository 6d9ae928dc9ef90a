#include "net/listener.hpp"

#include "base/log.hpp"
#include "net/network_error.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace siding::net {
namespace {

const Logger logger{"net"};

constexpr int socket_type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

void switch_option(int socket, int level, int option, bool on) {
    const int value = on ? 1 : 0;
    ::setsockopt(socket, level, option, &value, sizeof value);
}

struct UnixAddress {
    static Result<UnixAddress> create(const std::string& path) {
        UnixAddress address;
        if (path.empty() || path.size() >= sizeof address.raw.sun_path) {
            return Error{
                Errc::invalid_argument,
                "socket path \"" + path + "\" must have 1 to " +
                    std::to_string(sizeof address.raw.sun_path - 1) + " octets"};
        }
        address.raw.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.raw.sun_path);
        return address;
    }

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&raw); }

    sockaddr_un raw{};
};

bool somebody_listens(const UnixAddress& address) {
    const UniqueFd probe{::socket(AF_UNIX, socket_type, 0)};
    return ::connect(probe.get(), address.get(), sizeof address.raw) == 0 || errno != ECONNREFUSED;
}

Result<void> remove_stale(const std::string& path, const UnixAddress& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return make_system_error(path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return Error{Errc::already_exists, path + " exists and is not a socket; remove it"};
    }
    if (somebody_listens(address)) {
        return Error{Errc::already_exists, "another process listens on " + path};
    }
    if (::unlink(path.c_str()) != 0) {
        return make_system_error("cannot remove the stale socket " + path);
    }
    logger.info("stale_socket_removed", {{"path", path}});
    return {};
}

Result<void> bind_unix(int socket, const std::string& path, const UnixAddress& address) {
    if (::bind(socket, address.get(), sizeof address.raw) == 0) {
        return {};
    }
    if (errno != EADDRINUSE) {
        return make_system_error("cannot listen on " + path);
    }
    SIDING_TRY(remove_stale(path, address));
    if (::bind(socket, address.get(), sizeof address.raw) != 0) {
        return make_system_error("cannot listen on " + path);
    }
    return {};
}

void give_to_group(const std::string& path, const std::string& group) {
    std::array<char, 16 * 1024> storage;
    struct group entry {};
    struct group* found = nullptr;
    ::getgrnam_r(group.c_str(), &entry, storage.data(), storage.size(), &found);
    if (found == nullptr) {
        logger.warn("socket_group_missing", {{"path", path}, {"group", group}});
    } else if (::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) {
        const Error error = make_system_error("chown " + path);
        logger.warn("socket_group_refused", {{"group", group}, {"error", error}});
    }
}

}  // namespace

Result<UniqueFd> listen_tcp(const HostPort& where, const TcpListenOptions& options) {
    boost::system::error_code code;
    const auto host = boost::asio::ip::make_address(where.host, code);
    if (code) {
        return Error{
            Errc::invalid_argument,
            "cannot listen on " + where.text() + ": the host must be an IP address"};
    }
    const boost::asio::ip::tcp::endpoint endpoint{host, where.port};
    UniqueFd socket{::socket(endpoint.protocol().family(), socket_type, IPPROTO_TCP)};
    if (!socket.valid()) {
        return make_system_error("cannot listen on " + where.text());
    }
    switch_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, true);
    if (host.is_v6()) {
        switch_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only);
    }
    const auto size = static_cast<socklen_t>(endpoint.size());
    if (::bind(socket.get(), endpoint.data(), size) != 0 ||
        ::listen(socket.get(), options.backlog) != 0) {
        return make_system_error("cannot listen on " + where.text());
    }
    return socket;
}

Result<UniqueFd> listen_unix(const std::string& path, const UnixListenOptions& options) {
    SIDING_ASSIGN(const UnixAddress address, UnixAddress::create(path));
    UniqueFd socket{::socket(AF_UNIX, socket_type, 0)};
    if (!socket.valid()) {
        return make_system_error("cannot listen on " + path);
    }
    SIDING_TRY(bind_unix(socket.get(), path, address));
    // Before listen(): until then nobody can connect, whatever the umask left open.
    if (::chmod(path.c_str(), options.mode) != 0) {
        return make_system_error("cannot set the mode of " + path);
    }
    if (!options.group.empty()) {
        give_to_group(path, options.group);
    }
    if (::listen(socket.get(), options.backlog) != 0) {
        return make_system_error("cannot listen on " + path);
    }
    return socket;
}

Result<UniqueFd> adopt_listener(int descriptor) {
    UniqueFd socket{descriptor};
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        listening == 0) {
        socket.release();  // not ours to close
        return Error{
            Errc::invalid_argument,
            "inherited descriptor " + std::to_string(descriptor) + " is not a listening socket"};
    }
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
        return make_system_error("inherited descriptor " + std::to_string(descriptor));
    }
    return socket;
}

}  // namespace siding::net
