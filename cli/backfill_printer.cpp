#include "cli/backfill_printer.hpp"

#include "backfill/verifier.hpp"
#include "base/bytes.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t accounts_drawn_max = 12;
constexpr std::size_t bar_width = 20;
constexpr std::chrono::seconds rate_window{10};

std::string bar(std::uint64_t done, std::uint64_t all) {
    const std::uint64_t part = all == 0 ? 0 : std::min(done, all) * bar_width / all;
    std::string text = "[";
    text.append(part, '#');
    text.append(bar_width - part, '.');
    return text + "]";
}

std::string verdict_words(const json::object& account) {
    std::string text;
    for (const auto& [verdict, messages] : object_at(account, "verdicts")) {
        text += text.empty() ? "" : ", ";
        text += human_count(
                    messages.is_int64()    ? static_cast<std::uint64_t>(messages.get_int64())
                    : messages.is_uint64() ? messages.get_uint64()
                                           : 0
                ) +
                " " + std::string{verdict};
    }
    return text;
}

std::string copy_words(const json::object& account) {
    std::string text = counted(number_at(account, "copied"), "message") + ", " +
                       human_size(number_at(account, "octets"));
    const auto add = [&](std::string_view key, std::string_view words) {
        if (const std::uint64_t number = number_at(account, key); number > 0) {
            text += ", " + human_count(number) + " " + std::string{words};
        }
    };
    add("moved", "moved");
    add("flags", "with new flags");
    add("gone", "expunged at the source");
    add("refused", "refused");
    add("unreadable", "unreadable");
    return text;
}

std::string words_of(const json::object& account, const std::string& order) {
    const std::string phase = text_at(account, "phase");
    if (phase == "failed") {
        return text_at(account, "reason");
    }
    if (order == "check") {
        return "both sides let us in; " +
               counted(number_at(account, "source_messages"), "message") + ", " +
               human_size(number_at(account, "source_octets"));
    }
    if (order == "archive" || order == "restore") {
        return copy_words(account);
    }
    const std::string verdicts = verdict_words(account);
    if (order == "verify" || (!verdicts.empty() && phase != "copying")) {
        return verdicts.empty() ? "nothing to compare" : verdicts;
    }
    return copy_words(account);
}

Colour colour_of(const json::object& account) {
    if (text_at(account, "phase") == "failed") {
        return Colour::red;
    }
    const bool has_exceptions =
        number_at(account, "refused") + number_at(account, "unreadable") > 0;
    return has_exceptions ? Colour::yellow : Colour::none;
}

}  // namespace

bool is_good_backfill_verdict(std::string_view verdict) {
    return backfill::is_good_verdict(verdict);
}

void print_backfill(
    const json::array& accounts, const std::string& order, const Terminal& terminal
) {
    Table table{{
        {"ACCOUNT", Align::left, 12},
        {"PHASE"},
        {"PASS", Align::right},
        {"MAILBOXES", Align::right},
        {"", Align::left, 20, true},
    }};
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        table.add({
            text_at(account, "name"),
            {text_at(account, "phase"), colour_of(account)},
            human_count(number_at(account, "pass")),
            fmt::format(
                "{}/{}", number_at(account, "mailboxes_done"), number_at(account, "mailboxes")
            ),
            {words_of(account, order), colour_of(account)},
        });
    }
    table.print(terminal);
}

void print_backfill_report(const json::object& report, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{}: pass {}\n",
        escape(text_at(report, "account")),
        human_count(number_at(report, "pass"))
    );
    Table mailboxes{{
        {"MAILBOX", Align::left, 12},
        {"AT THE DESTINATION", Align::left, 12},
        {"AT THE SOURCE", Align::right},
        {"COPIED", Align::right},
        {"SIZE", Align::right},
    }};
    for (const json::value& value : array_at(report, "mailboxes")) {
        const json::object& row = value.get_object();
        mailboxes.add(
            {text_at(row, "source"),
             text_at(row, "destination"),
             human_count(number_at(row, "source_messages")),
             human_count(number_at(object_at(row, "messages"), "copied")),
             human_size(number_at(row, "copied_octets"))}
        );
    }
    mailboxes.print(terminal);
    const std::string verdicts = verdict_words(report);
    fmt::print(
        terminal.out,
        "verified: {}\n",
        verdicts.empty() ? "never; `siding backfill verify` does it" : verdicts
    );
    const json::array& direct = array_at(report, "direct_arrivals");
    if (!direct.empty()) {
        fmt::print(
            terminal.out,
            "{} reached the old server after the switch without passing Siding:\n",
            counted(direct.size(), "message")
        );
        Table arrivals{
            {{"DATE"}, {"FROM", Align::left, 12}, {"BROUGHT BY", Align::left, 16, true}}};
        for (const json::value& value : direct) {
            const json::object& row = value.get_object();
            arrivals.add({text_at(row, "date"), text_at(row, "from"), text_at(row, "received")});
        }
        arrivals.print(terminal);
    }
    const json::array& exceptions = array_at(report, "exceptions");
    if (exceptions.empty()) {
        terminal.out << "every message that the source has shown is accounted for\n";
        return;
    }
    terminal.out << "\n";
    Table table{{
        {"MAILBOX", Align::left, 12},
        {"UID", Align::right},
        {"DATE", Align::left, 12},
        {"SUBJECT", Align::left, 12},
        {"WHAT"},
        {"WHY", Align::left, 16, true},
    }};
    for (const json::value& value : exceptions) {
        const json::object& row = value.get_object();
        const std::string verdict = text_at(row, "verdict");
        table.add(
            {text_at(row, "mailbox"),
             fmt::to_string(number_at(row, "uid")),
             text_at(row, "date"),
             text_at(row, "subject"),
             {verdict.empty() ? text_at(row, "state") : verdict, Colour::yellow},
             text_at(row, "reason")}
        );
    }
    table.print(terminal);
    if (const auto more = number_at(report, "exceptions_left_out"); more > 0) {
        fmt::print(terminal.out, "and {} more\n", human_count(more));
    }
}

void BackfillProgress::rub_out() {
    for (; lines_ > 0; --lines_) {
        terminal_.out << "\x1b[1A\x1b[2K";
    }
}

void BackfillProgress::show(const json::array& accounts, WallTime now) {
    if (!terminal_.watched) {
        return;
    }
    Sample sample{now, 0, 0};
    std::uint64_t to_copy = 0;
    std::size_t ended = 0;
    std::vector<std::string> lines;
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        const std::uint64_t done = number_at(account, "copied") + number_at(account, "refused") +
                                   number_at(account, "unreadable");
        const std::uint64_t all = std::max(number_at(account, "to_copy"), done);
        sample.messages += done;
        sample.octets += number_at(account, "octets");
        to_copy += all;
        const std::string phase = text_at(account, "phase");
        if (phase == "idle" || phase == "failed") {
            ++ended;
        } else if (phase != "waiting" && lines.size() < accounts_drawn_max) {
            lines.push_back(fmt::format(
                "{} {} {} of {}  {}",
                bar(done, all),
                escape(text_at(account, "name")),
                human_count(done),
                human_count(all),
                escape(text_at(account, "mailbox"))
            ));
        }
    }
    samples_.push_back(sample);
    while (samples_.size() > 2 && now - samples_.front().at > rate_window) {
        samples_.pop_front();
    }
    const double seconds = std::chrono::duration<double>(now - samples_.front().at).count();
    const double rate =
        seconds > 0 ? static_cast<double>(sample.messages - samples_.front().messages) / seconds
                    : 0;
    const double octets =
        seconds > 0 ? static_cast<double>(sample.octets - samples_.front().octets) / seconds : 0;
    std::string total = fmt::format(
        "{} {} of {} accounts, {} of {} messages, {:.0f}/s, {}/s",
        bar(sample.messages, to_copy),
        ended,
        accounts.size(),
        human_count(sample.messages),
        human_count(to_copy),
        rate,
        human_size(static_cast<std::uint64_t>(octets))
    );
    if (rate > 0 && to_copy > sample.messages) {
        const auto left = std::chrono::seconds{
            static_cast<std::int64_t>(static_cast<double>(to_copy - sample.messages) / rate)};
        total += ", " + human_duration(left) + " left";
    }
    lines.push_back(total);
    rub_out();
    for (const std::string& line : lines) {
        terminal_.out << (terminal_.width > 0 ? fit(line, terminal_.width - 1) : line) << "\n";
        ++lines_;
    }
    terminal_.out.flush();
}

void BackfillProgress::close() {
    rub_out();
    terminal_.out.flush();
}

}  // namespace siding::cli
