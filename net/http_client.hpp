// A blocking HTTP/1.1 client for the command line: one request, one connection. Never used by a
// daemon.
#pragma once

#include "base/limits.hpp"
#include "base/result.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace siding::net {

struct HttpCall {
    std::string method = "GET";
    HttpTarget target;
    std::string body = {};
    std::string content_type = "application/json";
};

// Takes pieces of a body; its error ends the download.
using HttpSink = std::function<Result<void>(std::string_view)>;

class HttpClient {
public:
    struct Options {
        std::string bearer_token = {};
        std::chrono::milliseconds timeout = limits::http_timeout;  // for each step, not the whole
    };

    // The daemon's Unix socket, or its loopback port.
    explicit HttpClient(std::string socket_path) : where_{std::move(socket_path)} {}
    HttpClient(std::string socket_path, Options options)
        : where_{std::move(socket_path)}, options_{std::move(options)} {}
    HttpClient(HostPort address, Options options)
        : where_{std::move(address)}, options_{std::move(options)} {}

    // Errc::unavailable means that the daemon cannot be reached, and says what to do. Any other
    // error came after it was reached: it may have done what it was asked.
    Result<HttpReply> request(const HttpCall& call) const;

    // The body of an ok() answer goes to the sink instead of the reply. An answer that is cut short
    // is an error.
    Result<HttpReply> download(const HttpCall& call, const HttpSink& sink) const;

private:
    std::variant<std::string, HostPort> where_;
    Options options_;
};

}  // namespace siding::net
