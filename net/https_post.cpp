#include "net/https_post.hpp"

#include "net/http_request.hpp"
#include "net/run_on.hpp"
#include "net/tls_client.hpp"

#include <memory>
#include <utility>

namespace siding::net {

awaitable<Result<HttpReply>> https_post(
    HostPort where, std::string target, std::string body, HttpsPostOptions options
) {
    HttpRequestOptions request;
    if (options.tls) {
        TlsClient::Options tls;
        tls.verify = true;
        tls.name = where.host;
        tls.ca_file = options.ca_file;
        auto create = [&tls] { return TlsClient::create(std::move(tls)); };
        SIDING_CO_ASSIGN(request.tls, co_await run_on(options.blocking, create));
    }
    request.method = "POST";
    request.target = std::move(target);
    request.headers = {
        {"Accept", "application/json"},
        {"Content-Type", options.content_type},
        {"User-Agent", "siding"}};
    request.timeout = options.timeout;
    request.response_octets_max = options.octets_max;
    const std::size_t octets = body.size();
    auto left = std::make_shared<std::string>(std::move(body));
    HttpPieces pieces = [left]() -> awaitable<Result<std::string>> {
        co_return std::exchange(*left, {});
    };
    auto reply =
        co_await http_request(std::move(where), std::move(request), octets, std::move(pieces));
    co_return reply;
}

}  // namespace siding::net
