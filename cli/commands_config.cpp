#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "config/load.hpp"
#include "config/reference.hpp"
#include "control/config_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

json::object report(const std::vector<config::ConfigError>& errors) {
    json::array list;
    for (const config::ConfigError& error : errors) {
        list.push_back(json::object{
            {"file", error.file},
            {"line", error.place.line},
            {"column", error.place.column},
            {"key", error.key},
            {"what", error.what},
        });
    }
    return {{"ok", errors.empty()}, {"errors", std::move(list)}};
}

void print_errors(const std::vector<config::ConfigError>& errors, const Terminal& terminal) {
    for (const config::ConfigError& error : errors) {
        fmt::print(terminal.err, "{}\n", escape(error.text(), 2000));
    }
}

// What is the default is dim, what is not set left out.
void print_settings(const json::array& settings, bool changed, const Terminal& terminal) {
    Table table{{{"KEY", Align::left, 16}, {"VALUE", Align::left, 24, true}}};
    for (const json::value& value : settings) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string text = text_at(row, "value");
        const bool is_default = text == text_at(row, "default");
        if (!text.empty() && !(changed && is_default)) {
            const Colour colour = is_default ? Colour::dim : Colour::none;
            table.add({text_at(row, "key"), {text, colour}});
        }
    }
    table.print(terminal);
}

void print_retry(const json::object& retry, const Terminal& terminal) {
    std::string times;
    for (const json::value& time : array_at(retry, "after")) {
        if (time.is_string()) {
            times += (times.empty() ? "" : ", ") + std::string{time.get_string()};
        }
    }
    fmt::print(
        terminal.out,
        "\nA recipient that a server puts off is tried again {} after the first attempt,\n"
        "then every {} for ever; each wait is up to a tenth longer.\n",
        escape(times, 1000),
        escape(text_at(retry, "then_every"))
    );
}

std::string bound(const json::object& row, std::string_view key) {
    const auto number = number_at(row, key);
    return number == 0 ? "any" : human_count(number);
}

void print_limits(const json::array& servers, const Terminal& terminal) {
    Table table{{
        {"SERVER"},
        {"PROFILE"},
        {"CONNECTIONS", Align::right},
        {"MESSAGES EACH", Align::right},
        {"RECIPIENTS", Align::right},
        {"RATE/MIN", Align::right},
        {"COOL-DOWN"},
    }};
    for (const json::value& value : servers) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            table.add({
                text_at(row, "server"),
                text_at(row, "profile"),
                fmt::format(
                    "{} to {}", number_at(row, "connections_start"), number_at(row, "connections")
                ),
                bound(row, "messages_per_connection"),
                bound(row, "recipients_per_transaction"),
                bound(row, "rate"),
                text_at(row, "cool_down") + " to " + text_at(row, "cool_down_longest"),
            });
        }
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
}

}  // namespace

Result<Exit> run(const CheckConfig& action, Context& context) {
    const auto loaded = config::check_file(action.file.string());
    const Terminal& terminal = context.terminal;
    const auto errors =
        loaded.has_error() ? loaded.error().list : std::vector<config::ConfigError>{};
    if (context.json) {
        terminal.out << json::serialize(report(errors)) << "\n";
        return errors.empty() ? Exit::done : Exit::usage;
    }
    print_errors(errors, terminal);
    if (!errors.empty()) {
        return Exit::usage;
    }
    fmt::print(
        terminal.out,
        "{} is good: {}, {}, {}\n",
        escape(action.file.string(), 1000),
        counted(loaded->domains.size(), "domain"),
        counted(loaded->servers.size(), "server"),
        counted(loaded->listeners.size(), "listener")
    );
    return Exit::done;
}

Result<Exit> run(const ShowConfig& action, Context& context) {
    Document shown;
    if (action.file) {
        const auto loaded = config::load_file(action.file->string());
        if (loaded.has_error()) {
            print_errors(loaded.error().list, context.terminal);
            return Exit::usage;
        }
        shown.value = control::config_json(*loaded);
        shown.text = json::serialize(shown.value);
    } else {
        SIDING_ASSIGN(shown, context.api.get("/v1/config"));
    }
    if (context.json) {
        context.terminal.out << shown.text << "\n";
        return Exit::done;
    }
    print_settings(array_at(shown.value, "settings"), action.changed, context.terminal);
    print_retry(object_at(shown.value, "retry"), context.terminal);
    print_limits(array_at(shown.value, "servers"), context.terminal);
    return Exit::done;
}

Result<Exit> run(const ShowConfigReference&, Context& context) {
    context.terminal.out << config::format_reference();
    return Exit::done;
}

}  // namespace siding::cli
