// Log lines: `level module event key=value …` on standard error, one writer for the process.
//
// The ledger is the record, the log its narration: nothing parses it. Values are escaped and cut by
// escape(), so no remote octet can forge a line. Under systemd (JOURNAL_STREAM) each line carries
// the <N> priority prefix instead of a time.
#pragma once

#include "base/result.hpp"

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace siding {

enum class LogLevel { trace, debug, info, warn, error };

Result<LogLevel> parse_log_level(std::string_view text);

struct LogField {
    std::string_view key;
    std::string value;

    LogField(std::string_view k, std::string_view text) : key{k}, value{text} {}
    LogField(std::string_view k, const std::string& text) : key{k}, value{text} {}
    LogField(std::string_view k, const char* text) : key{k}, value{text} {}
    LogField(std::string_view k, const Error& failure) : key{k}, value{failure.message()} {}
    template <std::integral T>
    LogField(std::string_view k, T number) : key{k}, value{std::to_string(number)} {}
    template <typename T>
    requires requires(const T& t) {
        { t.text() } -> std::convertible_to<std::string>;
    }
    LogField(std::string_view k, const T& named) : key{k}, value{named.text()} {}
};

// One per module, a constant in an anonymous namespace: `const Logger log{"relay"};`
class Logger {
public:
    constexpr explicit Logger(std::string_view module) : module_{module} {}

    void trace(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;

    // Ask before building fields that cost something.
    static bool enabled(LogLevel level);

private:
    std::string_view module_;
};

void set_log_level(LogLevel level);

}  // namespace siding
