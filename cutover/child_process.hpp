// A program that we started: its end can be waited for, and it never outlives us, not even when we
// are killed. The kernel ties it to the thread that called start(), so call that on one that stays.
#pragma once

#include "base/result.hpp"
#include "net/unique_fd.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace siding::cutover {

class ChildProcess {
public:
    ChildProcess() = default;
    ~ChildProcess();  // SIGKILL, where it still runs
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // `arguments` start with the program's path. Both outputs are appended to `log`. The one before
    // must have ended.
    Result<void> start(std::vector<std::string> arguments, const std::filesystem::path& log);

    void kill();       // SIGKILL
    void terminate();  // SIGTERM

    bool is_running();
    // Whether it has.
    bool wait_until_ended(std::chrono::milliseconds timeout);
    // Until it has written since the last call, has ended, or the time is over.
    void wait_for_output(std::chrono::milliseconds timeout);

    bool ended_well() const { return status_ == 0; }
    std::string describe_end() const;  // "exit code 2", "signal 9"

private:
    pid_t pid_ = -1;        // until it has been waited for
    net::UniqueFd end_;     // readable once it has ended
    net::UniqueFd output_;  // readable once the log has grown
    int status_ = 0;        // of the last one
};

}  // namespace siding::cutover
