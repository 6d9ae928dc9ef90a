#include "cutover/doctor_hosts.hpp"
#include "net/run_on.hpp"

#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/timex.h>

namespace siding::cutover {
namespace {

namespace fs = std::filesystem;

constexpr long error_us_max = 1'000'000;

struct ClockView {
    ClockView() = default;  // no aggregate: net/asio.hpp

    bool is_readable = false;
    bool is_synchronised = false;
    long error_us = 0;
    bool is_container = false;  // the host's business
};

ClockView look_at_clock() {
    ClockView view;
    timex facts{};
    const int state = ::adjtimex(&facts);
    view.is_readable = state >= 0;
    view.is_synchronised = view.is_readable && (facts.status & STA_UNSYNC) == 0;
    view.error_us = facts.maxerror;
    std::error_code ignored;
    if (fs::exists("/run/systemd/timesync/synchronized", ignored)) {
        view.is_synchronised = true;
        view.error_us = 0;
    }
    view.is_container = fs::exists("/.dockerenv", ignored) ||
                        fs::exists("/run/.containerenv", ignored) ||
                        fs::exists("/run/systemd/container", ignored);
    return view;
}

// --- H23 ----------------------------------------------------------------------------------------

std::string first_line(const fs::path& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

// "Max open files   1024   524288   files": the soft limit.
std::uint64_t open_files_of(const fs::path& process) {
    std::ifstream file{process / "limits"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Max open files")) {
            std::istringstream words{line.substr(14)};
            std::string soft;
            words >> soft;
            std::uint64_t number = 0;
            const auto read = std::from_chars(soft.data(), soft.data() + soft.size(), number);
            return read.ec == std::errc{} ? number : UINT64_MAX;  // "unlimited"
        }
    }
    return 0;
}

// Whether the process was started with that configuration.
bool has_argument(const fs::path& process, const fs::path& file) {
    std::ifstream words{process / "cmdline", std::ios::binary};
    std::error_code failed;
    const fs::path start = fs::read_symlink(process / "cwd", failed);
    for (std::string word; std::getline(words, word, '\0');) {
        if (!word.empty() && fs::equivalent(start / word, file, failed) && !failed) {
            return true;
        }
    }
    return false;
}

struct Daemon {
    Daemon() = default;  // no aggregate: net/asio.hpp

    std::string pid;
    std::uint64_t open_files = 0;
};

std::vector<Daemon> running_daemons(const fs::path& config_file) {
    std::vector<Daemon> found;
    std::error_code failed;
    for (fs::directory_iterator at{"/proc", failed}, end; !failed && at != end;
         at.increment(failed)) {
        const std::string pid = at->path().filename().string();
        const bool is_process = pid.find_first_not_of("0123456789") == std::string::npos;
        if (!is_process || first_line(at->path() / "comm") != "sidingd" ||
            !has_argument(at->path(), config_file)) {
            continue;
        }
        Daemon daemon;
        daemon.pid = pid;
        daemon.open_files = open_files_of(at->path());
        if (daemon.open_files > 0) {  // else it is another user's
            found.push_back(std::move(daemon));
        }
    }
    return found;
}

}  // namespace

net::awaitable<CheckOutcome> check_bounces(const DoctorFacts&) {
    co_return passed(
        "what a server refuses for good is parked; senders are told by your order alone (siding "
        "queue discard --dsn)"
    );
}

net::awaitable<CheckOutcome> check_clock(const DoctorFacts& facts) {
    const auto look = [] { return look_at_clock(); };
    const ClockView view = co_await net::run_on(facts.files, look);
    if (!view.is_readable) {
        co_return hindered("the kernel does not tell about its clock");
    }
    if (view.is_synchronised && view.error_us < error_us_max) {
        co_return passed(
            "synchronised" +
            (view.error_us > 0 ? fmt::format(", wrong by {} ms at most", view.error_us / 1000 + 1)
                               : std::string{})
        );
    }
    if (view.is_container) {
        co_return not_checked("a container has its host's clock: look there, with chronyc tracking"
        );
    }
    co_return failed(
        view.is_synchronised
            ? fmt::format("the clock may be wrong by {} ms", view.error_us / 1000)
            : "nothing keeps the clock right: the kernel says that it is not synchronised",
        "Received lines from the future look like spam, and DKIM signatures are judged by the "
        "wrong time.",
        "apt install chrony && chronyc tracking"
    );
}

net::awaitable<CheckOutcome> check_file_limit(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    const auto look = [file = facts.options.config_file] { return running_daemons(file); };
    const std::vector<Daemon> daemons = co_await net::run_on(facts.files, look);
    if (daemons.empty()) {
        co_return not_checked(
            "no sidingd that we may look at runs here with this file; its unit asks for "
            "LimitNOFILE=65536"
        );
    }
    // A client each, with a content filter one more, and the files of the queue.
    const std::uint64_t needed =
        facts.config->limits.connections * (facts.config->filter.rspamd ? 2 : 1) + 2048;
    std::vector<std::string> seen;
    bool is_enough = true;
    for (const Daemon& daemon : daemons) {
        is_enough = is_enough && daemon.open_files >= needed;
        seen.push_back(fmt::format("sidingd {} may open {} files", daemon.pid, daemon.open_files));
    }
    const std::string evidence =
        as_list(seen) + fmt::format(
                            "; limits.connections is {}, so it may need {}",
                            facts.config->limits.connections,
                            needed
                        );
    if (is_enough) {
        co_return passed(evidence);
    }
    co_return failed(
        evidence,
        "With many senders at once new connections are not taken; they try again later.",
        fmt::format(
            "systemctl edit siding\n[Service]\nLimitNOFILE={}\nthen: systemctl restart siding",
            std::max<std::uint64_t>(65536, needed)
        )
    );
}

}  // namespace siding::cutover
