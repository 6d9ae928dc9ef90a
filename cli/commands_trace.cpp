#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "cli/trace_story.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t time_columns = 10;  // "14:02:11  "
constexpr std::size_t text_columns_min = 30;
constexpr std::size_t text_octets_max = 4000;

// "2026-11-21" and "14:02:11" of "2026-11-21 14:02:11Z".
std::string day_of(WallTime time) {
    return human_time(time).substr(0, 10);
}
std::string clock_of(WallTime time) {
    return human_time(time).substr(11, 8);
}

std::string header_text(const json::object& message) {
    std::string out;
    for (const json::value& value : array_at(message, "entries")) {
        if (value.is_object() && text_at(value.get_object(), "kind") == "accepted") {
            const json::object& entry = value.get_object();
            const std::string id = text_at(entry, "message_id");
            out = fmt::format(
                "from <{}>{}{}", text_at(entry, "sender"), id.empty() ? "" : ", Message-ID ", id
            );
        }
    }
    return out;
}

void print_line(const StoryLine& line, bool is_now, const Terminal& terminal) {
    const std::string text = escape(line.text, text_octets_max);
    const bool has_width = terminal.width > time_columns + text_columns_min;
    const auto lines =
        has_width ? wrap(text, terminal.width - time_columns) : std::vector<std::string>{text};
    std::string time = is_now ? "now" : clock_of(line.at);
    for (const std::string& part : lines) {
        fmt::print(
            terminal.out,
            "{:{}}{}\n",
            std::exchange(time, {}),
            time_columns,
            terminal.paint(part, line.colour)
        );
    }
}

void print_message(
    const json::object& message, const json::object& servers, WallTime now, const Terminal& terminal
) {
    fmt::print(
        terminal.out,
        "{} {}\n",
        terminal.paint(escape(text_at(message, "id")), Colour::bold),
        escape(header_text(message), text_octets_max)
    );
    std::string day;
    for (const StoryLine& line : tell_story(message, servers, now)) {
        const bool is_now = line.at == now;
        if (!is_now && day_of(line.at) != day) {
            day = day_of(line.at);
            fmt::print(terminal.out, "{}\n", terminal.paint(day + ", times in UTC", Colour::dim));
        }
        print_line(line, is_now, terminal);
    }
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
    const json::object& servers = object_at(found.value, "servers");
    bool first = true;
    for (const json::value& message : messages) {
        if (message.is_object()) {
            context.terminal.out << (first ? "" : "\n");
            print_message(message.get_object(), servers, context.clock.now(), context.terminal);
            first = false;
        }
    }
    return Exit::done;
}

}  // namespace siding::cli
