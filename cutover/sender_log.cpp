#include "cutover/sender_log.hpp"

#include "cutover/sender_log_exchange.hpp"
#include "cutover/sender_log_plain.hpp"
#include "cutover/sender_log_postfix.hpp"

#include <algorithm>
#include <array>

namespace siding::cutover {
namespace {

constexpr std::array formats{LogFormat::postfix, LogFormat::exchange, LogFormat::plain};

// Comments alone are everybody's.
bool is_telling(std::string_view line, LogFormat format) {
    return !line.empty() && (!line.starts_with('#') || format == LogFormat::exchange);
}

}  // namespace

std::string_view format_log_format(LogFormat format) {
    switch (format) {
    case LogFormat::postfix:
        return "postfix";
    case LogFormat::exchange:
        return "exchange";
    case LogFormat::plain:
        return "plain";
    }
    return "";
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
    const auto found = std::ranges::find(formats, text, format_log_format);
    return found == formats.end() ? std::nullopt : std::optional{*found};
}

std::optional<LogFormat> guess_log_format(std::string_view beginning) {
    for (const LogFormat format : formats) {
        // Some time after any log: the guess needs no true times.
        const auto log = make_sender_log(
            format, {WallTime{std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}}}
        );
        std::vector<LoggedMail> mails;
        for (std::string_view rest = beginning; !rest.empty();) {
            const auto end = rest.find('\n');
            std::string_view line = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            if (line.ends_with('\r')) {
                line.remove_suffix(1);
            }
            if (is_telling(line, format) && log->take(line, mails)) {
                return format;
            }
        }
    }
    return std::nullopt;
}

std::unique_ptr<SenderLog> make_sender_log(LogFormat format, LogTime time) {
    switch (format) {
    case LogFormat::postfix:
        return std::make_unique<PostfixLog>(time);
    case LogFormat::exchange:
        return std::make_unique<ExchangeLog>();
    case LogFormat::plain:
        break;
    }
    return std::make_unique<PlainLog>();
}

}  // namespace siding::cutover
