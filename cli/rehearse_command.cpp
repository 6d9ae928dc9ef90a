#include "cli/commands.hpp"
#include "cli/rehearsal_printer.hpp"

#include <filesystem>

namespace siding::cli {
namespace {

namespace fs = std::filesystem;

// The daemon that belongs to this program stands beside it, built or installed.
Result<fs::path> sidingd_beside_us() {
    std::error_code failed;
    const fs::path self = fs::read_symlink("/proc/self/exe", failed);
    if (failed) {
        return Error{failed, "cannot read /proc/self/exe, so sidingd cannot be found"};
    }
    return self.parent_path() / "sidingd";
}

Result<cutover::RehearsalOptions> make_options(const Rehearse& action) {
    cutover::RehearsalOptions options;
    SIDING_ASSIGN(options.sidingd, sidingd_beside_us());
    std::error_code failed;
    options.parent = fs::temp_directory_path(failed);
    if (failed) {
        return Error{Errc::invalid_argument, "TMPDIR does not name a directory"};
    }
    options.mail = action.mail;
    options.keep = action.keep;
    return options;
}

}  // namespace

Result<Exit> run(const Rehearse& action, Context& context) {
    SIDING_ASSIGN(const cutover::RehearsalOptions options, make_options(action));
    if (context.json) {
        SilentRehearsal silence;
        SIDING_ASSIGN(const cutover::RehearsalReport report, cutover::rehearse(options, silence));
        context.terminal.out << format_rehearsal(report) << "\n";
        return report.ok() ? Exit::done : Exit::no;
    }
    RehearsalPrinter printer{context.terminal};
    SIDING_ASSIGN(const cutover::RehearsalReport report, cutover::rehearse(options, printer));
    printer.print(report);
    return report.ok() ? Exit::done : Exit::no;
}

}  // namespace siding::cli
