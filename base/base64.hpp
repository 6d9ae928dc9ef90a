// RFC 4648 §4, with padding.
#pragma once

#include <string>
#include <string_view>

namespace siding {

std::string to_base64(std::string_view octets);

}  // namespace siding
