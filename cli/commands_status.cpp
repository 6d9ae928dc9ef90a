#include "base/bytes.hpp"
#include "cli/api.hpp"
#include "cli/books.hpp"
#include "cli/commands.hpp"
#include "cli/dns_printer.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

void print_head(const json::object& status, WallTime now, const Terminal& terminal) {
    const json::object& health = object_at(status, "health");
    const bool healthy = flag_at(health, "ok");
    const auto started = time_at(status, "started_at");
    fmt::print(
        terminal.out,
        "{}  sidingd {}  up {}  epoch {}  {}\n",
        terminal.paint(escape(text_at(status, "hostname")), Colour::bold),
        escape(text_at(status, "version")),
        started ? human_duration(std::max(now - *started, std::chrono::milliseconds{0})) : "-",
        number_at(status, "epoch"),
        healthy ? terminal.paint("healthy", Colour::green)
                : terminal.paint("NOT HEALTHY", Colour::red)
    );
    if (!healthy) {
        fmt::print(
            terminal.out,
            "{}\n",
            terminal.paint(escape(text_at(health, "reason"), 1000), Colour::red)
        );
    }
}

Cell count_cell(std::uint64_t number, Colour colour = Colour::none) {
    return {human_count(number), number == 0 ? Colour::dim : colour};
}

void print_domains(const json::array& domains, const Terminal& terminal) {
    Table table{{
        {"DOMAIN", Align::left, 16},
        {"PHASE"},
        {"HELD", Align::right},
        {"SIZE", Align::right},
        {"DUE", Align::right},
        {"FLIGHT", Align::right},
        {"PARKED", Align::right},
        {"DELIVERED", Align::right},
    }};
    for (const json::value& value : domains) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const json::object& counts = object_at(row, "counts");
        const std::string wave = text_at(row, "wave");
        const std::string domain = text_at(row, "domain");
        table.add({
            wave.empty() || wave == "default" ? domain : domain + "/" + wave,
            text_at(row, "phase"),
            count_cell(number_at(counts, "held")),
            {human_size(number_at(row, "held_octets")),
             number_at(row, "held_octets") == 0 ? Colour::dim : Colour::none},
            count_cell(number_at(counts, "due")),
            count_cell(number_at(counts, "in_flight")),
            count_cell(number_at(counts, "parked"), Colour::yellow),
            count_cell(number_at(counts, "delivered")),
        });
    }
    if (table.empty()) {
        fmt::print(terminal.out, "no domains: add one to the configuration, then reload\n");
    }
    table.print(terminal);
}

// Why a server gets nothing, or less than it could.
Cell server_state(const json::object& row, WallTime now) {
    const std::string breaker = text_at(row, "breaker");
    const auto cool_until = time_at(row, "cool_until");
    if (breaker == "open") {
        return {"failing", Colour::red};
    }
    if (breaker == "half_open") {
        return {"probing", Colour::yellow};
    }
    if (cool_until && *cool_until > now) {
        return {"cooling " + human_duration(*cool_until - now), Colour::yellow};
    }
    if (number_at(row, "waiting") > 0) {
        return {"limited", Colour::yellow};
    }
    return {"ok", Colour::green};
}

// Open ones, those that it gets for now, and where that is less, those that it could have.
std::string connections_of(const json::object& row) {
    const std::uint64_t most = number_at(row, "connections_max");
    const std::uint64_t allowed =
        row.contains("concurrency") ? number_at(row, "concurrency") : most;
    const std::uint64_t open = number_at(row, "connections_open");
    return allowed == most ? fmt::format("{}/{}", open, most)
                           : fmt::format("{}/{} of {}", open, allowed, most);
}

// "120/m", with the limit that it keeps to: "20 of 600/m".
std::string pace_of(const json::object& row) {
    const std::uint64_t limit = number_at(object_at(row, "limits"), "rate");
    const std::string pace = human_count(number_at(row, "messages_per_minute"));
    return limit == 0 ? pace + "/m" : pace + " of " + human_count(limit) + "/m";
}

void print_servers(const json::array& servers, WallTime now, const Terminal& terminal) {
    Table table{{
        {"SERVER"},
        {"ADDRESS", Align::left, 20},
        {"STATE"},
        {"CONN", Align::right},
        {"DUE", Align::right},
        {"FLIGHT", Align::right},
        {"PACE", Align::right},
        {"NEXT", Align::right},
        {"DELIVERED", Align::right},
    }};
    Table errors{{{"SERVER"}, {"LAST ERROR", Align::left, 20, true}}};
    Table hints{{{"SERVER"}, {"WHAT TO DO", Align::left, 20, true}}};
    for (const json::value& value : servers) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string error = text_at(row, "last_error");
        table.add({
            text_at(row, "name"),
            text_at(row, "address"),
            server_state(row, now),
            connections_of(row),
            count_cell(number_at(row, "due")),
            count_cell(number_at(row, "in_flight")),
            pace_of(row),
            human_wait(time_at(row, "next_attempt_at"), now),
            human_age(time_at(row, "last_delivery_at"), now),
        });
        if (!error.empty()) {
            errors.add({text_at(row, "name"), {error, Colour::yellow}});
        }
        if (const std::string hint = text_at(row, "hint"); !hint.empty()) {
            hints.add({text_at(row, "name"), hint});
        }
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
    if (!errors.empty()) {
        terminal.out << "\n";
    }
    errors.print(terminal);
    if (!hints.empty()) {
        terminal.out << "\n";
    }
    hints.print(terminal);
}

// Recipients since the start, whose senders waited for the server's answer.
void print_passed(const json::array& servers, const Terminal& terminal) {
    for (const json::value& value : servers) {
        const json::object& row = value.as_object();
        fmt::print(
            terminal.out,
            "\npassed on to {}: {} delivered, {} refused, {} queued, {} in doubt\n",
            text_at(row, "server"),
            human_count(number_at(row, "delivered")),
            human_count(number_at(row, "refused")),
            human_count(number_at(row, "queued")),
            human_count(number_at(row, "in_doubt"))
        );
    }
}

void print_dns(const json::array& domains, WallTime now, const Terminal& terminal) {
    Table table{{{"MX OF", Align::left, 16}, {"THE WORLD HAS SWITCHED", Align::left, 24, true}}};
    for (const json::value& value : domains) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string unplanned = text_at(row, "unplanned");
        const std::string line = time_at(row, "watched_at") ? dns_verdict_line(row, now)
                                                            : std::string{"not looked at yet"};
        table.add({
            text_at(row, "domain"),
            unplanned.empty() ? Cell{line} : Cell{line + "; " + unplanned, Colour::red},
        });
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
}

void print_foot(const json::object& status, const Terminal& terminal) {
    const json::object& disk = object_at(status, "disk");
    fmt::print(
        terminal.out,
        "\n{}\n{} in, disk {} free of which {} stay in reserve\n",
        format_books(object_at(status, "queue")),
        counted(number_at(object_at(status, "sessions"), "inbound"), "session"),
        human_size(number_at(disk, "free_octets")),
        human_size(number_at(disk, "reserve_octets"))
    );
}

}  // namespace

Result<Exit> run(const ShowStatus&, Context& context) {
    SIDING_ASSIGN(const Document status, context.api.get("/v1/status"));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << status.text << "\n";
        return Exit::done;
    }
    const WallTime now = time_at(status.value, "now").value_or(context.clock.now());
    print_head(status.value, now, terminal);
    terminal.out << "\n";
    print_domains(array_at(status.value, "domains"), terminal);
    print_servers(array_at(status.value, "servers"), now, terminal);
    print_passed(array_at(status.value, "passed"), terminal);
    print_dns(array_at(status.value, "dns"), now, terminal);
    print_foot(status.value, terminal);
    return Exit::done;
}

}  // namespace siding::cli
