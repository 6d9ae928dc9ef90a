#include "dns/probe_socket.hpp"

#include <ares.h>

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace siding::dns {

void ProbeSocket::note_error(int number) {
    const bool is_just_not_yet =
        number == EAGAIN || number == EWOULDBLOCK || number == EINPROGRESS || number == EINTR;
    if (!is_just_not_yet) {
        error_number_ = number;
    }
}

void ProbeSocket::note_datagram(std::string_view octets) {
    if (octets.size() < 2) {
        return;
    }
    const unsigned high = static_cast<unsigned char>(octets[0]);
    const unsigned low = static_cast<unsigned char>(octets[1]);
    if ((high << 8 | low) == id_) {
        last_datagram_ = octets;
    } else {
        ++wrong_ids_;
    }
}

// errno is c-ares' answer: nothing may come between it and the return.
struct ProbeSocket::Calls {
    static ProbeSocket& self(void* data) { return *static_cast<ProbeSocket*>(data); }

    static ares_socket_t open(int family, int kind, int protocol, void* data) {
        const int made = ::socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        if (made < 0) {
            self(data).note_error(errno);
        } else if (kind == SOCK_DGRAM) {
            self(data).datagram_socket_ = made;
        } else {
            const int on = 1;
            ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        }
        return made;
    }

    static int close(ares_socket_t socket, void* /*data*/) { return ::close(socket); }

    static int connect(
        ares_socket_t socket, const sockaddr* address, ares_socklen_t size, void* data
    ) {
        const int status = ::connect(socket, address, size);
        if (status < 0) {
            self(data).note_error(errno);
        }
        return status;
    }

    static ares_ssize_t receive(
        ares_socket_t socket,
        void* room,
        size_t size,
        int flags,
        sockaddr* from,
        ares_socklen_t* from_size,
        void* data
    ) {
        const ares_ssize_t count = ::recvfrom(socket, room, size, flags, from, from_size);
        if (count < 0) {
            self(data).note_error(errno);
        } else if (socket == self(data).datagram_socket_) {
            self(data).note_datagram({static_cast<const char*>(room), static_cast<size_t>(count)});
        }
        return count;
    }

    static ares_ssize_t send(ares_socket_t socket, const iovec* parts, int count, void* data) {
        const ares_ssize_t sent = ::writev(socket, parts, count);
        if (sent < 0) {
            self(data).note_error(errno);
        }
        return sent;
    }
};

void ProbeSocket::attach(ares_channeldata* channel) {
    static const ares_socket_functions calls{
        Calls::open, Calls::close, Calls::connect, Calls::receive, Calls::send};
    ::ares_set_socket_functions(channel, &calls, this);
}

}  // namespace siding::dns
