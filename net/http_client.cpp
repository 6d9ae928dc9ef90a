#include "net/http_client.hpp"

#include "net/network_error.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <span>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

namespace siding::net {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::buffer_body>;
using boost::system::error_code;

constexpr std::size_t reply_octets_max = 64 * 1024 * 1024;  // of an answer kept in memory

Error unreachable(const std::string& where, int number) {
    const std::string reason = boost::system::system_category().message(number);
    const char* hint = number == EACCES || number == EPERM
                           ? "use sudo, or join the group that owns the socket"
                           : "is the daemon running? (systemctl status 'siding*')";
    return {
        Errc::unavailable,
        fmt::format("cannot reach the daemon at {}: {}; {}", where, reason, hint)};
}

void limit_waits(int socket, std::chrono::milliseconds timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    timeval value{};
    value.tv_sec = seconds.count();
    value.tv_usec = std::chrono::microseconds{timeout - seconds}.count();
    // On Linux SO_SNDTIMEO bounds connect() too.
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

Result<UniqueFd> open_unix(const std::string& path, std::chrono::milliseconds timeout) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return Error{Errc::invalid_argument, "\"" + path + "\" is no path for a socket"};
    }
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    limit_waits(socket.get(), timeout);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return unreachable(path, errno);
    }
    return socket;
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<UniqueFd> open_tcp(const HostPort& where, std::chrono::milliseconds timeout) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(where.port);
    const int failure = ::getaddrinfo(where.host.c_str(), port.c_str(), &hints, &found);
    if (failure != 0) {
        return Error{
            Errc::unavailable,
            fmt::format(
                "cannot reach the daemon at {}: {}", where.text(), ::gai_strerror(failure)
            )};
    }
    const std::unique_ptr<addrinfo, FreeAddresses> list{found};
    int number = EADDRNOTAVAIL;
    for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
        UniqueFd socket{::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        limit_waits(socket.get(), timeout);
        if (::connect(socket.get(), entry->ai_addr, entry->ai_addrlen) == 0) {
            return socket;
        }
        number = errno;
    }
    return unreachable(where.text(), number);
}

Result<void> send_all(int socket, std::string_view octets) {
    while (!octets.empty()) {
        const auto count = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return errno == EAGAIN ? make_timeout("sending the request")
                                   : make_system_error("sending the request");
        }
        octets.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

// 0 at the end of the connection.
Result<std::size_t> receive(int socket, std::span<char> room) {
    while (true) {
        const auto count = ::recv(socket, room.data(), room.size(), 0);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN) {
            return make_timeout("waiting for the daemon's answer");
        }
        if (errno != EINTR) {
            return make_system_error("waiting for the daemon's answer");
        }
    }
}

std::string format_request(const HttpCall& call, const std::string& bearer_token) {
    std::string text = fmt::format(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
        call.method,
        format_target(call.target),
        call.body.size()
    );
    if (!call.body.empty()) {
        text += fmt::format("Content-Type: {}\r\n", call.content_type);
    }
    if (!bearer_token.empty()) {
        text += fmt::format("Authorization: Bearer {}\r\n", bearer_token);
    }
    return text + "\r\n" + call.body;
}

// Reads one answer, handing its body on in pieces as they come.
class Reader {
public:
    Reader(int socket, const HttpSink& sink, HttpReply& reply)
        : socket_{socket}, sink_{sink}, reply_{reply} {
        parser_.body_limit(boost::none);
        parser_.eager(true);
    }

    Result<void> run() {
        while (!parser_.is_done()) {
            SIDING_TRY(receive_more());
            while (!pending_.empty() && !parser_.is_done()) {
                SIDING_ASSIGN(const bool progress, parse());
                if (!progress) {
                    break;
                }
            }
        }
        note_header();
        return {};
    }

private:
    Result<void> receive_more() {
        std::array<char, 64 * 1024> room;
        SIDING_ASSIGN(const std::size_t count, receive(socket_, room));
        pending_.append(room.data(), count);
        error_code code;
        if (count == 0) {
            parser_.put_eof(code);
            if (code || !parser_.is_done()) {
                return Error{
                    error_code{asio::error::eof}, "the daemon's answer ended in the middle"};
            }
        }
        return {};
    }

    Result<bool> parse() {
        std::array<char, 64 * 1024> room;
        auto& body = parser_.get().body();
        body.data = room.data();
        body.size = room.size();
        error_code code;
        const std::size_t used = parser_.put(asio::buffer(pending_), code);
        pending_.erase(0, used);
        const std::size_t produced = room.size() - body.size;
        note_header();
        if (produced > 0) {
            SIDING_TRY(deliver({room.data(), produced}));
        }
        if (code && code != http::error::need_more && code != http::error::need_buffer) {
            return Error{code, "the daemon's answer is not HTTP"};
        }
        return used > 0;
    }

    void note_header() {
        if (!parser_.is_header_done() || reply_.status != 0) {
            return;
        }
        const auto type = parser_.get()[http::field::content_type];
        reply_.status = parser_.get().result_int();
        reply_.content_type.assign(type.data(), type.size());
    }

    Result<void> deliver(std::string_view octets) {
        if (sink_ && reply_.ok()) {
            return sink_(octets);
        }
        if (reply_.body.size() + octets.size() > reply_octets_max) {
            return Error{Errc::limit_exceeded, "the daemon's answer is too large"};
        }
        reply_.body.append(octets);
        return {};
    }

    int socket_;
    const HttpSink& sink_;
    HttpReply& reply_;
    Parser parser_;
    std::string pending_;
};

}  // namespace

Result<HttpReply> HttpClient::request(const HttpCall& call) const {
    return download(call, {});
}

Result<HttpReply> HttpClient::download(const HttpCall& call, const HttpSink& sink) const {
    const auto* path = std::get_if<std::string>(&where_);
    auto opened = path != nullptr ? open_unix(*path, options_.timeout)
                                  : open_tcp(std::get<HostPort>(where_), options_.timeout);
    SIDING_ASSIGN(const UniqueFd socket, std::move(opened));
    const auto sent = send_all(socket.get(), format_request(call, options_.bearer_token));
    // A request that is refused early is answered before it has been read: look for the answer.
    HttpReply reply;
    Reader reader{socket.get(), sink, reply};
    const auto received = reader.run();
    if (received.has_error()) {
        return sent.has_error() ? sent.error() : received.error();
    }
    return reply;
}

}  // namespace siding::net
