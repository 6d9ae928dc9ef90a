#include "cli/backfill_printer.hpp"

#include "backfill/verifier.hpp"
#include "base/bytes.hpp"
#include "cli/backfill_eta.hpp"
#include "cli/backfill_proof_printer.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

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
    if (const std::string window = text_at(account, "window"); !window.empty()) {
        text += "; window: " + window;
    }
    if (const std::string final_at = text_at(account, "final_at"); !final_at.empty()) {
        text += "; final since " + final_at;
    }
    const std::uint64_t left =
        number_at(account, "known_refused") + number_at(account, "known_unreadable");
    if (left > 0 && text_at(account, "phase") == "idle") {
        text += fmt::format(
            "; {} in all not taken over: `siding backfill report {}` names them, `retry` tries"
            " again",
            human_count(left),
            escape(text_at(account, "name"))
        );
    }
    return text;
}

std::string words_of(const json::object& account, const std::string& order) {
    const std::string phase = text_at(account, "phase");
    const std::string reason = text_at(account, "reason");
    if (phase == "failed" || (phase == "idle" && !reason.empty())) {
        return reason;
    }
    if (const std::string hold = hold_words(account); !hold.empty()) {
        const std::string done = copy_words(account);
        return hold + (number_at(account, "copied") > 0 ? "; " + done : "");
    }
    if (const std::string canary = canary_words(account); order == "check" && !canary.empty()) {
        return canary;
    }
    if (order == "check" || order == "assess") {
        return "both sides let us in; " +
               counted(number_at(account, "source_messages"), "message") + ", " +
               human_size(number_at(account, "source_octets"));
    }
    if (order == "archive" || order == "restore") {
        return copy_words(account);
    }
    const std::string verdicts = verdict_words(account);
    if (order == "verify" || (!verdicts.empty() && phase != "copying")) {
        const std::string more = verification_words(account);
        return verdicts.empty() ? "nothing to compare"
                                : verdicts + (more.empty() ? "" : "; " + more);
    }
    return copy_words(account);
}

bool is_to_retry(const json::object& exception) {
    const std::string state = text_at(exception, "state");
    return state == "refused" || state == "unreadable";
}

// Of a refused message: what may help it, and whether it is in safety.
std::string repair_hint(const json::object& exception) {
    if (text_at(exception, "state") != "refused") {
        return "";
    }
    const std::string repairs = text_at(exception, "may_help");
    return (repairs.empty() ? "; no repair is known to help" : "; may help: --repair " + repairs) +
           (flag_at(exception, "archived") ? "; kept in the archive" : "; NOT in the archive");
}

// Of a report without exceptions: how much that says.
std::string_view rest_words(const json::object& report) {
    const json::array& mailboxes = array_at(report, "mailboxes");
    if (mailboxes.empty()) {
        return "nothing has been copied yet";
    }
    const bool is_whole = std::ranges::all_of(mailboxes, [](const json::value& mailbox) {
        return number_at(mailbox.get_object(), "pass") > 0;
    });
    if (!is_whole || text_at(report, "phase") != "idle") {
        return "no pass has come to its end since: what it has not reached is not in this report";
    }
    return "every message that the last whole pass has seen is accounted for";
}

Colour colour_of(const json::object& account) {
    if (text_at(account, "phase") == "failed") {
        return Colour::red;
    }
    if (!text_at(account, "reason").empty()) {
        return Colour::yellow;
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
    if (order == "check") {
        print_canaries(accounts, terminal);
    }
}

void print_backfill_report(const json::object& report, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{}: pass {}\n",
        escape(text_at(report, "account")),
        human_count(number_at(report, "pass"))
    );
    if (text_at(report, "phase") == "failed") {
        fmt::print(
            terminal.out,
            "{}\n",
            terminal.paint(
                "the last order failed: " + escape(text_at(report, "reason")), Colour::red
            )
        );
    }
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
    print_extras(report, terminal);
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
    const json::array& acls = array_at(report, "acls");
    if (!acls.empty()) {
        fmt::print(
            terminal.out,
            "The access control lists of {} are not copied whole:\n",
            counted(acls.size(), "folder")
        );
        Table notes{{{"FOLDER", Align::left, 12}, {"WHY", Align::left, 16, true}}};
        for (const json::value& value : acls) {
            const json::object& row = value.get_object();
            notes.add({text_at(row, "mailbox"), text_at(row, "reason")});
        }
        notes.print(terminal);
    }
    const json::array& exceptions = array_at(report, "exceptions");
    if (exceptions.empty()) {
        terminal.out << rest_words(report) << "\n";
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
    bool can_retry = false;
    for (const json::value& value : exceptions) {
        const json::object& row = value.get_object();
        const std::string verdict = text_at(row, "verdict");
        table.add(
            {text_at(row, "mailbox"),
             fmt::to_string(number_at(row, "uid")),
             text_at(row, "date"),
             text_at(row, "subject"),
             {verdict.empty() ? text_at(row, "state") : verdict, Colour::yellow},
             text_at(row, "reason") + repair_hint(row)}
        );
        can_retry = can_retry || is_to_retry(row);
    }
    table.print(terminal);
    if (const auto more = number_at(report, "exceptions_left_out"); more > 0) {
        fmt::print(terminal.out, "and {} more\n", human_count(more));
    }
    if (can_retry) {
        fmt::print(
            terminal.out,
            "`siding backfill retry {}` tries what was refused or unreadable once more; with"
            " --repair auto it repairs what a repair may help\n",
            escape(text_at(report, "account"))
        );
    }
}

}  // namespace siding::cli
