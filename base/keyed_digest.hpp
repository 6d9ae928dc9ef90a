// Digests that only the holder of a key can make: HMAC-SHA-256 (RFC 2104), and the slow way from a
// password to a key, PBKDF2 (RFC 8018 §5.2).
#pragma once

#include "base/digest.hpp"

#include <string_view>

namespace siding {

Digest hmac_sha256(std::string_view key, std::string_view octets);

// 32 octets. At least one iteration; 4096 of them take some milliseconds.
Digest pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations);

// In a time that does not depend on where they differ.
bool is_same_secret(std::string_view left, std::string_view right);

}  // namespace siding
