#include "cutover/child_process.hpp"

#include "net/network_error.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace siding::cutover {
namespace {

int to_poll_timeout(std::chrono::milliseconds timeout) {
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(timeout.count(), 0));
}

// Between fork and exec only what signal-safety(7) allows.
[[noreturn]] void become(char* const* arguments, int log, int nothing, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127);
    }
    ::setpgid(0, 0);  // the terminal's Ctrl-C is ours, we end the child ourselves
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

}  // namespace

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

Result<void> ChildProcess::start(
    std::vector<std::string> arguments, const std::filesystem::path& log
) {
    constexpr int mode = 0600;
    net::UniqueFd written{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode)};
    net::UniqueFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!written.valid() || !nothing.valid()) {
        return net::make_system_error("opening " + log.string());
    }
    output_ = net::UniqueFd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (::inotify_add_watch(output_.get(), log.c_str(), IN_MODIFY) < 0) {
        return net::make_system_error("watching " + log.string());
    }
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        return net::make_system_error("starting " + arguments.front());
    }
    if (child == 0) {
        become(pointers.data(), written.get(), nothing.get(), self);
    }
    pid_ = child;
    // glibc 2.36 declares pidfd_open() for C only.
    end_ = net::UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    if (!end_.valid()) {
        return net::make_system_error("watching " + arguments.front());
    }
    return {};
}

void ChildProcess::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
    }
}

void ChildProcess::terminate() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
    }
}

bool ChildProcess::is_running() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
        pid_ = -1;
        end_.reset();
    }
    return pid_ > 0;
}

bool ChildProcess::wait_until_ended(std::chrono::milliseconds timeout) {
    if (is_running()) {
        pollfd end{.fd = end_.get(), .events = POLLIN, .revents = 0};
        ::poll(&end, 1, to_poll_timeout(timeout));
    }
    return !is_running();
}

void ChildProcess::wait_for_output(std::chrono::milliseconds timeout) {
    std::array<pollfd, 2> events{
        pollfd{.fd = output_.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = end_.get(), .events = POLLIN, .revents = 0},
    };
    ::poll(events.data(), events.size(), to_poll_timeout(timeout));
    std::array<char, 4096> seen{};
    while (::read(output_.get(), seen.data(), seen.size()) > 0) {
    }
}

std::string ChildProcess::describe_end() const {
    return WIFSIGNALED(status_) ? fmt::format("signal {}", WTERMSIG(status_))
                                : fmt::format("exit code {}", WEXITSTATUS(status_));
}

}  // namespace siding::cutover
