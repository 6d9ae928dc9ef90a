#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/queue_source.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t text_octets_max = 1000;

void print_wrapped(const std::string& text, const Terminal& terminal) {
    const std::size_t width = terminal.width > 20 ? terminal.width - 2 : text.size() + 1;
    for (const std::string& line : wrap(escape(text, text_octets_max), width)) {
        fmt::print(terminal.out, "  {}\n", line);
    }
}

// "  380  550 5.1.1 User unknown", most common first.
void print_replies(const json::array& replies, const Terminal& terminal) {
    std::size_t digits = 1;
    for (const json::value& value : replies) {
        if (value.is_object()) {
            digits =
                std::max(digits, human_count(number_at(value.get_object(), "recipients")).size());
        }
    }
    for (const json::value& value : replies) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string reply = text_at(row, "reply");
        const std::string text =
            escape(reply.empty() ? "no reason recorded" : reply, text_octets_max);
        const std::size_t room =
            terminal.width > digits + 24 ? terminal.width - digits - 4 : text_octets_max;
        fmt::print(
            terminal.out,
            "  {:>{}}  {}\n",
            human_count(number_at(row, "recipients")),
            digits,
            terminal.paint(fit(text, room), Colour::yellow)
        );
    }
}

void print_mailboxes(const json::object& group, const Terminal& terminal) {
    std::string text;
    const json::array& busiest = array_at(group, "busiest");
    for (const json::value& value : busiest) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            const auto count = number_at(row, "recipients");
            text += (text.empty() ? "" : ", ") + text_at(row, "recipient") +
                    (count > 1 ? fmt::format(" ({})", human_count(count)) : "");
        }
    }
    const auto mailboxes = number_at(group, "mailboxes");
    if (mailboxes > busiest.size()) {
        text += fmt::format(" and {} more", human_count(mailboxes - busiest.size()));
    }
    print_wrapped("to " + text, terminal);
}

void print_group(const json::object& group, WallTime now, const Terminal& terminal) {
    fmt::print(
        terminal.out,
        "{}  {}\n",
        terminal.paint(counted(number_at(group, "recipients"), "recipient"), Colour::bold),
        terminal.paint(escape(text_at(group, "cause")), Colour::bold)
    );
    print_wrapped(text_at(group, "what"), terminal);
    print_wrapped(text_at(group, "hint"), terminal);
    print_replies(array_at(group, "replies"), terminal);
    print_mailboxes(group, terminal);
    fmt::print(
        terminal.out,
        "  {}, the oldest {}\n",
        human_size(number_at(group, "octets")),
        human_age(time_at(group, "oldest_at"), now)
    );
    const json::array& examples = array_at(group, "examples");
    if (!examples.empty() && examples.front().is_object()) {
        fmt::print(
            terminal.out,
            "  for example:  siding queue show {}\n",
            escape(text_at(examples.front().get_object(), "id"))
        );
    }
    terminal.out << "\n";
}

void print_advice(const json::array& groups, const Terminal& terminal) {
    std::string cause = "CAUSE";
    if (groups.size() == 1 && groups.front().is_object()) {
        cause = escape(text_at(groups.front().get_object(), "cause"));
    }
    fmt::print(
        terminal.out,
        "to send an address elsewhere:  siding remap add OLD NEW\n"
        "to try again:                  siding release --cause {0}\n"
        "to give up:                    siding queue discard --cause {0} [--dsn]\n"
        "one by one:                    siding queue list --cause {0}\n",
        cause
    );
}

}  // namespace

Result<Exit> run(const ListParked& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    SIDING_ASSIGN(const Document parked, source->parked(action.filter));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << parked.text << "\n";
        return Exit::done;
    }
    const json::array& groups = array_at(parked.value, "groups");
    if (groups.empty()) {
        terminal.out << "nothing is parked\n";
        return Exit::done;
    }
    for (const json::value& group : groups) {
        if (group.is_object()) {
            print_group(group.get_object(), context.clock.now(), terminal);
        }
    }
    print_advice(groups, terminal);
    return Exit::done;
}

}  // namespace siding::cli
