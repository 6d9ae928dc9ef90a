// The exit codes that scripts rely on (docs/operator-guide.md), and the one failure that has its
// own: nobody answers on the control socket.
#pragma once

#include "base/result.hpp"

#include <string>

namespace siding::cli {

enum class Exit {
    done = 0,
    no = 1,           // the answer is no, or the daemon refused
    usage = 2,        // the command line or a file that it names is wrong
    unreachable = 3,  // cannot reach the daemon

    // Of the doctor.
    warnings = 1,
    critical = 2,
};

// The context says what was tried and what to do.
Error unreachable(std::string context);
bool is_unreachable(const Error& error);

Exit exit_of(const Error& error);

}  // namespace siding::cli
