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

std::string wave_name(const json::object& move) {
    const std::string wave = text_at(move, "wave");
    const std::string domain = text_at(move, "domain");
    return wave.empty() || wave == "default" ? domain : domain + "/" + wave;
}

std::string phase_text(const std::string& phase, const std::string& copy) {
    return copy.empty() ? phase : phase + " (copy to " + copy + ")";
}

std::string from_text(const json::object& move) {
    return phase_text(text_at(move, "from"), text_at(move, "copy_from"));
}

std::string to_text(const json::object& move) {
    return phase_text(text_at(move, "to"), text_at(move, "copy"));
}

void print_moves(const json::array& moves, const Terminal& terminal) {
    for (const json::value& value : moves) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& move = value.get_object();
        const std::string from = from_text(move);
        const std::string to = to_text(move);
        if (from == to) {
            fmt::print(terminal.out, "{}: stays in {}\n", escape(wave_name(move)), escape(to));
        } else {
            fmt::print(
                terminal.out,
                "{}: {} → {}\n",
                escape(wave_name(move)),
                escape(from),
                terminal.paint(escape(to), Colour::bold)
            );
        }
    }
}

void print_releases(const json::object& answer, const Terminal& terminal) {
    for (const json::value& release : array_at(answer, "releases")) {
        if (release.is_int64() || release.is_uint64()) {
            const auto number = release.to_number<std::uint64_t>();
            fmt::print(
                terminal.out,
                "what is held leaves by release {0}; siding release wait {0} watches it\n",
                number
            );
        }
    }
}

}  // namespace

Result<Exit> run(const FlipPhases& action, Context& context) {
    json::array targets;
    for (const std::string& target : action.targets) {
        targets.emplace_back(target);
    }
    json::object body{
        {"to", format_phase(action.to)},
        {"targets", std::move(targets)},
        {"why", action.why},
        {"release_held", action.release_held},
    };
    if (action.copy) {
        body["copy"] = *action.copy;
    }
    SIDING_ASSIGN(const Document flipped, context.api.post("/v1/flips", body));
    if (context.json) {
        context.terminal.out << flipped.text << "\n";
        return Exit::done;
    }
    print_moves(array_at(flipped.value, "moves"), context.terminal);
    fmt::print(context.terminal.out, "epoch {}\n", number_at(flipped.value, "epoch"));
    print_releases(flipped.value, context.terminal);
    return Exit::done;
}

Result<Exit> run(const RollBack& action, Context& context) {
    const json::object body{
        {"why", action.why},
        {"dry_run", action.dry_run},
        {"release_held", action.release_held},
    };
    SIDING_ASSIGN(const Document rolled, context.api.post("/v1/rollback", body));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << rolled.text << "\n";
        return Exit::done;
    }
    const json::object& flip = object_at(rolled.value, "flip");
    fmt::print(
        terminal.out,
        "{} the flip of epoch {}, {} by {}{}\n",
        action.dry_run ? "would take back" : "took back",
        number_at(rolled.value, "undoes"),
        human_age(time_at(flip, "at"), context.clock.now()),
        escape(text_at(flip, "who")),
        text_at(flip, "why").empty() ? "" : ": " + escape(text_at(flip, "why"), 1000)
    );
    print_moves(array_at(rolled.value, "moves"), terminal);
    if (!action.dry_run) {
        fmt::print(terminal.out, "epoch {}\n", number_at(rolled.value, "epoch"));
    }
    print_releases(rolled.value, terminal);
    return Exit::done;
}

Result<Exit> run(const ListFlips& action, Context& context) {
    SIDING_ASSIGN(
        const Document flips,
        context.api.get("/v1/flips", {{"limit", std::to_string(action.limit)}})
    );
    if (context.json) {
        context.terminal.out << flips.text << "\n";
        return Exit::done;
    }
    const WallTime now = context.clock.now();
    Table table{{
        {"EPOCH", Align::right},
        {"WHEN", Align::right},
        {"BY", Align::left, 10},
        {"WAVE", Align::left, 16},
        {"FROM"},
        {"TO"},
        {"WHY", Align::left, 20, true},
    }};
    for (const json::value& value : array_at(flips.value, "flips")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& flip = value.get_object();
        std::string why = text_at(flip, "why");
        if (const auto undone_by = number_at(flip, "undone_by"); undone_by != 0) {
            why = fmt::format("[taken back by {}] {}", undone_by, why);
        }
        if (const auto undoes = number_at(flip, "undoes"); undoes != 0) {
            why = fmt::format("[takes back {}] {}", undoes, why);
        }
        for (const json::value& move : array_at(flip, "moves")) {
            if (move.is_object()) {
                table.add({
                    std::to_string(number_at(flip, "epoch")),
                    human_age(time_at(flip, "at"), now),
                    text_at(flip, "who"),
                    wave_name(move.get_object()),
                    from_text(move.get_object()),
                    to_text(move.get_object()),
                    why.empty() ? "-" : why,
                });
            }
        }
    }
    if (table.empty()) {
        context.terminal.out << "no phase was changed yet\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli
