#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace siding {

void fail_check(std::string_view what, std::string_view detail, const char* file, int line) {
    // No allocation and no logger: either may be what is broken.
    std::fprintf(
        stderr,
        "check_failed what=\"%.*s\" detail=\"%.*s\" at=%s:%d\n",
        static_cast<int>(what.size()),
        what.data(),
        static_cast<int>(detail.size()),
        detail.data(),
        file,
        line
    );
    std::fflush(stderr);
    std::abort();
}

}  // namespace siding
