// Our own bugs: always compiled in, says what and where, and aborts. Input is never checked with
// it.
#pragma once

#include <string_view>

namespace siding {

[[noreturn]] void fail_check(
    std::string_view what, std::string_view detail, const char* file, int line
);

}  // namespace siding

#define SIDING_CHECK(condition, detail)                                   \
    do {                                                                  \
        if (!(condition)) [[unlikely]] {                                  \
            ::siding::fail_check(#condition, detail, __FILE__, __LINE__); \
        }                                                                 \
    } while (false)

#define SIDING_UNREACHABLE(detail) ::siding::fail_check("unreachable", detail, __FILE__, __LINE__)
