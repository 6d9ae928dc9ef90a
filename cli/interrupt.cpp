#include "cli/interrupt.hpp"

#include <csignal>
#include <ctime>

namespace siding::cli {

bool interrupted_within(std::chrono::milliseconds time) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const timespec timeout{
        .tv_sec = seconds.count(),
        .tv_nsec = std::chrono::nanoseconds{time - seconds}.count(),
    };
    return sigtimedwait(&set, nullptr, &timeout) == SIGINT;
}

}  // namespace siding::cli
