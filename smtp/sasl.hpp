// SASL for submission to a next hop (RFC 4954, RFC 4616 PLAIN, LOGIN, XOAUTH2), the client's side:
// which mechanism, and what is said in which turn. Pure; whoever logs octets must not log these.
#pragma once

#include "smtp/reply.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

enum class SaslMechanism { plain, login, xoauth2 };

std::string_view to_text(SaslMechanism mechanism);  // "XOAUTH2"

struct Credentials {
    std::string user;
    std::string secret;                      // a password, or the token of XOAUTH2
    std::optional<SaslMechanism> mechanism;  // nothing: PLAIN, else LOGIN, as the server offers
};

// The mechanisms of the EHLO reply that we have ("AUTH PLAIN LOGIN", "AUTH=LOGIN").
std::vector<SaslMechanism> parse_auth_offer(const Reply& ehlo);

// Nothing when the server offers none that we may use.
std::optional<SaslMechanism> choose_mechanism(
    const Credentials& credentials, const std::vector<SaslMechanism>& offered
);

// One exchange: start() is the first line, on_challenge() the answer to each 334, with CRLF.
class SaslExchange {
public:
    SaslExchange(SaslMechanism mechanism, Credentials credentials)
        : mechanism_{mechanism}, credentials_{std::move(credentials)} {}

    std::string start();
    // "*" gives up, where the server asks for more than the mechanism has (RFC 4954 §4).
    std::string on_challenge();

private:
    SaslMechanism mechanism_;
    Credentials credentials_;
    unsigned challenges_ = 0;
};

}  // namespace siding::smtp
