#include "net/acceptor.hpp"

#include "base/log.hpp"
#include "net/network_error.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <chrono>
#include <sys/socket.h>
#include <utility>

namespace siding::net {
namespace {

const Logger logger{"net"};

constexpr std::chrono::milliseconds back_off{100};
// Under a flood the sessions of the thread get their turn after so many.
constexpr unsigned accepts_in_a_row_max = 64;

enum class AcceptFailure { none_waiting, connection_gone, shortage, fatal };

// accept(2): errors that belong to one connection are reported here too, and mean "try the next".
AcceptFailure classify(int number) {
    switch (number) {
    case EAGAIN:
        return AcceptFailure::none_waiting;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return AcceptFailure::shortage;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT:
        return AcceptFailure::fatal;
    default:
        return AcceptFailure::connection_gone;
    }
}

}  // namespace

Result<Stream> Accepted::open(asio::any_io_executor executor) && {
    return Stream::create(std::move(executor), std::move(socket), std::move(peer));
}

Result<Acceptor> Acceptor::create(asio::any_io_executor executor, UniqueFd listener) {
    asio::posix::stream_descriptor descriptor{std::move(executor)};
    boost::system::error_code code;
    descriptor.assign(listener.get(), code);
    if (code) {
        return Error{code, "cannot wait for connections"};
    }
    return Acceptor{std::move(descriptor), local_endpoint_of(listener.release())};
}

Acceptor::Acceptor(asio::posix::stream_descriptor descriptor, Endpoint local)
    : descriptor_{std::move(descriptor)}, local_{std::move(local)} {}

Acceptor::Round Acceptor::accept_all(
    const std::function<void(Accepted)>& on_connection, bool& short_before
) {
    for (unsigned accepted = 0; accepted < accepts_in_a_row_max; ++accepted) {
        sockaddr_storage storage{};
        socklen_t size = sizeof storage;
        auto* address = reinterpret_cast<sockaddr*>(&storage);
        const int listener = descriptor_.native_handle();
        UniqueFd socket{::accept4(listener, address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (socket.valid()) {
            short_before = false;
            on_connection(Accepted{std::move(socket), make_endpoint(address, size)});
            continue;
        }
        const int number = errno;
        switch (classify(number)) {
        case AcceptFailure::none_waiting:
            return Round::enough;
        case AcceptFailure::connection_gone:
            break;
        case AcceptFailure::shortage:
            if (!std::exchange(short_before, true)) {
                errno = number;
                logger.warn("accept_backs_off", {{"error", make_system_error(local_.text())}});
            }
            return Round::short_of_resources;
        case AcceptFailure::fatal:
            errno = number;
            return Round::broken;
        }
    }
    return Round::enough;
}

awaitable<Result<void>> Acceptor::serve(std::function<void(Accepted)> on_connection) {
    asio::steady_timer timer{descriptor_.get_executor()};
    bool is_short = false;
    Result<void> result;
    while (true) {
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            break;
        }
        const auto [code] =
            co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read, use_result);
        if (code) {
            if (code != asio::error::operation_aborted) {
                result = Error{code, "waiting for connections on " + local_.text()};
            }
            break;
        }
        const Round round = accept_all(on_connection, is_short);
        if (round == Round::broken) {
            result = make_system_error("accepting connections");
            break;
        }
        if (round == Round::short_of_resources) {
            timer.expires_after(back_off);
            const auto waited = co_await timer.async_wait(use_result);
            static_cast<void>(waited);
        }
    }
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    co_return result;
}

}  // namespace siding::net
