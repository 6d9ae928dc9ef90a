// Mail logs of the old server, line by line, as the mail that came in from outside. Each format has
// a reader of its own; none of them knows files. Lines that say nothing of incoming mail are passed
// over, so that a whole mail log can be given as it is.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

struct LoggedMail {
    WallTime at{};
    std::string client_name{};     // as the server that logged it had it confirmed; may be empty
    std::string client_address{};  // "192.0.2.1"; may be empty
    std::string helo{};
    std::string sender{};  // empty for a bounce
    std::vector<std::string> recipients{};
    // Handed in by the organisation itself: locally, with a login, from a private or loopback
    // address, or come back from a content filter.
    bool is_internal = false;

    bool operator==(const LoggedMail&) const = default;
};

enum class LogFormat { postfix, exchange, plain };

std::string_view format_log_format(LogFormat format);  // "postfix", …
std::optional<LogFormat> parse_log_format(std::string_view text);
// From the first lines of a file. Nothing: of no format that is known here.
std::optional<LogFormat> guess_log_format(std::string_view beginning);

// What a log's times need to be whole: syslog's have neither year nor zone.
struct LogTime {
    WallTime now{};                      // no line is from later than a day after this
    std::chrono::minutes utc_offset{0};  // of the old server: +60 for CET
};

class SenderLog {
public:
    virtual ~SenderLog() = default;

    // Adds the mail that is complete with this line. False: not a line of this format.
    virtual bool take(std::string_view line, std::vector<LoggedMail>& mails) = 0;
    // Adds what is known of mail that the log does not tell the end of.
    virtual void finish(std::vector<LoggedMail>& mails) = 0;
};

std::unique_ptr<SenderLog> make_sender_log(LogFormat format, LogTime time);

}  // namespace siding::cutover
