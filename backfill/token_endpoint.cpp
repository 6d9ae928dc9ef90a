#include "backfill/token_endpoint.hpp"

#include "backfill/secret.hpp"
#include "base/bytes.hpp"
#include "net/https_post.hpp"
#include "net/network_error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {

Result<TokenUrl> parse_token_url(const std::string& url) {
    constexpr std::uint16_t https_port = 443;
    constexpr std::uint16_t http_port = 80;
    const bool tls = url.starts_with("https://");
    const Error wrong{
        Errc::invalid_argument,
        escape(url) +
            " is not accepted; allowed: https://host/path, or http:// with a loopback address"};
    if ((!tls && !url.starts_with("http://")) || url.find_first_of(" \"<>\\#") != url.npos) {
        return wrong;
    }
    const std::string rest = url.substr(url.find("://") + 3);
    const auto end = std::min(rest.size(), rest.find_first_of("/?"));
    const auto host = config::parse_endpoint(rest.substr(0, end), tls ? https_port : http_port);
    if (!host || host->port == 0 || (!tls && !config::is_loopback_address(host->host))) {
        return wrong;
    }
    TokenUrl parsed;
    parsed.tls = tls;
    parsed.where = {host->host, host->port};
    parsed.target = rest.substr(end);
    if (!parsed.target.starts_with('/')) {
        parsed.target.insert(0, "/");
    }
    return parsed;
}

Result<std::string> read_client_secret(const config::TokenSource& tokens) {
    if (!tokens.client_secret_file) {
        return std::string{};
    }
    return Secret{Secret::Kind::file, *tokens.client_secret_file}.read();
}

net::awaitable<Result<net::HttpReply>> ask_endpoint(
    std::string url,
    config::TokenSource tokens,
    std::string form,
    net::asio::any_io_executor blocking
) {
    SIDING_CO_ASSIGN(TokenUrl parsed, parse_token_url(url));
    net::HttpsPostOptions options{std::move(blocking)};
    options.tls = parsed.tls;
    options.ca_file = tokens.ca_file;
    const std::string name = "the token endpoint " + parsed.where.text();
    auto reply = co_await net::https_post(
        std::move(parsed.where), std::move(parsed.target), std::move(form), std::move(options)
    );
    if (reply) {
        co_return reply;
    }
    Error error = std::move(reply).error();
    const bool is_final = net::is_tls_failure(error) || net::is_cancelled(error) ||
                          error.is(Errc::invalid_argument) || error.is(Errc::not_found);
    if (is_final) {
        co_return with_context(std::move(error), name);
    }
    co_return Error{Errc::unavailable, fmt::format("{}: {}", name, error.message())};
}

}  // namespace siding::backfill
