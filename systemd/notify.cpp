#include "systemd/notify.hpp"

#include "base/bytes.hpp"

#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <memory>

namespace siding::systemd {
namespace {

// A manager that cannot be reached is not our failure: it will miss the watchdog and act.
void notify(const std::string& state) {
    sd_notify(/*unset_environment=*/0, state.c_str());
}

// One assignment a line, so a line break in the text would forge another one.
std::string status_line(std::string_view status) {
    constexpr std::size_t status_octets_max = 512;
    return "STATUS=" + escape(status, status_octets_max);
}

struct FreeNames {
    void operator()(char** names) const {
        for (char** name = names; name != nullptr && *name != nullptr; ++name) {
            std::free(*name);
        }
        std::free(names);
    }
};

}  // namespace

void notify_ready(std::string_view status) {
    notify("READY=1\n" + status_line(status));
}

void notify_reloading() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto micros = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", micros));
}

void notify_stopping() {
    notify("STOPPING=1");
}

void notify_status(std::string_view status) {
    notify(status_line(status));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
    std::uint64_t micros = 0;
    if (sd_watchdog_enabled(/*unset_environment=*/0, &micros) <= 0) {
        return std::nullopt;
    }
    return std::chrono::microseconds{micros};
}

void notify_watchdog() {
    notify("WATCHDOG=1");
}

Result<std::vector<InheritedSocket>> inherited_sockets() {
    char** raw = nullptr;
    const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &raw);
    const std::unique_ptr<char*, FreeNames> names{raw};
    if (count < 0) {
        return Error{
            Errc::invalid_argument,
            fmt::format("the service manager's LISTEN_FDS: {}", std::strerror(-count))};
    }
    std::vector<InheritedSocket> sockets;
    for (int i = 0; i < count; ++i) {
        const char* const name = names ? names.get()[i] : "unknown";
        sockets.push_back({SD_LISTEN_FDS_START + i, name});
    }
    return sockets;
}

}  // namespace siding::systemd
