#include "cli/backfill_proof_printer.hpp"

#include "base/bytes.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>
#include <utility>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t rows_shown_max = 20;

double fraction_at(const json::object& from, std::string_view key) {
    const json::value* value = from.if_contains(key);
    return value == nullptr     ? 0
           : value->is_double() ? value->get_double()
                                : static_cast<double>(number_at(from, key));
}

std::string date_of(const json::object& from, std::string_view key) {
    const auto time = time_at(from, key);
    return time ? human_time(*time).substr(0, 10) : "?";
}

std::string messages_of(const json::object& row) {
    return human_count(number_at(row, "messages"));
}

// "3h 20m", "2d 4h": days of work are worth two units.
std::string long_duration(std::uint64_t seconds) {
    const std::uint64_t minutes = (seconds + 59) / 60;
    const std::uint64_t hours = minutes / 60;
    if (minutes < 2) {
        return fmt::format("{} s", seconds);
    }
    if (hours == 0) {
        return fmt::format("{} min", minutes);
    }
    return hours < 48 ? fmt::format("{} h {} min", hours, minutes % 60)
                      : fmt::format("{} days {} h", hours / 24, hours % 24);
}

std::string time_words(const json::object& time) {
    std::string text = long_duration(number_at(time, "seconds"));
    if (const auto days = number_at(time, "days"); days > 0) {
        text += fmt::format(
            ", spread over {} {} by the daily budget", human_count(days), days == 1 ? "day" : "days"
        );
    }
    return text;
}

void print_names(const json::array& names, const std::string& title, const Terminal& terminal) {
    if (names.empty()) {
        return;
    }
    fmt::print(terminal.out, "{}:\n", title);
    Table table{
        {{"  SOURCE", Align::left, 12},
         {"DESTINATION", Align::left, 12},
         {"MESSAGES", Align::right},
         {"WHY", Align::left, 12, true}}};
    for (std::size_t i = 0; i < names.size() && i < rows_shown_max; ++i) {
        const json::object& row = names[i].get_object();
        table.add(
            {"  " + text_at(row, "source"),
             text_at(row, "destination"),
             messages_of(row),
             text_at(row, "why")}
        );
    }
    table.print(terminal);
    if (names.size() > rows_shown_max) {
        fmt::print(terminal.out, "  and {} more\n", human_count(names.size() - rows_shown_max));
    }
}

void print_large(const json::object& account, const Terminal& terminal) {
    if (account.if_contains("limit") == nullptr || account.at("limit").is_null()) {
        terminal.out << "  the destination does not say how large a message may be; --limit SIZE "
                        "asks for one\n";
        return;
    }
    const std::uint64_t over = number_at(account, "over_limit");
    fmt::print(
        terminal.out,
        "  limit of a message {} ({}): {}\n",
        human_size(number_at(account, "limit")),
        flag_at(account, "limit_told") ? "--limit" : "the destination says so",
        over == 0 ? "none is larger" : counted(over, "message") + " over it"
    );
    if (over == 0) {
        return;
    }
    Table table{
        {{"  MAILBOX", Align::left, 12},
         {"UID", Align::right},
         {"SIZE", Align::right},
         {"DATE", Align::left, 12, true}}};
    const json::array& large = array_at(account, "over_limit_messages");
    for (std::size_t i = 0; i < large.size() && i < rows_shown_max; ++i) {
        const json::object& row = large[i].get_object();
        table.add(
            {"  " + text_at(row, "mailbox"),
             fmt::to_string(number_at(row, "uid")),
             human_size(number_at(row, "octets")),
             text_at(row, "date")}
        );
    }
    table.print(terminal);
}

void print_account(const json::object& account, const Terminal& terminal) {
    const json::object& largest = object_at(account, "largest");
    fmt::print(
        terminal.out,
        "{}: {} in {}, {}",
        escape(text_at(account, "account")),
        counted(number_at(account, "messages"), "message"),
        counted(number_at(account, "folders"), "folder"),
        human_size(number_at(account, "octets"))
    );
    if (number_at(account, "messages") > 0) {
        fmt::print(
            terminal.out,
            "; from {} to {}; the largest {} ({}, UID {})",
            date_of(account, "oldest"),
            date_of(account, "newest"),
            human_size(number_at(largest, "octets")),
            escape(text_at(largest, "mailbox")),
            number_at(largest, "uid")
        );
    }
    terminal.out << "\n";
    if (const auto undated = number_at(account, "undated"); undated > 0) {
        fmt::print(terminal.out, "  {} without a date\n", counted(undated, "message"));
    }
    fmt::print(
        terminal.out,
        "  still to copy: {}, {}: about {}\n",
        counted(number_at(account, "messages_left"), "message"),
        human_size(number_at(account, "octets_left")),
        time_words(object_at(account, "time"))
    );
    print_large(account, terminal);
    print_names(array_at(account, "renamed"), "  names that change", terminal);
    print_names(array_at(account, "special"), "  special folders", terminal);
    print_names(array_at(account, "skipped"), "  left out", terminal);
    for (const json::value& note : array_at(account, "notes")) {
        if (note.is_string()) {
            fmt::print(terminal.out, "  {}\n", escape(std::string{note.get_string()}, 1000));
        }
    }
}

}  // namespace

std::string canary_words(const json::object& account) {
    const json::object& canary = object_at(account, "canary");
    if (canary.empty()) {
        return "";
    }
    std::string text = flag_at(canary, "go") ? "GO" : "NO-GO";
    for (const json::value& value : array_at(canary, "reasons")) {
        const json::object& reason = value.get_object();
        if (flag_at(reason, "blocking")) {
            text += (text == "NO-GO" ? ": " : "; ") + text_at(reason, "text");
        }
    }
    return text;
}

std::string verification_words(const json::object& account) {
    const json::object& made = object_at(account, "verification");
    std::string text = text_at(made, "statement");
    if (const auto extra = number_at(made, "extra"); extra > 0) {
        text += text.empty() ? "" : "; ";
        text += counted(extra, "message") + " there besides";
    }
    return text;
}

void print_canaries(const json::array& accounts, const Terminal& terminal) {
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        const json::object& canary = object_at(account, "canary");
        const std::string name = escape(text_at(account, "name"));
        for (const json::value& each : array_at(canary, "reasons")) {
            const json::object& reason = each.get_object();
            const bool is_blocking = flag_at(reason, "blocking");
            fmt::print(
                terminal.out,
                "{}: {} {}\n",
                name,
                is_blocking ? terminal.paint("no-go:", Colour::red) : "note:",
                escape(text_at(reason, "text"), 1000)
            );
        }
        for (const json::value& folder : array_at(canary, "left_behind")) {
            if (folder.is_string()) {
                fmt::print(
                    terminal.out,
                    "{}: left behind at the destination, to be removed by hand: {}\n",
                    name,
                    escape(std::string{folder.get_string()}, 1000)
                );
            }
        }
    }
}

void print_extras(const json::object& report, const Terminal& terminal) {
    const json::object& made = object_at(report, "verification");
    const std::uint64_t extra = number_at(made, "extra");
    if (const std::string statement = text_at(made, "statement"); !statement.empty()) {
        fmt::print(terminal.out, "sampled, seed {}: {}\n", number_at(made, "seed"), statement);
    }
    if (extra == 0) {
        return;
    }
    fmt::print(
        terminal.out,
        "{} at the destination that Siding has not brought there: new mail, or there before\n",
        counted(extra, "message")
    );
    Table table{
        {{"MAILBOX", Align::left, 12},
         {"UID", Align::right},
         {"DATE", Align::left, 12},
         {"SUBJECT", Align::left, 12, true}}};
    const json::array& extras = array_at(made, "extras");
    for (std::size_t i = 0; i < extras.size() && i < rows_shown_max; ++i) {
        const json::object& row = extras[i].get_object();
        table.add(
            {text_at(row, "mailbox"),
             fmt::to_string(number_at(row, "uid")),
             text_at(row, "date"),
             text_at(row, "subject")}
        );
    }
    table.print(terminal);
    if (extra > rows_shown_max) {
        fmt::print(
            terminal.out,
            "and {} more; --json lists up to 1,000\n",
            human_count(extra - std::min<std::uint64_t>(extra, rows_shown_max))
        );
    }
}

void print_assessments(const json::object& document, const Terminal& terminal) {
    const json::array& accounts = array_at(document, "accounts");
    if (accounts.empty()) {
        terminal.out << "nothing was assessed since the daemon started; `siding backfill assess "
                        "--wait` does it\n";
        return;
    }
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::uint64_t over = 0;
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        print_account(account, terminal);
        messages += number_at(account, "messages");
        octets += number_at(account, "octets");
        over += number_at(account, "over_limit");
    }
    const json::object& rate = object_at(document, "rate");
    fmt::print(
        terminal.out,
        "in all: {}, {}, {}; {} over a limit\nexpected: about {}, at {:.0f} messages and {} a "
        "second for an account ({}), {} at once\n",
        counted(accounts.size(), "account"),
        counted(messages, "message"),
        human_size(octets),
        human_count(over),
        time_words(object_at(document, "time")),
        fraction_at(rate, "messages"),
        human_size(static_cast<std::uint64_t>(fraction_at(rate, "octets"))),
        flag_at(rate, "measured") ? "measured in the passes so far"
                                  : "assumed: nothing is copied yet",
        human_count(number_at(document, "accounts_at_once"))
    );
    for (const auto& [key, words] :
         {std::pair{"bandwidth", "bandwidth for all, a second"},
          std::pair{"daily", "daily budget for all"},
          std::pair{"daily_account", "daily budget of an account"}}) {
        if (const auto bound = number_at(document, key); bound > 0) {
            fmt::print(terminal.out, "{}: {}\n", words, human_size(bound));
        }
    }
}

}  // namespace siding::cli
