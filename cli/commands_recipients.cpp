#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts) {
        if (text.is_string()) {
            out += (out.empty() ? "" : ", ") + std::string{text.get_string()};
        }
    }
    return out;
}

Colour colour_of(std::string_view decision) {
    if (decision == "accepted") {
        return Colour::green;
    }
    return decision == "refused" ? Colour::red : Colour::yellow;
}

std::string file_text(const json::object& report) {
    const json::value* const in_files = report.if_contains("in_files");
    if (in_files == nullptr || !in_files->is_bool()) {
        return "the domain has none";
    }
    return in_files->get_bool() ? "known" : "unknown";
}

void print_fact(const Terminal& terminal, std::string_view name, const std::string& text) {
    fmt::print(
        terminal.out,
        "{} {}\n",
        terminal.paint(fmt::format("{:10}", name), Colour::dim),
        escape(text, 1000)
    );
}

std::string asked_text(const json::object& server) {
    if (!flag_at(server, "from_cache") && !flag_at(server, "last_known")) {
        return "now";
    }
    const auto age = std::chrono::milliseconds{number_at(server, "age_ms")};
    return human_duration(age) + " ago" + (flag_at(server, "last_known") ? ", expired" : "");
}

void print_servers(const json::array& servers, const Terminal& terminal) {
    Table table{{
        {"SERVER"},
        {"SAYS"},
        {"ASKED"},
        {"ANSWER", Align::left, 24, true},
    }};
    for (const json::value& value : servers) {
        if (value.is_object()) {
            const json::object& server = value.get_object();
            table.add({
                text_at(server, "server"),
                text_at(server, "existence") +
                    (flag_at(server, "catch_all") ? ", to any address" : ""),
                asked_text(server),
                text_at(server, "reply"),
            });
        }
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
}

}  // namespace

Result<Exit> run(const CheckRecipient& action, Context& context) {
    SIDING_ASSIGN(
        const Document report,
        context.api.get("/v1/recipients/check", {{"address", action.address}})
    );
    const Terminal& terminal = context.terminal;
    const std::string decision = text_at(report.value, "decision");
    const Exit outcome = decision == "accepted" ? Exit::done : Exit::no;
    if (context.json) {
        terminal.out << report.text << "\n";
        return outcome;
    }
    fmt::print(
        terminal.out,
        "{} would be {}\n",
        escape(text_at(report.value, "address"), 1000),
        terminal.paint(escape(decision), colour_of(decision))
    );
    if (flag_at(report.value, "route")) {
        print_fact(terminal, "reads as", "a route to somewhere else, and no file lists it");
    }
    if (flag_at(report.value, "accepts_any")) {
        print_fact(terminal, "domain", "takes any recipient");
    }
    print_fact(terminal, "files", file_text(report.value));
    if (const json::array& rewritten = array_at(report.value, "rewritten_to"); !rewritten.empty()) {
        print_fact(terminal, "goes to", joined(rewritten));
    }
    print_servers(array_at(report.value, "servers"), terminal);
    return outcome;
}

Result<Exit> run(const FlushRecipients& action, Context& context) {
    json::object body;
    if (!action.address.empty()) {
        body["address"] = action.address;
    } else if (!action.domain.empty()) {
        body["domain"] = action.domain;
    } else {
        body["all"] = true;
    }
    SIDING_ASSIGN(const Document answer, context.api.post("/v1/recipients/flush", body));
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{} forgotten\n",
        counted(number_at(answer.value, "flushed"), "answer")
    );
    return Exit::done;
}

}  // namespace siding::cli
