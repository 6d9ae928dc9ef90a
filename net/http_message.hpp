// What the control APIs say to each other, as plain values. Knows no sockets and no JSON.
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::net {

using HttpQuery = std::map<std::string, std::string, std::less<>>;
using HttpHeaders = std::map<std::string, std::string, std::less<>>;

struct HttpRequest {
    std::string method;   // "GET", "POST", …; a HEAD arrives as GET
    std::string path;     // decoded: "/v1/queue"
    HttpQuery query;      // decoded
    HttpHeaders headers;  // names in lower case
    std::string body;
    std::string peer;               // for the audit trail: "uid:1000 alice" or "127.0.0.1:40112"
    bool over_unix_socket = false;  // then the socket's mode has authorised the peer

    std::string_view bearer_token() const;  // RFC 6750 §2.1; empty without one
};

// The next piece of a long body, nothing at its end. An error cuts the connection, so that the
// client cannot take the part for the whole.
using HttpBodyProducer = std::function<awaitable<Result<std::optional<std::string>>>()>;

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    HttpBodyProducer produce = nullptr;  // instead of body: sent in chunks as it comes
    std::vector<std::pair<std::string, std::string>> headers = {};  // trusted text
};

// An answer as a client of ours sees it.
struct HttpReply {
    unsigned status = 0;
    std::string content_type;
    std::string body;

    bool ok() const { return status >= 200 && status < 300; }
};

using HttpHandler = std::function<awaitable<HttpResponse>(const HttpRequest&)>;

struct HttpTarget {
    std::string path;
    HttpQuery query = {};
};

// RFC 3986 §3.3, §3.4 with '+' for a space in the query. Errc::invalid_argument for bad escapes, a
// parameter given twice, or anything but an absolute path.
Result<HttpTarget> parse_target(std::string_view text);
std::string format_target(const HttpTarget& target);

}  // namespace siding::net
