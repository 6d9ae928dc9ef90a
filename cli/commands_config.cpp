#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/quantities.hpp"
#include "config/load.hpp"
#include "config/reference.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

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
    for (const config::ConfigError& error : errors) {
        fmt::print(terminal.err, "{}\n", escape(error.text(), 2000));
    }
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

Result<Exit> run(const ShowConfigReference&, Context& context) {
    context.terminal.out << config::format_reference();
    return Exit::done;
}

}  // namespace siding::cli
