// A whole log file, plain or gzip, through its reader. Blocks.
#pragma once

#include "base/result.hpp"
#include "cutover/sender_log.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace siding::cutover {

struct LogSummary {
    LogFormat format = LogFormat::plain;
    std::uint64_t lines = 0;
    std::uint64_t understood = 0;  // lines of that format
    std::uint64_t mails = 0;
};

// Errc::not_found, Errc::unavailable: cannot be read. Errc::invalid_argument: not a log of that
// format, or, without one, of no format that is known; the context is a line for the operator.
Result<LogSummary> read_sender_log(
    const std::filesystem::path& file,
    std::optional<LogFormat> format,
    LogTime time,
    const std::function<void(const LoggedMail&)>& sink
);

}  // namespace siding::cutover
