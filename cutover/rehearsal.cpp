#include "cutover/rehearsal.hpp"

#include "cutover/mail_files.hpp"
#include "cutover/rehearsal_story.hpp"
#include "cutover/sample_mail.hpp"
#include "net/network_error.hpp"
#include "net/runtime.hpp"
#include "net/signals.hpp"
#include "net/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

namespace siding::cutover {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using net::awaitable;

constexpr std::size_t blocking_threads = 4;
// The queue writes a body twice at most (log and table); the rest is for its own files.
constexpr std::uint64_t room_factor = 3;
constexpr std::uint64_t room_octets = 192ULL * 1024 * 1024;
constexpr std::uint64_t octets_per_mib = 1024 * 1024;

Result<std::unique_ptr<MailSource>> open_source(const RehearsalOptions& options) {
    if (options.mail) {
        return open_mail(*options.mail);
    }
    return std::unique_ptr<MailSource>{std::make_unique<SampleMail>(options.sample_messages)};
}

Result<void> check_program(const fs::path& program) {
    if (::access(program.c_str(), X_OK) != 0) {
        return Error{
            Errc::not_found,
            fmt::format("no sidingd at {}; build or install it beside siding", program.string())};
    }
    return {};
}

Result<void> check_room(const fs::path& parent, const MailSource& mail) {
    std::error_code failed;
    const fs::space_info space = fs::space(parent, failed);
    const std::uint64_t needed = room_factor * mail.octets() + room_octets;
    if (!failed && space.available < needed) {
        return Error{
            Errc::limit_exceeded,
            fmt::format(
                "{} has {} MiB free and the rehearsal may need {}; set TMPDIR to a larger disk",
                parent.string(),
                space.available / octets_per_mib,
                needed / octets_per_mib
            )};
    }
    return {};
}

Result<fs::path> make_directory(const fs::path& parent) {
    std::string name = (parent / "siding-rehearsal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        return net::make_system_error("making a directory in " + parent.string());
    }
    return fs::path{name};
}

// Beside the log and the queue, for whoever looks into it later.
void write_problems(const fs::path& directory, const RehearsalReport& report) {
    std::ofstream file{directory / "problems.txt"};
    for (const std::string& problem : report.problems) {
        file << problem << '\n';
    }
}

// One rehearsal on the caller's thread, with a few others for what blocks.
class Stage {
public:
    Stage(RehearsalStory::Options options, const MailSource& mail, RehearsalView& view)
        : runtime_{{.io_threads = 1, .blocking_threads = blocking_threads}},
          signals_{context_.get_executor()},
          tasks_{context_.get_executor(), "rehearsal", 1},
          story_{context_.get_executor(), runtime_.blocking(), std::move(options), mail, view} {}

    RehearsalReport run() {
        asio::co_spawn(context_, play(*this), [](const std::exception_ptr& failure) {
            if (failure) {
                std::rethrow_exception(failure);  // our bug: let it end the process with its name
            }
        });
        context_.run();
        return std::move(report_);
    }

private:
    static awaitable<void> play(Stage& self) {
        static_cast<void>(self.tasks_.spawn(watch_signals(self)));
        self.report_ = co_await self.story_.play();
        self.tasks_.cancel();
        co_await self.tasks_.join();
    }

    static awaitable<void> watch_signals(Stage& self) {
        for (;;) {
            const auto signal = co_await self.signals_.next();
            if (!signal) {
                co_return;
            }
            if (*signal == net::Signal::stop) {
                self.story_.interrupt();
            }
        }
    }

    asio::io_context context_{1};
    net::Runtime runtime_;
    net::Signals signals_;
    net::TaskGroup tasks_;
    RehearsalStory story_;
    RehearsalReport report_;
};

}  // namespace

Result<RehearsalReport> rehearse(const RehearsalOptions& options, RehearsalView& view) {
    SIDING_ASSIGN(const std::unique_ptr<MailSource> mail, open_source(options));
    SIDING_TRY(check_program(options.sidingd));
    SIDING_TRY(check_room(options.parent, *mail));
    SIDING_ASSIGN(const fs::path directory, make_directory(options.parent));
    view.on_opening({mail->description(), mail->size(), mail->octets(), directory});

    RehearsalReport report;
    {
        Stage stage{{.sidingd = options.sidingd, .directory = directory}, *mail, view};
        report = stage.run();
    }
    const bool is_evidence = !report.ok() && !report.interrupted;
    if (options.keep || is_evidence) {
        report.evidence = directory;
        write_problems(directory, report);
    } else {
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    return report;
}

}  // namespace siding::cutover
