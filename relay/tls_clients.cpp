#include "relay/tls_clients.hpp"

#include <fstream>
#include <utility>

namespace siding::relay {
namespace {

constexpr std::chrono::minutes kept_for{10};

net::TlsClient::Options make_options(const config::Server& server, const Candidate& candidate) {
    net::TlsClient::Options options;
    options.name = server.tls_name.value_or(candidate.name);
    switch (server.tls) {
    case config::ServerTls::off:
    case config::ServerTls::opportunistic:
    case config::ServerTls::required:
        options.ca_file = server.ca_file;
        break;
    case config::ServerTls::verify:
        options.verify = true;
        options.ca_file = server.ca_file;
        break;
    case config::ServerTls::fingerprint:
        options.fingerprints = server.tls_fingerprints;
        break;
    case config::ServerTls::dane:
        // RFC 7672 §8.1: the TLSA base domain is the name to ask for.
        options.name = candidate.name;
        options.other_names = candidate.other_names;
        options.tlsa = candidate.tlsa;
        break;
    }
    return options;
}

// Trust that has lost its ground must not become "any certificate will do".
Result<void> check(const config::Server& server, const net::TlsClient::Options& options) {
    if (server.tls == config::ServerTls::dane && options.tlsa.empty()) {
        return Error{Errc::unavailable, "no TLSA record for " + options.name};
    }
    if (server.tls == config::ServerTls::fingerprint && options.fingerprints.empty()) {
        return Error{Errc::invalid_argument, "tls: fingerprint without tls_fingerprints"};
    }
    return {};
}

}  // namespace

bool is_authenticated(const config::Server& server) {
    switch (server.tls) {
    case config::ServerTls::verify:
        return !server.mx || server.tls_name.has_value();
    case config::ServerTls::dane:
        return true;
    case config::ServerTls::off:
    case config::ServerTls::opportunistic:
    case config::ServerTls::required:
    case config::ServerTls::fingerprint:
        return false;
    }
    return false;
}

net::awaitable<Result<std::shared_ptr<net::TlsClient>>> TlsClients::get(
    const config::Server& server, const Candidate& candidate
) {
    net::TlsClient::Options options = make_options(server, candidate);
    SIDING_CO_TRY(check(server, options));
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(kept_, [&](const auto& entry) { return now - entry.second.made_at > kept_for; });
    const Key key{
        options.verify,
        options.name,
        options.ca_file,
        options.fingerprints,
        options.tlsa,
        options.other_names};
    if (const auto found = kept_.find(key); found != kept_.end()) {
        co_return found->second.client;
    }
    auto make = [options = std::move(options)](const queue::Store&) {
        return net::TlsClient::create(options);
    };
    auto made = co_await queue_.read(std::move(make));
    if (made) {
        kept_.insert_or_assign(key, Kept{*made, now});
    }
    co_return made;
}

net::awaitable<Result<std::string>> TlsClients::read_secret(std::string path) {
    auto read = [path = std::move(path)](const queue::Store&) -> Result<std::string> {
        std::ifstream file{path};
        std::string line;
        if (!std::getline(file, line) || line.empty()) {
            return Error{Errc::unavailable, "no secret can be read from " + path};
        }
        if (line.back() == '\r') {
            line.pop_back();
        }
        return line;
    };
    auto secret = co_await queue_.read(std::move(read));
    co_return secret;
}

}  // namespace siding::relay
