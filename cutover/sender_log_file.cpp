#include "cutover/sender_log_file.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>

namespace siding::cutover {
namespace {

constexpr std::size_t guess_octets = 256 * 1024;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

struct CloseGzip {
    void operator()(gzFile file) const { gzclose(file); }
};

// Lines of a file, decompressed if it is gzip. zlib reads what is not gzip as it is.
class LogLines {
public:
    static Result<LogLines> open(const std::filesystem::path& path) {
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) {
            return Error{Errc::unavailable, fmt::format("{} is a directory", path.string())};
        }
        errno = 0;
        gzFile const file = gzopen(path.c_str(), "rb");
        if (file == nullptr) {
            return Error{
                errno == ENOENT ? Errc::not_found : Errc::unavailable,
                fmt::format("cannot open {}: {}", path.string(), std::strerror(errno))};
        }
        LogLines lines{path, file};
        SIDING_ASSIGN(const bool more, lines.fill());
        static_cast<void>(more);
        if (lines.text_.starts_with(byte_order_mark)) {
            lines.at_ = byte_order_mark.size();
        }
        return lines;
    }

    std::string_view beginning() const { return std::string_view{text_}.substr(at_); }

    // Valid until the next call. Nothing at the end. Of a line that is too long, its beginning.
    Result<std::optional<std::string_view>> next() {
        while (true) {
            const auto end = text_.find('\n', at_);
            if (end != std::string::npos) {
                return line_up_to(end);
            }
            SIDING_ASSIGN(const bool more, fill());
            if (!more && at_ >= text_.size()) {
                return std::optional<std::string_view>{};
            }
            if (!more) {
                return line_up_to(text_.size());
            }
        }
    }

private:
    LogLines(std::filesystem::path path, gzFile file) : path_{std::move(path)}, file_{file} {}

    std::optional<std::string_view> line_up_to(std::size_t end) {
        std::string_view line = std::string_view{text_}.substr(at_, end - at_);
        at_ = std::min(end + 1, text_.size());
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        return line.substr(0, limits::log_line_octets_max);
    }

    Result<bool> fill() {
        text_.erase(0, std::exchange(at_, 0));
        if (text_.size() > guess_octets) {
            text_.resize(limits::log_line_octets_max);  // a line without end
        }
        const std::size_t had = text_.size();
        text_.resize(had + guess_octets);
        const int got =
            gzread(file_.get(), text_.data() + had, static_cast<unsigned>(guess_octets));
        text_.resize(had + static_cast<std::size_t>(std::max(got, 0)));
        if (got < 0) {
            int code = 0;
            return Error{
                Errc::unavailable,
                fmt::format("cannot read {}: {}", path_.string(), gzerror(file_.get(), &code))};
        }
        return got > 0;
    }

    std::filesystem::path path_;
    std::unique_ptr<gzFile_s, CloseGzip> file_;
    std::string text_;
    std::size_t at_ = 0;
};

Error unknown(const std::filesystem::path& file, std::string_view what, std::string_view line) {
    return {
        Errc::invalid_argument,
        fmt::format(
            "{} is {}; it begins with: {}",
            file.string(),
            what,
            escape(line.substr(0, line.find('\n')), 80)
        )};
}

}  // namespace

Result<LogSummary> read_sender_log(
    const std::filesystem::path& file,
    std::optional<LogFormat> format,
    LogTime time,
    const std::function<void(const LoggedMail&)>& sink
) {
    SIDING_ASSIGN(LogLines lines, LogLines::open(file));
    const std::string beginning{lines.beginning().substr(0, 200)};
    if (beginning.empty()) {
        return Error{Errc::invalid_argument, fmt::format("{} is empty", file.string())};
    }
    if (!format) {
        format = guess_log_format(lines.beginning());
    }
    if (!format) {
        return unknown(
            file, "no mail log of Postfix or Exchange, nor a list in the plain format", beginning
        );
    }
    LogSummary summary;
    summary.format = *format;
    const auto log = make_sender_log(*format, time);
    std::vector<LoggedMail> mails;
    const auto hand_on = [&] {
        summary.mails += mails.size();
        for (const LoggedMail& mail : mails) {
            sink(mail);
        }
        mails.clear();
    };
    while (true) {
        SIDING_ASSIGN(const std::optional<std::string_view> line, lines.next());
        if (!line) {
            break;
        }
        ++summary.lines;
        summary.understood += log->take(*line, mails) ? 1 : 0;
        hand_on();
    }
    log->finish(mails);
    hand_on();
    if (summary.understood == 0) {
        return unknown(file, fmt::format("no {} log", format_log_format(*format)), beginning);
    }
    return summary;
}

}  // namespace siding::cutover
