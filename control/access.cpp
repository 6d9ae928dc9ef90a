#include "control/access.hpp"

namespace siding::control {
namespace {

// Takes the same time wherever the two differ.
bool equal_digests(const Digest& a, const Digest& b) {
    unsigned different = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
        different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    }
    return different == 0;
}

}  // namespace

Access::Access(std::string_view token) : has_token_{!token.empty()}, token_digest_{sha256(token)} {}

bool Access::allows(const net::HttpRequest& request) const {
    if (request.over_unix_socket) {
        return true;
    }
    return has_token_ && equal_digests(sha256(request.bearer_token()), token_digest_);
}

std::string Access::who(const net::HttpRequest& request) {
    return request.over_unix_socket ? request.peer : "token " + request.peer;
}

}  // namespace siding::control
