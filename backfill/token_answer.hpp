// What OAuth endpoints answer: RFC 6749 §5, RFC 8628 §3.2 and §3.5. Pure. A refusal is a value; its
// words are escaped, cut, and without the secrets that were sent.
#pragma once

#include "net/http_message.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace siding::backfill {

struct TokenAnswer {
    std::string access_token;
    std::chrono::seconds lifetime{0};
    std::string refresh_token;  // empty: the one that was sent, if any, stays
};

struct DeviceCode {
    std::string device_code;  // a secret
    std::string user_code;
    std::string verification_uri;
    std::string verification_uri_complete;  // may be empty
    std::chrono::seconds lifetime{0};
    std::chrono::seconds interval{0};
};

struct TokenRefusal {
    std::string code;  // "invalid_grant"; empty where there is none
    std::string words;
    bool is_retryable = false;  // the same again, later, may succeed
};

using TokenReply = std::variant<TokenAnswer, TokenRefusal>;
using DeviceReply = std::variant<DeviceCode, TokenRefusal>;
using Secrets = std::vector<std::string>;

TokenReply read_token_reply(const net::HttpReply& reply, const Secrets& sent);
DeviceReply read_device_reply(const net::HttpReply& reply, const Secrets& sent);

// application/x-www-form-urlencoded (RFC 6749 appendix B); fields without a value are left out.
std::string format_form(const std::vector<std::pair<std::string, std::string>>& fields);

// "***" for each of them.
std::string without_secrets(std::string text, const Secrets& secrets);

}  // namespace siding::backfill
