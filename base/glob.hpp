// Patterns as people write them for names: `*` is any run of octets, also an empty one, `?` is one
// octet, all else is itself. The whole text must match. No backtracking over more than one `*`.
#pragma once

#include <string_view>

namespace siding {

bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace siding
