#include "cli/dns_printer.hpp"

#include "base/bytes.hpp"
#include "cli/dns_host_table.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t missing_shown = 10;
constexpr std::size_t stragglers_shown = 10;
constexpr std::size_t sentence_octets_max = 2000;

Colour verdict_colour(std::string_view verdict) {
    if (verdict == "none") {
        return Colour::none;
    }
    return verdict == "published" ? Colour::yellow : Colour::green;
}

Colour state_colour(std::string_view state) {
    if (state == "new") {
        return Colour::green;
    }
    return state == "old" ? Colour::none : Colour::yellow;
}

std::string next_verdict(std::string_view verdict) {
    if (verdict == "none") {
        return "published";
    }
    if (verdict == "published") {
        return "converged";
    }
    if (verdict == "converged") {
        return "proven";
    }
    return verdict == "proven" ? "quiet" : "";
}

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts) {
        if (text.is_string()) {
            out += (out.empty() ? "" : ", ") + std::string{text.get_string()};
        }
    }
    return out;
}

double ratio_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::size_t count_state(const json::array& rows, std::string_view state) {
    return static_cast<std::size_t>(std::ranges::count_if(rows, [&](const json::value& row) {
        return row.is_object() && text_at(row.get_object(), "state") == state;
    }));
}

// "3/3": how many are new, of those that say anything.
std::string new_of(const json::array& rows) {
    const std::size_t silent = count_state(rows, "timeout") + count_state(rows, "unreachable") +
                               count_state(rows, "failed");
    return rows.empty() ? "-"
                        : fmt::format("{}/{}", count_state(rows, "new"), rows.size() - silent);
}

std::string served_text(const json::object& domain) {
    const json::object& mx = object_at(domain, "mx");
    const json::value* const served = mx.if_contains("served");
    if (served == nullptr || !served->is_array()) {
        return domain.contains("authority") && domain.at("authority").is_object() ? "they differ"
                                                                                  : "-";
    }
    return served->get_array().empty() ? "none" : joined(served->get_array());
}

std::string time_and_wait(WallTime at, WallTime now) {
    return at > now ? fmt::format("{} ({})", human_time(at), human_wait(at, now))
                    : fmt::format("{} ({})", human_time(at), human_age(at, now));
}

void print_sentence(const Terminal& terminal, std::string_view text, std::string_view indent) {
    const std::size_t room = terminal.width == 0 ? 100 : terminal.width;
    const std::string escaped = escape(text, sentence_octets_max);
    for (const std::string& line : wrap(escaped, room - std::min(room - 1, indent.size()))) {
        fmt::print(terminal.out, "{}{}\n", indent, line);
    }
}

void print_gates(const json::array& gates, const Terminal& terminal) {
    Table table{{{""}, {"GATE"}, {"WHY", Align::left, 24, true}}};
    for (const json::value& value : gates) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& gate = value.get_object();
        const bool passed = flag_at(gate, "passed");
        const bool asked = flag_at(gate, "asked");
        const Cell mark = !asked   ? Cell{"–", Colour::dim}
                          : passed ? Cell{"yes", Colour::green}
                                   : Cell{"no", Colour::yellow};
        table.add({mark, text_at(gate, "name"), text_at(gate, "reason")});
    }
    table.print(terminal);
}

void print_servers(const json::object& authority, const Terminal& terminal) {
    Table table{{
        {"SERVER", Align::left, 12},
        {"ADDRESS", Align::left, 10},
        {"STATE"},
        {"TTL", Align::right},
        {"SERIAL", Align::right},
        {"MX", Align::left, 16},
    }};
    for (const json::value& value : array_at(authority, "servers")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string state = text_at(row, "state");
        const bool has_serial = row.contains("serial") && row.at("serial").is_number();
        table.add({
            text_at(row, "name"),
            text_at(row, "address"),
            {state, state_colour(state)},
            std::to_string(number_at(row, "ttl")),
            has_serial ? std::to_string(number_at(row, "serial")) : "-",
            joined(array_at(row, "mx")),
        });
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
    for (const json::value& value : array_at(authority, "problems")) {
        if (value.is_object()) {
            print_sentence(terminal, "! " + text_at(value.get_object(), "text"), "");
        }
    }
}

// What stands out in an operator's samples.
std::string remarks_on(const json::object& row) {
    std::string remarks;
    const auto remark = [&](std::string_view key, std::string_view word) {
        const json::array& samples = array_at(row, "samples");
        const bool any = std::ranges::any_of(samples, [&](const json::value& sample) {
            return sample.is_object() && flag_at(sample.get_object(), key);
        });
        remarks += any ? (remarks.empty() ? "" : ", ") + std::string{word} : "";
    };
    remark("extends", "keeps it past its TTL");
    remark("floor", "raises TTLs");
    remark("stale", "serves what has expired");
    if (const std::uint64_t cap = number_at(row, "cap"); cap > 0) {
        remarks += fmt::format("{}keeps at most {} s", remarks.empty() ? "" : ", ", cap);
    }
    for (const json::value& sample : array_at(row, "samples")) {
        const std::string error =
            sample.is_object() ? text_at(sample.get_object(), "error") : std::string{};
        if (!error.empty() && text_at(row, "state") != "new") {
            return remarks + (remarks.empty() ? "" : ", ") + error;
        }
    }
    return remarks;
}

void print_panel(const json::object& panel, WallTime now, const Terminal& terminal) {
    if (!flag_at(panel, "enabled")) {
        return;
    }
    Table table{{
        {"RESOLVER", Align::left, 12},
        {"STATE"},
        {"OLD UNTIL"},
        {"REMARK", Align::left, 16, true},
    }};
    const auto at = time_at(panel, "at");
    for (const json::value& value : array_at(panel, "operators")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string state = text_at(row, "state");
        const std::chrono::seconds left{number_at(row, "old_for_at_most")};
        table.add({
            text_at(row, "name"),
            {state, state_colour(state)},
            at && left.count() > 0 ? human_time(*at + left) : "",
            remarks_on(row),
        });
    }
    terminal.out << "\n";
    if (table.empty()) {
        print_sentence(terminal, "resolvers: not asked yet", "");
    }
    table.print(terminal);
    if (at) {
        fmt::print(terminal.out, "asked {}\n", human_age(at, now));
    }
    if (!flag_at(panel, "allowed") && !text_at(panel, "why_not").empty()) {
        print_sentence(terminal, "not asked now: " + text_at(panel, "why_not"), "");
    }
}

void print_senders(const json::object& domain, WallTime now, const Terminal& terminal) {
    const json::array& missing = array_at(object_at(domain, "coverage"), "missing");
    Table table{{{"MISSING SENDER", Align::left, 16}, {"SHARE", Align::right}, {""}}};
    for (std::size_t i = 0; i < std::min(missing.size(), missing_shown); ++i) {
        if (missing[i].is_object()) {
            const json::object& row = missing[i].get_object();
            table.add({
                text_at(row, "name"),
                fmt::format("{:.1f} %", ratio_at(row, "share") * 100),
                flag_at(row, "at_old") ? "still at the old server" : "",
            });
        }
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
    const json::array& newest = array_at(object_at(domain, "stragglers"), "newest");
    Table late{{
        {"STRAGGLER", Align::left, 16},
        {"CLIENT", Align::left, 12},
        {"AT", Align::right},
        {"WHY"},
    }};
    for (std::size_t i = 0; i < std::min(newest.size(), stragglers_shown); ++i) {
        if (newest[i].is_object()) {
            const json::object& row = newest[i].get_object();
            late.add({
                text_at(row, "provider"),
                text_at(row, "client_address"),
                human_age(time_at(row, "at"), now),
                text_at(row, "class"),
            });
        }
    }
    if (!late.empty()) {
        terminal.out << "\n";
    }
    late.print(terminal);
}

void print_deadlines(const json::object& domain, WallTime now, const Terminal& terminal) {
    const json::object& deadline = object_at(domain, "deadline");
    const json::object& hard = object_at(domain, "hard_deadline");
    // While the old MX is given out its end moves along with the clock.
    if (text_at(domain, "verdict") == "none") {
        return;
    }
    if (const auto at = time_at(deadline, "at")) {
        fmt::print(
            terminal.out, "old MX gone from honest resolvers  {}\n", time_and_wait(*at, now)
        );
    }
    if (const auto at = time_at(hard, "at")) {
        fmt::print(
            terminal.out, "and from mail servers' own caches  {}\n", time_and_wait(*at, now)
        );
    }
}

}  // namespace

std::string dns_verdict_line(const json::object& domain, WallTime now) {
    const std::string verdict = text_at(domain, "verdict");
    const auto expected = time_at(domain, "expected_at");
    std::string line = verdict;
    if (expected && *expected > now) {
        line +=
            fmt::format(", {} expected {}", next_verdict(verdict), time_and_wait(*expected, now));
    }
    return line;
}

void print_dns_table(const json::array& domains, WallTime now, const Terminal& terminal) {
    Table table{{
        {"DOMAIN", Align::left, 16},
        {"VERDICT"},
        {"MX", Align::left, 16},
        {"SERVERS", Align::right},
        {"PANEL", Align::right},
        {"NEXT", Align::right},
        {"LOOKED", Align::right},
    }};
    Table notes{{{"DOMAIN"}, {"LOOK AT THIS", Align::left, 24, true}}};
    for (const json::value& value : domains) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string verdict = text_at(row, "verdict");
        const auto expected = time_at(row, "expected_at");
        table.add({
            text_at(row, "domain"),
            {verdict, verdict_colour(verdict)},
            served_text(row),
            new_of(array_at(object_at(row, "authority"), "servers")),
            new_of(array_at(object_at(row, "panel"), "operators")),
            expected && *expected > now ? human_wait(expected, now) : "-",
            human_age(time_at(row, "watched_at"), now),
        });
        const std::string unplanned = text_at(row, "unplanned");
        const std::string error = text_at(row, "error");
        if (!unplanned.empty()) {
            notes.add({text_at(row, "domain"), {unplanned, Colour::red}});
        }
        if (!error.empty()) {
            notes.add({text_at(row, "domain"), {error, Colour::yellow}});
        }
    }
    if (table.empty()) {
        fmt::print(terminal.out, "no domain is watched: see dns.enabled in the configuration\n");
    }
    table.print(terminal);
    if (!notes.empty()) {
        terminal.out << "\n";
    }
    notes.print(terminal);
}

void print_dns_domain(const json::object& domain, WallTime now, const Terminal& terminal) {
    const std::string verdict = text_at(domain, "verdict");
    fmt::print(
        terminal.out,
        "{}  {}\n",
        terminal.paint(escape(text_at(domain, "domain")), Colour::bold),
        terminal.paint(dns_verdict_line(domain, now), verdict_colour(verdict))
    );
    if (const std::string unplanned = text_at(domain, "unplanned"); !unplanned.empty()) {
        print_sentence(terminal, "NOT PLANNED: " + unplanned, "");
    }
    if (const std::string error = text_at(domain, "error"); !error.empty()) {
        print_sentence(terminal, "the last look failed: " + error, "");
    }
    print_sentence(terminal, text_at(domain, "reason"), "");
    terminal.out << "\n";
    const json::object& mx = object_at(domain, "mx");
    const auto named = [](const std::string& text) { return text.empty() ? "not known" : text; };
    fmt::print(terminal.out, "new MX  {}\n", escape(named(joined(array_at(mx, "new"))), 1000));
    fmt::print(terminal.out, "old MX  {}\n", escape(named(joined(array_at(mx, "old"))), 1000));
    fmt::print(terminal.out, "served  {}\n", escape(served_text(domain), 1000));
    if (const auto planned = time_at(domain, "switch_at")) {
        fmt::print(terminal.out, "switch  {}\n", time_and_wait(*planned, now));
    }
    terminal.out << "\n";
    print_deadlines(domain, now, terminal);
    print_gates(array_at(domain, "gates"), terminal);
    print_servers(object_at(domain, "authority"), terminal);
    print_dns_hosts(array_at(domain, "hosts"), now, terminal);
    print_panel(object_at(domain, "panel"), now, terminal);
    print_senders(domain, now, terminal);
    if (const auto watched = time_at(domain, "watched_at")) {
        fmt::print(
            terminal.out,
            "\nlooked {}, next {}\n",
            human_age(watched, now),
            human_wait(time_at(domain, "next_at"), now)
        );
    }
}

}  // namespace siding::cli
