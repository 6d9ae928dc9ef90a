#include "base/log.hpp"

#include "base/bytes.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace siding {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
    case LogLevel::trace:
        return spdlog::level::trace;
    case LogLevel::debug:
        return spdlog::level::debug;
    case LogLevel::info:
        return spdlog::level::info;
    case LogLevel::warn:
        return spdlog::level::warn;
    case LogLevel::error:
        return spdlog::level::err;
    }
    return spdlog::level::info;
}

// sd-daemon(3) priorities.
const char* journal_prefix(LogLevel level) {
    switch (level) {
    case LogLevel::trace:
    case LogLevel::debug:
        return "<7>";
    case LogLevel::info:
        return "<6>";
    case LogLevel::warn:
        return "<4>";
    case LogLevel::error:
        return "<3>";
    }
    return "<6>";
}

struct Writer {
    bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    spdlog::logger out{"siding", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

    Writer() { out.set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v"); }
};

Writer& writer() {
    static Writer instance;
    return instance;
}

bool needs_quotes(std::string_view value) {
    return value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
}

void append_field(std::string& line, const LogField& field) {
    std::string value = escape(field.value);
    line.append(" ").append(field.key).append("=");
    if (!needs_quotes(value)) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        line += c;
        if (c == '"') {
            line.back() = '\'';
        }
    }
    line += '"';
}

void write(
    LogLevel level,
    std::string_view module,
    std::string_view event,
    std::initializer_list<LogField> fields
) {
    if (!Logger::enabled(level)) {
        return;
    }
    std::string line = writer().journal ? journal_prefix(level) : "";
    line.append(module).append(" ").append(event);
    for (const LogField& field : fields) {
        append_field(line, field);
    }
    writer().out.log(to_spdlog(level), spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
    if (text == "trace") {
        return LogLevel::trace;
    }
    if (text == "debug") {
        return LogLevel::debug;
    }
    if (text == "info") {
        return LogLevel::info;
    }
    if (text == "warn") {
        return LogLevel::warn;
    }
    if (text == "error") {
        return LogLevel::error;
    }
    return Error{Errc::invalid_argument, "log level is one of trace, debug, info, warn, error"};
}

void Logger::trace(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::trace, module_, event, fields);
}
void Logger::debug(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::debug, module_, event, fields);
}
void Logger::info(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::info, module_, event, fields);
}
void Logger::warn(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::warn, module_, event, fields);
}
void Logger::error(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::error, module_, event, fields);
}

bool Logger::enabled(LogLevel level) {
    return writer().out.should_log(to_spdlog(level));
}

void set_log_level(LogLevel level) {
    writer().out.set_level(to_spdlog(level));
}

}  // namespace siding
