#include "cli/doctor_report.hpp"

#include "base/bytes.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using cutover::CheckResult;
using cutover::CheckStatus;
using cutover::Severity;

constexpr std::size_t line_octets_max = 2000;
constexpr std::size_t label_width = 10;

// A fix is there to be pasted, so a backslash stays one.
std::string safe(const std::string& line) {
    const bool is_plain = is_utf8(line) && std::ranges::none_of(line, [](char c) {
                              return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                          });
    return is_plain ? line.substr(0, line_octets_max) : escape(line, line_octets_max);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at <= text.size() && !text.empty()) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(safe(text.substr(at, end - at)));
        at = end + 1;
    }
    return lines;
}

void print_part(
    const std::string& label, const std::string& text, bool wraps, const Terminal& terminal
) {
    constexpr std::size_t indent = 7;
    const std::size_t left = indent + label_width;
    const std::size_t width =
        wraps && terminal.width > left + 20 ? terminal.width - left : std::string::npos;
    std::string title = label;
    for (const std::string& line : lines_of(text)) {
        const std::vector<std::string> pieces =
            width == std::string::npos ? std::vector<std::string>{line} : wrap(line, width);
        for (const std::string& piece : pieces) {
            const std::string shown = fmt::format("{:<{}}", title, label_width);
            fmt::print(
                terminal.out, "{:{}}{}{}\n", "", indent, terminal.paint(shown, Colour::dim), piece
            );
            title.clear();
        }
    }
}

Colour colour_of(const CheckResult& result) {
    switch (result.status) {
    case CheckStatus::ok:
        return Colour::green;
    case CheckStatus::not_checked:
        return Colour::dim;
    case CheckStatus::failed:
        break;
    }
    return result.severity == Severity::critical ? Colour::red : Colour::yellow;
}

std::string word_of(const CheckResult& result) {
    switch (result.status) {
    case CheckStatus::ok:
        return "ok";
    case CheckStatus::not_checked:
        return "not checked";
    case CheckStatus::failed:
        break;
    }
    return std::string{cutover::format_severity(result.severity)};
}

void print_result(const CheckResult& result, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "  {}  {}: {}\n",
        terminal.paint(result.id, Colour::bold),
        terminal.paint(word_of(result), colour_of(result)),
        safe(result.title)
    );
    print_part("because", result.why_not, true, terminal);
    print_part("seen", result.evidence, true, terminal);
    print_part("breaks", result.breaks, true, terminal);
    print_part(
        result.status == CheckStatus::failed ? "fix" : "by hand", result.fix, false, terminal
    );
}

// The order of the report: what to deal with first.
int rank_of(const CheckResult& result) {
    switch (result.status) {
    case CheckStatus::failed:
        return 2 - static_cast<int>(result.severity);
    case CheckStatus::not_checked:
        return result.is_hindered ? 3 : 4;
    case CheckStatus::ok:
        break;
    }
    return 5;
}

struct Counts {
    std::size_t critical = 0;
    std::size_t warnings = 0;
    std::size_t notes = 0;
    std::size_t ok = 0;
    std::size_t not_checked = 0;
    std::size_t hindered = 0;
    std::size_t by_hand = 0;
};

Counts count(const std::vector<CheckResult>& results) {
    Counts counts;
    for (const CheckResult& result : results) {
        switch (result.status) {
        case CheckStatus::ok:
            ++counts.ok;
            break;
        case CheckStatus::not_checked:
            ++counts.not_checked;
            counts.hindered += result.is_hindered;
            counts.by_hand += result.is_by_hand;
            break;
        case CheckStatus::failed:
            ++(result.severity == Severity::critical  ? counts.critical
               : result.severity == Severity::warning ? counts.warnings
                                                      : counts.notes);
            break;
        }
    }
    return counts;
}

std::string closing_line(const Examination& examination, bool all) {
    const Counts counts = count(examination.results);
    std::string line = fmt::format(
        "{}: {} critical, {}, {} ok, {} not checked",
        examination.domain,
        counts.critical,
        counted(counts.warnings, "warning"),
        counts.ok,
        counts.not_checked
    );
    if (counts.hindered > 0) {
        line += fmt::format(" ({} of them should have been)", counts.hindered);
    }
    if (!all && counts.not_checked > counts.hindered) {
        line += "; --all lists them";
        if (counts.by_hand > 0) {
            line += fmt::format(", {} are yours to check", counts.by_hand);
        }
    }
    return line;
}

json::object result_json(const CheckResult& result) {
    return {
        {"id", result.id},
        {"title", result.title},
        {"severity", cutover::format_severity(result.severity)},
        {"status", cutover::format_check_status(result.status)},
        {"evidence", result.evidence},
        {"breaks", result.breaks},
        {"fix", result.fix},
        {"why_not", result.why_not},
        {"hindered", result.is_hindered},
        {"by_hand", result.is_by_hand},
    };
}

}  // namespace

void print_examination(const Examination& examination, bool all, const Terminal& terminal) {
    if (!examination.problem.empty()) {
        fmt::print(terminal.out, "{}: {}\n", safe(examination.domain), safe(examination.problem));
        return;
    }
    std::vector<const CheckResult*> shown;
    for (const CheckResult& result : examination.results) {
        if (all || rank_of(result) <= 3) {
            shown.push_back(&result);
        }
    }
    std::ranges::stable_sort(shown, {}, [](const CheckResult* result) { return rank_of(*result); });
    fmt::print(terminal.out, "{}\n\n", terminal.paint(safe(examination.domain), Colour::bold));
    for (const CheckResult* const result : shown) {
        print_result(*result, terminal);
        terminal.out << "\n";
    }
    fmt::print(terminal.out, "{}\n", safe(closing_line(examination, all)));
}

json::object examinations_json(const std::vector<Examination>& examinations) {
    json::array domains;
    for (const Examination& examination : examinations) {
        json::array checks;
        for (const CheckResult& result : examination.results) {
            checks.push_back(result_json(result));
        }
        const Counts counts = count(examination.results);
        json::object domain{
            {"domain", examination.domain},
            {"checks", std::move(checks)},
            {"critical", counts.critical},
            {"warnings", counts.warnings},
            {"ok", counts.ok},
            {"not_checked", counts.not_checked},
            {"hindered", counts.hindered},
        };
        if (!examination.problem.empty()) {
            domain["error"] = examination.problem;
        }
        domains.push_back(std::move(domain));
    }
    return {{"domains", std::move(domains)}};
}

Exit exit_of(const std::vector<Examination>& examinations) {
    Exit worst = Exit::done;
    for (const Examination& examination : examinations) {
        const Counts counts = count(examination.results);
        if (counts.critical > 0 || !examination.problem.empty()) {
            return Exit::critical;
        }
        if (counts.warnings > 0 || counts.hindered > 0) {
            worst = Exit::warnings;
        }
    }
    return worst;
}

}  // namespace siding::cli
