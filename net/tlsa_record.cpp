#include "net/tlsa_record.hpp"

#include "base/bytes.hpp"

namespace siding::net {

bool TlsaRecord::is_usable() const {
    // RFC 7672 §3.1.3: the certificate authorities of usages 0 and 1 are not agreed on for SMTP.
    if ((usage != 2 && usage != 3) || selector > 1) {
        return false;
    }
    switch (matching) {
    case 0:
        return !data.empty();
    case 1:
        return data.size() == 32;
    case 2:
        return data.size() == 64;
    default:
        return false;
    }
}

std::string TlsaRecord::text() const {
    return std::to_string(usage) + " " + std::to_string(selector) + " " + std::to_string(matching) +
           " " + to_hex(data);
}

}  // namespace siding::net
