#include "queue/watermark.hpp"

#include "queue/frame.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

namespace siding::queue {
namespace {

constexpr std::size_t slot_octets = 512;  // a sector, so that the slots tear apart

Error system_error(const std::string& what) {
    return Error{boost::system::error_code{errno, boost::system::system_category()}, what};
}

std::optional<std::uint64_t> read_slot(int fd, int slot) {
    std::array<char, slot_octets> octets{};
    const auto offset = static_cast<off_t>(slot) * static_cast<off_t>(slot_octets);
    if (pread(fd, octets.data(), octets.size(), offset) != static_cast<ssize_t>(octets.size())) {
        return std::nullopt;
    }
    const std::string_view stored{octets.data(), frame_octets + 20};
    const auto payload = unseal(stored, "acked.mark");
    std::uint64_t value = 0;
    if (!payload ||
        std::from_chars(payload->data(), payload->data() + 20, value).ec != std::errc{}) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

Result<Watermark> Watermark::open(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return system_error("open " + file.string());
    }
    const auto first = read_slot(fd, 0);
    const auto second = read_slot(fd, 1);
    const bool newer_is_second = second.value_or(0) >= first.value_or(0);
    return Watermark{fd, std::max(first.value_or(0), second.value_or(0)), newer_is_second ? 0 : 1};
}

Watermark::~Watermark() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Watermark::Watermark(Watermark&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)}, value_{other.value_}, slot_{other.slot_} {}

Result<void> Watermark::advance(std::uint64_t commit_sequence) {
    std::string octets = seal(fmt::format("{:020}", commit_sequence));
    octets.resize(slot_octets, '\0');
    const auto offset = static_cast<off_t>(slot_) * static_cast<off_t>(slot_octets);
    if (pwrite(fd_, octets.data(), octets.size(), offset) != static_cast<ssize_t>(octets.size()) ||
        fdatasync(fd_) != 0) {
        return system_error("write of the acked watermark");
    }
    value_ = commit_sequence;
    slot_ = 1 - slot_;
    return {};
}

}  // namespace siding::queue
