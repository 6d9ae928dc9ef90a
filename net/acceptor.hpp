// Hands out the connections of one listening socket, and rides out a shortage of descriptors.
// Knows nothing of what is spoken on them.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/stream.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>

namespace siding::net {

struct Accepted {
    UniqueFd socket;
    Endpoint peer;

    // The session's executor for life: accepted.open(runtime.next_io()).
    Result<Stream> open(asio::any_io_executor executor) &&;
};

class Acceptor {
public:
    // A non-blocking listening socket (net/listener.hpp).
    static Result<Acceptor> create(asio::any_io_executor executor, UniqueFd listener);

    const Endpoint& local() const { return local_; }  // the real port where 0 was asked for

    // Calls `on_connection` for each until the task is cancelled, then closes the listening socket
    // and gives no error. A connection that `on_connection` lets go of is closed. The path of a
    // Unix socket stays, the next listen_unix() replaces it.
    awaitable<Result<void>> serve(std::function<void(Accepted)> on_connection);

private:
    Acceptor(asio::posix::stream_descriptor descriptor, Endpoint local);

    enum class Round { enough, short_of_resources, broken };
    Round accept_all(const std::function<void(Accepted)>& on_connection, bool& short_before);

    asio::posix::stream_descriptor descriptor_;
    Endpoint local_;
};

}  // namespace siding::net
