#include "cutover/doctor_hosts.hpp"
#include "net/run_on.hpp"
#include "net/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace siding::cutover {
namespace {

namespace fs = std::filesystem;

// A hold from Friday evening to Monday morning. Where nobody knows better: 65 messages for each
// mailbox, 100 kB each.
constexpr std::uint64_t message_octets = 100'000;
constexpr std::uint64_t hold_messages_per_mailbox = 65;
constexpr std::uint64_t safety = 3;
constexpr std::uint64_t free_octets_min = 2ULL << 30;
constexpr std::uint64_t free_files_min = 10'000;
constexpr double gibi = 1024.0 * 1024 * 1024;

struct Disk {
    Disk() = default;  // no aggregate: net/asio.hpp

    fs::path directory;  // that exists: data_dir, or the nearest above it
    std::uint64_t size_octets = 0;
    std::uint64_t free_octets = 0;
    std::uint64_t free_files = 0;
    bool counts_files = false;
    std::uint64_t mailboxes = 0;  // by the list of recipients
};

fs::path existing(fs::path path) {
    std::error_code ignored;
    while (path.has_relative_path() && !fs::exists(path, ignored)) {
        path = path.parent_path();
    }
    return path;
}

Result<Disk> look_at_disk(const fs::path& data_dir, const std::optional<fs::path>& recipients) {
    Disk disk;
    disk.directory = existing(data_dir);
    struct statvfs facts {};
    if (::statvfs(disk.directory.c_str(), &facts) != 0) {
        return Error{
            Errc::storage_failure,
            "cannot look at " + disk.directory.string() + ": " + std::strerror(errno)};
    }
    disk.size_octets = std::uint64_t{facts.f_blocks} * facts.f_frsize;
    disk.free_octets = std::uint64_t{facts.f_bavail} * facts.f_frsize;
    disk.free_files = facts.f_favail;
    disk.counts_files = facts.f_files > 0;
    if (recipients) {
        std::ifstream file{*recipients};
        for (std::string line; std::getline(file, line);) {
            disk.mailboxes += line.find('@') != std::string::npos && !line.starts_with('#');
        }
    }
    return disk;
}

struct Forecast {
    std::uint64_t octets = 0;
    std::string text{};
};

// By the mail that is usual, by the list of recipients, or by whichever of them is more.
Forecast make_forecast(const std::optional<UsualMail>& usual, std::uint64_t mailboxes) {
    const auto octets_of = [](double messages) {
        return static_cast<std::uint64_t>(messages) * message_octets * safety;
    };
    const double by_senders = usual ? usual->weekend_messages : 0;
    const auto by_mailboxes = static_cast<double>(mailboxes * hold_messages_per_mailbox);
    Forecast forecast;
    if (usual && by_senders >= by_mailboxes) {
        forecast.octets = octets_of(by_senders);
        forecast.text = fmt::format(
            "the usual senders of {} domain{} bring {:.0f} messages in a weekend, three times that "
            "is {:.1f} GiB (100 kB each are assumed)",
            usual->domains,
            usual->domains == 1 ? "" : "s",
            by_senders,
            static_cast<double>(forecast.octets) / gibi
        );
    } else if (mailboxes > 0) {
        forecast.octets = octets_of(by_mailboxes);
        forecast.text = fmt::format(
            "{} mailboxes need {:.1f} GiB, three times a weekend's mail ({} messages of 100 kB for "
            "each are assumed)",
            mailboxes,
            static_cast<double>(forecast.octets) / gibi,
            hold_messages_per_mailbox
        );
    } else {
        forecast.text = fmt::format(
            "no forecast: no running sidingd knows the usual senders, and there is no "
            "--recipients; "
            "{} GiB are assumed to be the least",
            free_octets_min >> 30U
        );
    }
    return forecast;
}

// --- H10 ----------------------------------------------------------------------------------------

constexpr int syncs = 16;

struct SyncTrial {
    SyncTrial() = default;  // no aggregate: net/asio.hpp

    std::string refusal;  // could not be tried
    std::string failure;  // was tried, and went wrong
    bool is_in_memory = false;
    std::chrono::microseconds each{0};
};

std::string words_of(int number) {
    return std::strerror(number);
}

SyncTrial try_to_sync(const fs::path& data_dir) {
    SyncTrial trial;
    std::error_code ignored;
    if (!fs::is_directory(data_dir, ignored)) {
        trial.refusal = data_dir.string() + " does not exist yet";
        return trial;
    }
    struct statfs facts {};
    if (::statfs(data_dir.c_str(), &facts) == 0) {
        trial.is_in_memory = facts.f_type == TMPFS_MAGIC || facts.f_type == RAMFS_MAGIC;
    }
    std::string name = (data_dir / ".siding-doctor-XXXXXX").string();
    const net::UniqueFd file{::mkostemp(name.data(), O_CLOEXEC)};
    if (file.get() < 0) {
        trial.refusal = "cannot write to " + data_dir.string() + ": " + words_of(errno) +
                        "; run the doctor as the user of sidingd";
        return trial;
    }
    ::unlink(name.c_str());
    const std::string block(4096, 's');
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < syncs && trial.failure.empty(); ++i) {
        const bool is_written =
            ::write(file.get(), block.data(), block.size()) == static_cast<ssize_t>(block.size());
        if (!is_written || ::fdatasync(file.get()) != 0) {
            trial.failure = words_of(errno);
        }
    }
    trial.each = std::chrono::duration_cast<std::chrono::microseconds>(
                     std::chrono::steady_clock::now() - begun
                 ) /
                 syncs;
    return trial;
}

}  // namespace

net::awaitable<CheckOutcome> check_disk_space(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    const auto look = [dir = facts.config->data_dir, list = facts.options.recipients] {
        return look_at_disk(dir, list);
    };
    auto looked = co_await net::run_on(facts.files, look);
    if (looked.has_error()) {
        co_return hindered(looked.error().context);
    }
    const Disk& disk = *looked;
    const std::uint64_t reserve = facts.config->storage.disk_reserve.bytes(disk.size_octets);
    const std::uint64_t room = disk.free_octets > reserve ? disk.free_octets - reserve : 0;
    const Forecast forecast = make_forecast(facts.options.usual, disk.mailboxes);
    const std::uint64_t wanted = std::max(forecast.octets, free_octets_min);
    std::string evidence = fmt::format(
        "{}: {:.1f} GiB for mail (free, without the reserve of {:.1f} GiB), some {} messages of "
        "100 kB; {}",
        disk.directory.string(),
        static_cast<double>(room) / gibi,
        static_cast<double>(reserve) / gibi,
        room / message_octets,
        forecast.text
    );
    const bool lacks_files = disk.counts_files && disk.free_files < free_files_min;
    if (lacks_files) {
        evidence += fmt::format("; {} files can be made", disk.free_files);
    }
    if (room >= wanted && !lacks_files) {
        co_return passed(evidence);
    }
    co_return failed(
        evidence,
        "When the disk is full Siding refuses new mail with 452, and senders start to wait as if "
        "there were no hold.",
        fmt::format(
            "Make room, or put the queue on a larger volume (with sidingd stopped):\n"
            "data_dir: /srv/siding      # at least {:.0f} GiB free",
            std::max(1.0, static_cast<double>(wanted + reserve) / gibi)
        )
    );
}

net::awaitable<CheckOutcome> check_disk_sync(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    const auto attempt = [dir = fs::path{facts.config->data_dir}] { return try_to_sync(dir); };
    const SyncTrial trial = co_await net::run_on(facts.files, attempt);
    if (!trial.refusal.empty()) {
        co_return not_checked(trial.refusal);
    }
    const std::string breaks = "After a power failure mail is gone that senders have a 250 for.";
    if (!trial.failure.empty()) {
        co_return failed(
            facts.config->data_dir + ": a write cannot be synced: " + trial.failure,
            breaks,
            "Look at the disk: dmesg | tail\nand put data_dir on one that works."
        );
    }
    if (trial.is_in_memory) {
        co_return failed(
            facts.config->data_dir + " is in memory (tmpfs)",
            breaks,
            "data_dir: /var/lib/siding      # on a disk"
        );
    }
    co_return passed(fmt::format(
        "{}: a synced write takes {:.2f} ms",
        facts.config->data_dir,
        std::chrono::duration<double, std::milli>{trial.each}.count()
    ));
}

}  // namespace siding::cutover
