// A question to rspamd as the header fields of its HTTP protocol. Pure. What a client said goes in
// as one clean line; recipients past the bound that rspamd has for a header are left out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

struct FilterQuestion {
    FilterQuestion() = default;  // no aggregate: net/asio.hpp

    std::string client_address;
    std::string client_name;  // its PTR name; may be empty
    std::string helo;
    std::string sender;  // without <>; empty for a bounce
    std::vector<std::string> recipients;
    std::string queue_id;
    std::string tls_version;  // "TLSv1.3"; empty without TLS
    std::string tls_cipher;
    std::string hostname;      // ours
    std::uint64_t octets = 0;  // of the message, as next_piece will give them
};

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

HeaderFields make_rspamd_headers(const FilterQuestion& question);

}  // namespace siding::relay
