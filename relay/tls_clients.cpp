#include "relay/tls_clients.hpp"

#include <utility>

namespace siding::relay {
namespace {

constexpr std::chrono::minutes kept_for{10};

}  // namespace

net::awaitable<Result<std::shared_ptr<net::TlsClient>>> TlsClients::get(const config::Server& server
) {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(kept_, [&](const auto& entry) { return now - entry.second.made_at > kept_for; });
    const Key key{
        server.tls == config::ServerTls::verify,
        server.tls_name.value_or(server.address.host),
        server.ca_file};
    if (const auto found = kept_.find(key); found != kept_.end()) {
        co_return found->second.client;
    }
    auto make = [key](const queue::Store&) {
        net::TlsClient::Options options;
        std::tie(options.verify, options.name, options.ca_file) = key;
        return net::TlsClient::create(std::move(options));
    };
    auto made = co_await queue_.read(std::move(make));
    if (made) {
        kept_.insert_or_assign(key, Kept{*made, now});
    }
    co_return made;
}

}  // namespace siding::relay
