#include "base/bytes.hpp"
#include "cli/books.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t recipients_shown_max = 3;

std::string accepted_text(const json::object& entry) {
    const json::array& recipients = array_at(entry, "recipients");
    std::string to;
    for (std::size_t i = 0; i < std::min(recipients.size(), recipients_shown_max); ++i) {
        if (recipients[i].is_object()) {
            const json::object& recipient = recipients[i].get_object();
            const std::string original = text_at(recipient, "original");
            to += (to.empty() ? "" : ", ") + text_at(recipient, "address") +
                  (original.empty() ? "" : " (sent to " + original + ")");
        }
    }
    if (recipients.size() > recipients_shown_max) {
        to += fmt::format(" and {} more", human_count(recipients.size() - recipients_shown_max));
    }
    std::string tags;
    for (const json::value& tag : array_at(entry, "tags")) {
        if (tag.is_string()) {
            tags += (tags.empty() ? "" : " ") + std::string{tag.get_string()};
        }
    }
    const std::string tls = text_at(entry, "tls");
    const auto newlines = number_at(entry, "bare_newlines");
    return fmt::format(
        "{} from <{}> for {}, by {}{}{}{}",
        human_size(number_at(entry, "size")),
        text_at(entry, "sender"),
        to,
        text_at(entry, "client_address"),
        tls.empty() ? "" : ", " + tls,
        tags.empty() ? "" : ", tagged " + tags,
        newlines == 0 ? "" : fmt::format(", {} made CRLF", counted(newlines, "bare newline"))
    );
}

std::string entry_text(const json::object& entry) {
    if (text_at(entry, "kind") == "accepted") {
        return accepted_text(entry);
    }
    std::string out = text_at(entry, "address");
    const auto add = [&](std::string_view before, const std::string& text) {
        if (!text.empty()) {
            out += (out.empty() ? "" : " ") + std::string{before} + text;
        }
    };
    add("to ", text_at(entry, "server"));
    const std::string peer = text_at(entry, "peer");
    add("", peer.empty() ? "" : "[" + peer + "]");
    const std::string who = text_at(entry, "who");
    add("by ", who == "sidingd" ? "" : who);
    const std::string reply = text_at(entry, "reply");
    return reply.empty() ? out : out + (out.empty() ? "" : ": ") + reply;
}

void print_trace(const json::object& message, const Terminal& terminal) {
    terminal.out << terminal.paint(escape(text_at(message, "id")), Colour::bold) << "\n";
    Table table{{
        {"TIME"},
        {"EVENT"},
        {"WHAT", Align::left, 30, true},
    }};
    for (const json::value& value : array_at(message, "entries")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& entry = value.get_object();
        const auto at = time_at(entry, "at");
        const std::string kind = text_at(entry, "kind");
        Colour colour = kind == "delivered" ? Colour::green : Colour::none;
        if (kind == "parked" || kind == "in_doubt" || kind == "quarantined") {
            colour = Colour::yellow;
        }
        table.add({
            at ? human_time(*at) : "-",
            {kind, colour},
            entry_text(entry),
        });
    }
    table.print(terminal);
}

}  // namespace

Result<Exit> run(const Trace& action, Context& context) {
    SIDING_ASSIGN(const Document found, context.api.get("/v1/trace", {{"query", action.query}}));
    const json::array& messages = array_at(found.value, "messages");
    if (context.json) {
        context.terminal.out << found.text << "\n";
        return messages.empty() ? Exit::no : Exit::done;
    }
    if (messages.empty()) {
        return Error{
            Errc::not_found,
            fmt::format(
                "nothing is known of {}; give a message id, a whole address or a Message-ID header",
                escape(action.query)
            )};
    }
    bool first = true;
    for (const json::value& message : messages) {
        if (message.is_object()) {
            context.terminal.out << (first ? "" : "\n");
            print_trace(message.get_object(), context.terminal);
            first = false;
        }
    }
    return Exit::done;
}

Result<Exit> run(const Audit& action, Context& context) {
    SIDING_ASSIGN(const Document report, context.api.post("/v1/audit", {{"deep", action.deep}}));
    const bool balanced = flag_at(report.value, "balanced");
    const Exit outcome = balanced ? Exit::done : Exit::no;
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << report.text << "\n";
        return outcome;
    }
    const bool chain_ok = flag_at(report.value, "chain_ok");
    const auto entries = number_at(report.value, "ledger_entries");
    fmt::print(
        terminal.out,
        "{}, {} ledger {}, {}{}\n{}\n",
        balanced ? terminal.paint("balanced", Colour::green)
                 : terminal.paint("NOT BALANCED", Colour::red),
        human_count(entries),
        entries == 1 ? "entry" : "entries",
        chain_ok ? "chain whole" : terminal.paint("CHAIN BROKEN", Colour::red),
        action.deep && balanced ? ", every stored octet as it came" : "",
        format_books(report.value)
    );
    for (const json::value& problem : array_at(report.value, "problems")) {
        if (problem.is_string()) {
            const json::string& text = problem.get_string();
            fmt::print(terminal.out, "- {}\n", escape({text.data(), text.size()}, 1000));
        }
    }
    return outcome;
}

}  // namespace siding::cli
