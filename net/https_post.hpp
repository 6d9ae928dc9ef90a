// A form or a document sent to a server over HTTPS, and its answer. Follows no redirection: what is
// sent may be a secret. What answers is trusted as with https_get().
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace siding::net {

struct HttpsPostOptions {
    explicit HttpsPostOptions(asio::any_io_executor on) : blocking{std::move(on)} {}

    asio::any_io_executor blocking;      // where the trusted roots are read
    bool tls = true;                     // without it in plain text: for loopback addresses
    std::optional<std::string> ca_file;  // PEM; instead of the system's roots
    std::string content_type = "application/x-www-form-urlencoded";
    std::chrono::milliseconds timeout = std::chrono::seconds{30};  // for all of it
    std::size_t octets_max = 64 * 1024;                            // of the answer
};

// Any answer is a value, whatever its status. Errors as http_request().
awaitable<Result<HttpReply>> https_post(
    HostPort where, std::string target, std::string body, HttpsPostOptions options
);

}  // namespace siding::net
