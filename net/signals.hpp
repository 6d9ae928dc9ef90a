// The process's signals as values, one at a time. One instance per process, in main's hands.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"

#include <boost/asio/signal_set.hpp>

namespace siding::net {

enum class Signal {
    stop,    // SIGTERM, SIGINT
    reload,  // SIGHUP
};

class Signals {
public:
    // From here on the signals no longer end the process.
    explicit Signals(asio::any_io_executor executor);

    // The only error is is_cancelled().
    awaitable<Result<Signal>> next();

private:
    asio::signal_set set_;
};

}  // namespace siding::net
