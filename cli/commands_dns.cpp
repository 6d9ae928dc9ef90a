#include "cli/commands.hpp"
#include "cli/dns_printer.hpp"
#include "cli/document.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto poll_interval = 1s;
constexpr const char* clear_screen = "\033[H\033[2J";

net::HttpQuery query_of(const std::optional<Domain>& domain) {
    net::HttpQuery query;
    if (domain) {
        query.emplace("domain", domain->text());
    }
    return query;
}

const json::object& first_domain(const json::object& document) {
    static const json::object none;
    const json::array& domains = array_at(document, "domains");
    return domains.empty() || !domains.front().is_object() ? none : domains.front().get_object();
}

void print(const json::object& document, bool is_one, Context& context) {
    const WallTime now = time_at(document, "now").value_or(context.clock.now());
    if (is_one) {
        print_dns_domain(first_domain(document), now, context.terminal);
    } else {
        print_dns_table(array_at(document, "domains"), now, context.terminal);
    }
}

bool is_reached(const json::object& document, dns::Verdict wanted) {
    const auto verdict = dns::parse_verdict(text_at(first_domain(document), "verdict"));
    return verdict && *verdict >= wanted;
}

Result<Exit> wait_for(const ShowDns& action, Context& context) {
    std::string told;
    for (;;) {
        SIDING_ASSIGN(const Document found, context.api.get("/v1/dns", query_of(action.domain)));
        const bool reached = is_reached(found.value, *action.is);
        const std::string line = dns_verdict_line(first_domain(found.value), context.clock.now());
        if (context.json && (reached || !action.wait)) {
            context.terminal.out << found.text << "\n";
        } else if (!context.json) {
            // One line for each step: this is for scripts and their logs.
            const std::string verdict = text_at(first_domain(found.value), "verdict");
            if (verdict != told || reached) {
                fmt::print(context.terminal.out, "{}: {}\n", action.domain->text(), line);
                context.terminal.out.flush();
            }
            told = verdict;
        }
        if (reached || !action.wait) {
            return reached ? Exit::done : Exit::no;
        }
        if (!context.pause(poll_interval)) {
            return Exit::no;
        }
    }
}

}  // namespace

Result<Exit> run(const ShowDns& action, Context& context) {
    if (action.is) {
        return wait_for(action, context);
    }
    SIDING_ASSIGN(const Document found, context.api.get("/v1/dns", query_of(action.domain)));
    if (context.json) {
        context.terminal.out << found.text << "\n";
    } else {
        print(found.value, action.domain.has_value(), context);
    }
    return Exit::done;
}

Result<Exit> run(const WatchDns& action, Context& context) {
    std::string shown;
    do {
        SIDING_ASSIGN(const Document found, context.api.get("/v1/dns", query_of(action.domain)));
        const Terminal& terminal = context.terminal;
        if (context.json) {
            terminal.out << found.text << "\n";
        } else if (terminal.watched) {
            terminal.out << clear_screen;
            print(found.value, action.domain.has_value(), context);
        } else {
            // A log gets a line for each change.
            for (const json::value& domain : array_at(found.value, "domains")) {
                const std::string line = text_at(domain.as_object(), "domain") + ": " +
                                         text_at(domain.as_object(), "verdict") + ", " +
                                         text_at(domain.as_object(), "reason") + "\n";
                if (shown.find(line) == std::string::npos) {
                    terminal.out << line;
                    shown = shown.size() > 64 * 1024 ? line : shown + line;
                }
            }
        }
        terminal.out.flush();
    } while (context.pause(poll_interval));
    return Exit::done;
}

Result<Exit> run(const LookAtDns& action, Context& context) {
    const json::object body{{"domain", action.domain.text()}};
    SIDING_ASSIGN(const Document found, context.api.post("/v1/dns/look", body));
    if (context.json) {
        context.terminal.out << found.text << "\n";
    } else {
        print(found.value, true, context);
    }
    return Exit::done;
}

}  // namespace siding::cli
