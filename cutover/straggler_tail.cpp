#include "cutover/straggler_tail.hpp"

#include "base/limits.hpp"
#include "cutover/log_time.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace siding::cutover {
namespace {

constexpr std::size_t piece_octets = 64 * 1024;

Error failed(const std::filesystem::path& path) {
    return {
        errno == ENOENT ? Errc::not_found : Errc::unavailable,
        fmt::format("cannot read the log {}: {}", path.string(), std::strerror(errno))};
}

}  // namespace

StragglerTail::StragglerTail(
    std::filesystem::path file, std::optional<std::chrono::minutes> utc_offset
)
    : path_{std::move(file)}, utc_offset_{utc_offset}, log_{LogTime{}} {}

StragglerTail::~StragglerTail() {
    close_log();
}

StragglerTail::StragglerTail(StragglerTail&& other) noexcept
    : path_{std::move(other.path_)},
      utc_offset_{other.utc_offset_},
      log_{std::move(other.log_)},
      descriptor_{std::exchange(other.descriptor_, -1)},
      inode_{other.inode_},
      offset_{other.offset_},
      rest_{std::move(other.rest_)},
      skipping_{other.skipping_},
      was_open_{other.was_open_} {}

Result<std::vector<LoggedMail>> StragglerTail::poll(WallTime now) {
    log_.set_time({now, utc_offset_.value_or(local_offset(now))});
    std::vector<LoggedMail> mails;
    std::uint64_t octets_left = limits::log_poll_octets_max;
    while (octets_left > 0) {
        if (descriptor_ < 0) {
            SIDING_TRY(open_log());
        }
        SIDING_ASSIGN(const bool at_end, read_more(octets_left, mails));
        if (!at_end) {
            break;
        }
        struct stat there {};
        if (::stat(path_.c_str(), &there) != 0 || there.st_ino == inode_) {
            break;  // being rotated just now, or all read
        }
        // What was written between the two looks.
        SIDING_TRY(read_more(octets_left, mails));
        close_log();
    }
    for (LoggedMail& mail : mails) {
        mail.at = std::min(mail.at, now);
    }
    return mails;
}

Result<void> StragglerTail::open_log() {
    struct stat facts {};
    std::filesystem::path file = path_;
    file += ".1";
    const bool is_rotated = ::stat(path_.c_str(), &facts) == 0 && facts.st_ino != inode_ &&
                            ::stat(file.c_str(), &facts) == 0 && facts.st_ino == inode_ &&
                            !was_open_;
    file = is_rotated ? file : path_;
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return failed(file);
    }
    if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(descriptor);
        return Error{Errc::unavailable, fmt::format("the log {} is no file", path_.string())};
    }
    was_open_ = true;
    if (facts.st_ino != inode_ || static_cast<std::uint64_t>(facts.st_size) < offset_) {
        start_over();
    }
    descriptor_ = descriptor;
    inode_ = facts.st_ino;
    return {};
}

// True at the end of what is there.
Result<bool> StragglerTail::read_more(std::uint64_t& octets_left, std::vector<LoggedMail>& mails) {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) == 0 && static_cast<std::uint64_t>(facts.st_size) < offset_) {
        start_over();  // copied away and cut short
    }
    while (octets_left > 0) {
        std::string piece(piece_octets, '\0');
        const ssize_t got =
            ::pread(descriptor_, piece.data(), piece.size(), static_cast<off_t>(offset_));
        if (got < 0) {
            Error error = failed(path_);
            close_log();
            return error;
        }
        if (got == 0) {
            return true;
        }
        const auto count = static_cast<std::uint64_t>(got);
        offset_ += count;
        octets_left -= std::min(octets_left, count);
        rest_.append(piece, 0, static_cast<std::size_t>(got));
        take_lines(mails);
    }
    return false;
}

void StragglerTail::start_over() {
    offset_ = 0;
    rest_.clear();
    skipping_ = false;
    log_.forget_marks();
}

void StragglerTail::take_lines(std::vector<LoggedMail>& mails) {
    const std::uint64_t begin = offset_ - rest_.size();
    std::size_t from = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
        if (!std::exchange(skipping_, false)) {
            log_.set_mark(begin + from);
            log_.take(std::string_view{rest_}.substr(from, end - from), mails);
        }
        from = end + 1;
    }
    rest_.erase(0, from);
    if (rest_.size() > limits::log_line_octets_max) {
        rest_.clear();
        skipping_ = true;
    }
}

void StragglerTail::close_log() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

std::string StragglerTail::position() const {
    return fmt::format("{} {}", inode_, log_.oldest_mark().value_or(offset_ - rest_.size()));
}

void StragglerTail::resume(std::string_view position) {
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    const char* const end = position.data() + position.size();
    const auto first = std::from_chars(position.data(), end, inode);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') {
        return;
    }
    const auto second = std::from_chars(first.ptr + 1, end, offset);
    if (second.ec != std::errc{} || second.ptr != end) {
        return;
    }
    close_log();
    inode_ = inode;
    offset_ = offset;
    rest_.clear();
    skipping_ = false;
    was_open_ = false;
}

}  // namespace siding::cutover
