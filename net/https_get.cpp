#include "net/https_get.hpp"

#include "net/http_request.hpp"
#include "net/tls_client.hpp"

namespace siding::net {

awaitable<Result<HttpReply>> https_get(
    std::string host, std::string target, HttpsGetOptions options
) {
    TlsClient::Options tls;
    tls.verify = true;
    tls.name = host;
    tls.ca_file = options.ca_file;
    HttpRequestOptions request;
    SIDING_CO_ASSIGN(request.tls, TlsClient::create(std::move(tls)));
    request.method = "GET";
    request.target = std::move(target);
    request.headers = {{"Accept", "text/plain"}, {"User-Agent", "siding"}};
    request.timeout = options.timeout;
    request.response_octets_max = options.octets_max;
    request.addresses = std::move(options.addresses);
    HostPort where{std::move(host), options.port};
    auto reply = co_await http_request(std::move(where), std::move(request));
    co_return reply;
}

}  // namespace siding::net
