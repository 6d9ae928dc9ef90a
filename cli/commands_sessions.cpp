#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace siding::cli {
namespace {

namespace json = boost::json;

void add_row(Table& table, const json::object& session, WallTime now) {
    const auto since = time_at(session, "since");
    const std::string tls = text_at(session, "tls");
    const std::string helo = text_at(session, "helo");
    const std::string proxy = text_at(session, "proxy");
    const std::string upstream = text_at(session, "upstream");
    table.add({
        text_at(session, "peer") + (proxy.empty() ? "" : " via " + proxy),
        text_at(session, "state") + (upstream.empty() ? "" : " to " + upstream),
        helo.empty() ? "-" : helo,
        tls.empty() ? "-" : tls,
        since ? human_duration(std::max(now - *since, std::chrono::milliseconds{0})) : "-",
        human_count(number_at(session, "messages")),
        human_size(number_at(session, "octets")),
    });
}

}  // namespace

Result<Exit> run(const ListSessions&, Context& context) {
    SIDING_ASSIGN(const Document answer, context.api.get("/v1/sessions"));
    Table table{{
        {"PEER", Align::left, 18},
        {"STATE"},
        {"HELO", Align::left, 12},
        {"TLS"},
        {"FOR", Align::right},
        {"MAIL", Align::right},
        {"SIZE", Align::right},
    }};
    for (const json::value& value : array_at(answer.value, "sessions")) {
        if (!value.is_object()) {
            continue;
        }
        if (context.json) {
            context.terminal.out << json::serialize(value) << "\n";
        } else {
            add_row(table, value.get_object(), context.clock.now());
        }
    }
    if (!context.json && table.empty()) {
        context.terminal.out << "nobody is connected\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli
