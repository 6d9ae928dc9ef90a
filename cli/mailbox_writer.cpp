#include "cli/mailbox_writer.hpp"

#include "base/check.hpp"
#include "cli/mbox_quoting.hpp"
#include "cli/new_file.hpp"

#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>

namespace siding::cli {
namespace {

namespace fs = std::filesystem;

Result<void> make_directory(const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (failed) {
        return Error{
            Errc::invalid_argument,
            fmt::format("cannot make {}: {}", directory.string(), failed.message())};
    }
    return {};
}

std::string asctime_utc(WallTime time) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32] = "";
    // The C locale's names: the program never calls setlocale.
    std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
    return text;
}

class EmlWriter final : public MailboxWriter {
public:
    explicit EmlWriter(fs::path directory) : directory_{std::move(directory)} {}

    Result<void> add(const ExportedMessage& message, const Producer& octets) override {
        const std::string name = message.file_name();
        SIDING_ASSIGN(NewFile envelope, create(name + ".json"));
        SIDING_TRY(envelope.write(message.envelope_document));
        SIDING_TRY(envelope.write("\n"));
        SIDING_ASSIGN(NewFile body, create(name + ".eml"));
        SIDING_TRY(octets([&](std::string_view part) { return body.write(part); }));
        SIDING_TRY(body.finish());
        return envelope.finish();
    }

    Result<void> finish() override { return sync_directory(directory_); }

private:
    Result<NewFile> create(const std::string& name) const {
        return NewFile::create(directory_ / ("." + name + ".part"), directory_ / name);
    }

    fs::path directory_;
};

// https://cr.yp.to/proto/maildir.html: written in tmp/, then moved to new/. The id makes the name
// unique, so that a second export of the same message is noticed instead of doubled.
class MaildirWriter final : public MailboxWriter {
public:
    explicit MaildirWriter(fs::path directory) : directory_{std::move(directory)} {}

    Result<void> add(const ExportedMessage& message, const Producer& octets) override {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(message.received_at);
        const std::string name =
            fmt::format("{}.{}.siding", seconds.time_since_epoch().count(), message.file_name());
        const fs::path place = message.maildir_flags
                                   ? directory_ / "cur" / (name + ":2," + *message.maildir_flags)
                                   : directory_ / "new" / name;
        SIDING_ASSIGN(NewFile file, NewFile::create(directory_ / "tmp" / name, place));
        SIDING_TRY(octets([&](std::string_view part) { return file.write(part); }));
        SIDING_TRY(file.finish());
        return message.maildir_flags ? set_time(place, message.received_at) : Result<void>{};
    }

    Result<void> finish() override {
        SIDING_TRY(sync_directory(directory_ / "cur"));
        return sync_directory(directory_ / "new");
    }

private:
    // What IMAP servers give as INTERNALDATE.
    static Result<void> set_time(const fs::path& file, WallTime time) {
        const auto since = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch();
        const timespec now{static_cast<std::time_t>(since.count()), 0};
        const timespec times[2] = {now, now};
        if (::utimensat(AT_FDCWD, file.c_str(), times, 0) != 0) {
            return Error{
                Errc::storage_failure, fmt::format("cannot set the time of {}", file.string())};
        }
        return {};
    }

    fs::path directory_;
};

class MboxWriter final : public MailboxWriter {
public:
    MboxWriter(fs::path directory, NewFile file)
        : directory_{std::move(directory)}, file_{std::move(file)} {}

    Result<void> add(const ExportedMessage& message, const Producer& octets) override {
        const std::uint64_t before = file_.size_octets();
        auto written = append(message, octets);
        if (written.has_error()) {
            SIDING_TRY(file_.truncate(before));
        }
        return written;
    }

    Result<void> finish() override {
        SIDING_TRY(file_.finish());
        return sync_directory(directory_);
    }

private:
    Result<void> append(const ExportedMessage& message, const Producer& octets) {
        MboxQuoting quoting;
        SIDING_TRY(file_.write(mbox_from_line(message.sender, asctime_utc(message.received_at))));
        SIDING_TRY(octets([&](std::string_view part) { return file_.write(quoting.update(part)); })
        );
        return file_.write(quoting.finish());
    }

    fs::path directory_;
    NewFile file_;
};

}  // namespace

Result<std::unique_ptr<MailboxWriter>> MailboxWriter::create(
    MailboxFormat format, const fs::path& directory
) {
    SIDING_TRY(make_directory(directory));
    switch (format) {
    case MailboxFormat::eml:
        return std::make_unique<EmlWriter>(directory);
    case MailboxFormat::maildir:
        for (const char* part : {"tmp", "new", "cur"}) {
            SIDING_TRY(make_directory(directory / part));
        }
        return std::make_unique<MaildirWriter>(directory);
    case MailboxFormat::mbox: {
        SIDING_ASSIGN(
            NewFile file,
            NewFile::create(directory / ".siding.mbox.part", directory / "siding.mbox")
        );
        return std::make_unique<MboxWriter>(directory, std::move(file));
    }
    }
    SIDING_UNREACHABLE("mailbox format");
}

}  // namespace siding::cli
