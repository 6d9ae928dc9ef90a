// RFC 4648 §4, with padding.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding {

std::string to_base64(std::string_view octets);
// Errc::invalid_argument for what is no base64: other characters, padding that is missing or
// misplaced.
Result<std::string> from_base64(std::string_view text);

}  // namespace siding
