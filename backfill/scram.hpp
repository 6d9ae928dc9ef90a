// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. Pure: the nonce
// comes from outside. Texts are what stands inside base64.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

class ScramClient {
public:
    // The nonce: printable ASCII without a comma. `authzid` may be empty.
    ScramClient(std::string user, std::string password, std::string authzid, std::string nonce);

    std::string first() const;
    // The answer to the server's first message. Errc::corrupt when that is none, or is meant for
    // another client.
    Result<std::string> on_server_first(std::string_view text);
    // Whether the server knows the password, too: Errc::invalid_argument when it does not.
    Result<void> on_server_final(std::string_view text) const;

private:
    std::string header() const;  // gs2-header

    std::string user_;
    std::string password_;
    std::string authzid_;
    std::string nonce_;
    std::string server_signature_;
};

}  // namespace siding::backfill
