// Who asks, and may they? On the Unix socket the socket's mode has decided; on TCP a bearer token
// does (RFC 6750 §2.1). Health and metrics are for anybody who can connect.
#pragma once

#include "base/digest.hpp"
#include "net/http_message.hpp"

#include <string>
#include <string_view>

namespace siding::control {

class Access {
public:
    // Without a token no request over TCP is allowed.
    explicit Access(std::string_view token);

    bool allows(const net::HttpRequest& request) const;

    // For the audit trail: "uid:1000 alice", or "token 127.0.0.1:40112".
    static std::string who(const net::HttpRequest& request);

private:
    bool has_token_;
    Digest token_digest_;
};

}  // namespace siding::control
