// The talk with the service manager: readiness, watchdog, inherited sockets. Without one
// (NOTIFY_SOCKET unset) every notify_… does nothing, so callers need not ask. Safe from any thread.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::systemd {

// `status` is the line that `systemctl status` shows.
void notify_ready(std::string_view status);
void notify_reloading();  // notify_ready follows when the reload is done, also when it failed
void notify_stopping();
void notify_status(std::string_view status);

// How often the manager wants to hear from us; nothing without a watchdog for this process. Call
// notify_watchdog at half of it.
std::optional<std::chrono::microseconds> watchdog_interval();
void notify_watchdog();

struct InheritedSocket {
    int fd;            // close-on-exec; the caller's from now on
    std::string name;  // FileDescriptorName= of the socket unit, "unknown" without one
};

// The sockets that the manager opened for us. Takes LISTEN_FDS out of the environment, so that a
// second call and child processes get none; call it before other threads run.
Result<std::vector<InheritedSocket>> inherited_sockets();

}  // namespace siding::systemd
