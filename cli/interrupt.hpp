// Ctrl-C as an answer instead of an end, for the commands that watch something.
#pragma once

#include <chrono>

namespace siding::cli {

// Waits for `time`; true as soon as SIGINT comes. Blocks the signal for the calling thread, so that
// it is seen here and not between two calls.
bool interrupted_within(std::chrono::milliseconds time);

}  // namespace siding::cli
