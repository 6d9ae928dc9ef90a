#include "cli/rehearsal_printer.hpp"

#include "base/bytes.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

constexpr std::size_t indent = 2;
constexpr std::size_t mark_width_plain = 4;  // "FAIL"
constexpr std::size_t name_width = 10;
constexpr std::size_t figure_width = 12;
constexpr std::size_t problems_shown_max = 12;

std::string rounded(double number) {
    return human_count(static_cast<std::uint64_t>(std::llround(number)));
}

std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(time).count());
}

std::string padded(std::string_view text, std::size_t width) {
    return fmt::format("{:<{}}", text, width);
}

std::size_t mark_width(const Terminal& terminal) {
    return terminal.watched ? 1 : mark_width_plain;
}

std::string mark(const Terminal& terminal, bool ok) {
    if (terminal.watched) {
        return terminal.paint(ok ? "✓" : "✗", ok ? Colour::green : Colour::red);
    }
    return padded(ok ? "ok" : "FAIL", mark_width_plain);
}

}  // namespace

void RehearsalPrinter::on_opening(const Opening& opening) {
    fmt::print(
        terminal_.out,
        "{}\n{} ({}, about {}), in {}\n\n",
        terminal_.paint("A whole cutover, on this machine, with a real sidingd", Colour::bold),
        counted(opening.messages, "message"),
        escape(opening.mail, 1024),
        human_size(opening.octets),
        escape(opening.directory.string(), 1024)
    );
    terminal_.out.flush();
}

void RehearsalPrinter::on_step(std::string_view name) {
    step_ = name;
    percent_ = 0;
    if (terminal_.watched) {
        draw("…");
    }
}

void RehearsalPrinter::on_progress(std::uint64_t done, std::uint64_t total) {
    const auto percent =
        total == 0 ? 0U : static_cast<unsigned>(std::min<std::uint64_t>(100 * done / total, 100));
    if (terminal_.watched && percent != percent_) {
        percent_ = percent;
        draw(fmt::format("{} of {}", human_count(done), human_count(total)));
    }
}

void RehearsalPrinter::on_step_end(std::string_view told, bool ok) {
    if (terminal_.watched) {
        terminal_.out << "\r\x1b[K";
    }
    const std::size_t taken = indent + mark_width(terminal_) + 1 + name_width + 1;
    const std::string text = escape(told, 1024);
    const bool folds = terminal_.width > 2 * taken;
    const auto lines = wrap(text, folds ? terminal_.width - taken : text.size() + 1);
    fmt::print(
        terminal_.out,
        "{:{}}{} {} ",
        "",
        indent,
        mark(terminal_, ok),
        terminal_.paint(padded(step_, name_width), Colour::bold)
    );
    std::string_view start;
    const std::string next(taken, ' ');
    for (const std::string& line : lines) {
        fmt::print(terminal_.out, "{}{}\n", start, line);
        start = next;
    }
    terminal_.out.flush();
}

void RehearsalPrinter::draw(std::string_view text) {
    fmt::print(
        terminal_.out,
        "\r\x1b[K{:{}}{} {}",
        "",
        indent + mark_width(terminal_) + 1,
        terminal_.paint(padded(step_, name_width), Colour::bold),
        terminal_.paint(text, Colour::dim)
    );
    terminal_.out.flush();
}

void RehearsalPrinter::print(const cutover::RehearsalReport& report) {
    if (report.interrupted) {
        fmt::print(
            terminal_.out,
            "\nInterrupted; {}\n",
            report.evidence.empty() ? "everything was stopped and removed."
                                    : "kept: " + escape(report.evidence.string(), 1024)
        );
        return;
    }
    print_figures(report);
    if (!report.ok()) {
        print_problems(report);
        return;
    }
    fmt::print(
        terminal_.out,
        "\n{} in {}\n\n"
        "Try next\n"
        "  siding rehearse --mail PATH   the same with your own mail: directory, mbox or Maildir\n"
        "  siding config reference       every key of /etc/siding/siding.yaml\n"
        "  siding --help                 every verb; docs/operator-guide.md leads through a "
        "cutover\n",
        terminal_.paint("Nothing lost, nothing changed", Colour::green),
        seconds_text(report.took)
    );
    if (!report.evidence.empty()) {
        fmt::print(terminal_.out, "\nKept: {}\n", escape(report.evidence.string(), 1024));
    }
}

void RehearsalPrinter::print_figures(const cutover::RehearsalReport& report) {
    const auto row = [&](std::string_view name,
                         std::string_view figure,
                         std::string_view note,
                         Colour colour = Colour::none) {
        fmt::print(
            terminal_.out,
            "  {}  {}{}\n",
            padded(name, figure_width),
            terminal_.paint(
                note.empty() ? std::string{figure} : padded(figure, figure_width), colour
            ),
            note.empty() ? "" : "  " + terminal_.paint(note, Colour::dim)
        );
    };
    const auto count = [&](std::string_view name, std::uint64_t number, std::string_view note) {
        row(name, human_count(number), note, number == 0 ? Colour::green : Colour::red);
    };
    terminal_.out << "\n";
    row("messages",
        human_count(report.messages),
        fmt::format("for {}", counted(report.recipients, "recipient")));
    row("octets", human_size(report.octets), "every one compared");
    row("accepted",
        rounded(report.accepted_per_second) + "/s",
        fmt::format(
            "{}/s, each 250 after its sync to disk",
            human_size(static_cast<std::uint64_t>(report.accepted_octets_per_second))
        ));
    row("released", rounded(report.released_per_second) + "/s", "messages to the new server");
    row("restart", fmt::format("{} ms", report.restart.count()), "after SIGKILL, until it listens");
    count("lost", report.lost, "");
    count("changed", report.changed, "");
    row("duplicates",
        human_count(report.duplicates + report.surplus),
        report.surplus > 0      ? "more than the crash explains"
        : report.duplicates > 0 ? "the crash cut off their 250, so the sender sent them again"
                                : "",
        report.surplus > 0 ? Colour::red : Colour::none);
    if (report.refused > 0) {
        count("refused", report.refused, "messages that sidingd would not take");
    }
    if (report.misrouted > 0) {
        count("misrouted", report.misrouted, "copies at the wrong server");
    }
    if (report.bare_newlines > 0) {
        row("bare CR", human_count(report.bare_newlines), "messages whose lone CRs became CRLF");
    }
    row("books",
        report.balanced ? "balanced" : "not balanced",
        fmt::format(
            "accepted {} = delivered {} + still in the queue {}",
            human_count(report.accepted),
            human_count(report.delivered),
            human_count(report.elsewhere)
        ),
        report.balanced ? Colour::green : Colour::red);
}

void RehearsalPrinter::print_problems(const cutover::RehearsalReport& report) {
    fmt::print(terminal_.out, "\n{}\n", terminal_.paint("This is off:", Colour::red));
    const std::size_t shown = std::min(report.problems.size(), problems_shown_max);
    for (std::size_t i = 0; i < shown; ++i) {
        fmt::print(terminal_.out, "  {}\n", escape(report.problems[i], 1024));
    }
    if (shown < report.problems.size()) {
        fmt::print(
            terminal_.out,
            "  and {} more in problems.txt\n",
            human_count(report.problems.size() - shown)
        );
    }
    fmt::print(
        terminal_.out,
        "\nThe evidence is in {}\n"
        "  problems.txt, sidingd.log, sidingd.yaml, data/ (the queue){}\n",
        escape(report.evidence.string(), 1024),
        report.changed > 0 ? ", changed/ (what was sent, what arrived)" : ""
    );
}

std::string format_rehearsal(const cutover::RehearsalReport& report) {
    boost::json::array problems;
    for (const std::string& problem : report.problems) {
        problems.emplace_back(escape(problem, 1024));
    }
    const boost::json::object document{
        {"ok", report.ok()},
        {"interrupted", report.interrupted},
        {"messages", report.messages},
        {"recipients", report.recipients},
        {"octets", report.octets},
        {"accepted_per_second", report.accepted_per_second},
        {"accepted_octets_per_second", report.accepted_octets_per_second},
        {"released_per_second", report.released_per_second},
        {"restart_ms", report.restart.count()},
        {"took_ms", report.took.count()},
        {"lost", report.lost},
        {"changed", report.changed},
        {"misrouted", report.misrouted},
        {"refused", report.refused},
        {"duplicates", report.duplicates},
        {"surplus", report.surplus},
        {"bare_newlines", report.bare_newlines},
        {"balanced", report.balanced},
        {"accepted", report.accepted},
        {"delivered", report.delivered},
        {"elsewhere", report.elsewhere},
        {"ledger_entries", report.ledger_entries},
        {"problems", std::move(problems)},
        {"evidence", report.evidence.string()},
    };
    return boost::json::serialize(document);
}

}  // namespace siding::cli
