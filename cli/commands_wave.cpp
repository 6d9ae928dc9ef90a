#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "cli/wave_file.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

// An address has 60 octets at most in practice: well below the API's bound for one request.
constexpr std::size_t addresses_per_request = 5000;

std::string wave_path(const WaveScope& scope) {
    return fmt::format("/v1/waves/{}/{}", scope.domain.text(), scope.wave);
}

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts) {
        if (text.is_string()) {
            out += (out.empty() ? "" : ", ") + std::string{text.get_string()};
        }
    }
    return out;
}

json::array list_of(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) {
        out.emplace_back(text);
    }
    return out;
}

// "120 addresses, a*, sales-*"
std::string members_text(const json::object& wave) {
    if (flag_at(wave, "everybody_else")) {
        return "everybody else";
    }
    const std::uint64_t count = number_at(wave, "addresses");
    const std::string addresses = count == 1 ? "1 address" : human_count(count) + " addresses";
    const std::string patterns = joined(array_at(wave, "patterns"));
    if (patterns.empty()) {
        return addresses;
    }
    return count == 0 ? patterns : addresses + ", " + patterns;
}

std::string waiting_text(const json::object& wave, std::string_view state) {
    return human_count(number_at(object_at(wave, "counts"), state));
}

void print_fact(const Terminal& terminal, std::string_view name, const std::string& text) {
    fmt::print(
        terminal.out,
        "{} {}\n",
        terminal.paint(fmt::format("{:10}", name), Colour::dim),
        escape(text, 1000)
    );
}

struct Total {
    bool created = false;
    std::uint64_t added = 0;
    std::string phase;
    std::string text;  // the last answer
};

// The members in several requests where they are many; the first one makes the wave.
Result<Total> send_members(
    const AddToWave& action, const std::vector<std::string>& addresses, Context& context
) {
    Total total;
    std::size_t sent = 0;
    do {
        const std::size_t count = std::min(addresses.size() - sent, addresses_per_request);
        const auto from = addresses.begin() + static_cast<std::ptrdiff_t>(sent);
        json::object body{
            {"addresses", list_of({from, from + static_cast<std::ptrdiff_t>(count)})},
            {"why", action.why},
        };
        if (sent == 0) {
            body["patterns"] = list_of(action.patterns);
            if (action.phase) {
                body["phase"] = format_phase(*action.phase);
            }
            if (action.copy) {
                body["copy"] = *action.copy;
            }
        }
        SIDING_ASSIGN(const Document answer, context.api.post(wave_path(action.scope), body));
        total.created = total.created || flag_at(answer.value, "created");
        total.added += number_at(answer.value, "added");
        total.phase = text_at(answer.value, "phase");
        total.text = answer.text;
        sent += count;
    } while (sent < addresses.size());
    return total;
}

}  // namespace

Result<Exit> run(const ListWaves& action, Context& context) {
    const std::string path = action.domain ? "/v1/waves/" + action.domain->text() : "/v1/waves";
    SIDING_ASSIGN(const Document waves, context.api.get(path));
    if (context.json) {
        context.terminal.out << waves.text << "\n";
        return Exit::done;
    }
    Table table{{
        {"WAVE", Align::left, 16},
        {"PHASE"},
        {"COPY"},
        {"HELD", Align::right},
        {"DUE", Align::right},
        {"RECIPIENTS", Align::left, 20, true},
    }};
    for (const json::value& value : array_at(waves.value, "waves")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& wave = value.get_object();
        const std::string phase = text_at(wave, "phase");
        const std::string copy = text_at(wave, "copy");
        table.add({
            text_at(wave, "domain") + "/" + text_at(wave, "wave"),
            {phase.empty() ? "-" : phase, Colour::bold},
            copy.empty() ? "-" : copy,
            waiting_text(wave, "held"),
            waiting_text(wave, "due"),
            members_text(wave),
        });
    }
    table.print(context.terminal);
    return Exit::done;
}

Result<Exit> run(const ShowWave& action, Context& context) {
    SIDING_ASSIGN(
        const Document wave,
        context.api.get(wave_path(action.scope), {{"limit", std::to_string(action.limit)}})
    );
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << wave.text << "\n";
        return Exit::done;
    }
    print_fact(terminal, "wave", text_at(wave.value, "domain") + "/" + text_at(wave.value, "wave"));
    print_fact(terminal, "phase", text_at(wave.value, "phase"));
    if (const std::string copy = text_at(wave.value, "copy"); !copy.empty()) {
        print_fact(terminal, "copy to", copy);
    }
    print_fact(terminal, "recipients", members_text(wave.value));
    for (const json::value& file : array_at(wave.value, "files")) {
        if (file.is_string()) {
            print_fact(terminal, "file", std::string{file.get_string()});
        }
    }
    for (const std::string_view state : {"held", "due", "in_flight", "parked"}) {
        print_fact(terminal, state, waiting_text(wave.value, state));
    }
    const json::array& members = array_at(wave.value, "members");
    for (const json::value& member : members) {
        if (member.is_string()) {
            fmt::print(terminal.out, "{}\n", escape(std::string{member.get_string()}, 1000));
        }
    }
    if (const auto all = number_at(wave.value, "addresses"); all > members.size()) {
        fmt::print(
            terminal.out,
            "… and {} more; --limit shows up to 10,000\n",
            human_count(all - members.size())
        );
    }
    return Exit::done;
}

Result<Exit> run(const AddToWave& action, Context& context) {
    std::vector<std::string> addresses = action.addresses;
    std::size_t elsewhere = 0;
    if (action.file) {
        SIDING_ASSIGN(
            WaveFile file,
            read_wave_file(*action.file, action.format, action.column, action.scope.domain)
        );
        elsewhere = file.elsewhere;
        addresses.insert(addresses.end(), file.addresses.begin(), file.addresses.end());
    }
    SIDING_ASSIGN(const Total total, send_members(action, addresses, context));
    const Terminal& terminal = context.terminal;
    if (elsewhere > 0) {
        fmt::print(
            terminal.err,
            "{} of other domains left out\n",
            elsewhere == 1 ? "1 address" : human_count(elsewhere) + " addresses"
        );
    }
    if (context.json) {
        const json::object answer{
            {"domain", action.scope.domain.text()},
            {"wave", action.scope.wave},
            {"created", total.created},
            {"added", total.added},
            {"phase", total.phase},
        };
        terminal.out << json::serialize(answer) << "\n";
        return Exit::done;
    }
    fmt::print(
        terminal.out,
        "{}/{}: {} added{}, phase {}\n",
        action.scope.domain.text(),
        escape(action.scope.wave),
        counted(total.added, "recipient"),
        total.created ? " to a new wave" : "",
        terminal.paint(escape(total.phase), Colour::bold)
    );
    return Exit::done;
}

Result<Exit> run(const RemoveFromWave& action, Context& context) {
    const bool all = action.addresses.empty() && action.patterns.empty();
    json::object body;
    if (all) {
        body["all"] = true;
    } else {
        body["addresses"] = list_of(action.addresses);
        body["patterns"] = list_of(action.patterns);
    }
    SIDING_ASSIGN(
        const Document removed, context.api.post(wave_path(action.scope) + "/remove", body)
    );
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << removed.text << "\n";
        return Exit::done;
    }
    const std::string name = action.scope.domain.text() + "/" + escape(action.scope.wave);
    if (!all) {
        fmt::print(
            terminal.out,
            "{}: {} out\n",
            name,
            counted(number_at(removed.value, "removed"), "recipient")
        );
        return Exit::done;
    }
    fmt::print(terminal.out, "{} is gone", name);
    if (const auto moved = number_at(removed.value, "moved"); moved > 0) {
        fmt::print(
            terminal.out, "; {} changed over to other waves", counted(moved, "queued recipient")
        );
    }
    terminal.out << "\n";
    return Exit::done;
}

Result<Exit> run(const CloneWave& action, Context& context) {
    const json::object body{
        {"domain", action.to.domain.text()}, {"wave", action.to.wave}, {"why", action.why}};
    SIDING_ASSIGN(const Document cloned, context.api.post(wave_path(action.from) + "/clone", body));
    if (context.json) {
        context.terminal.out << cloned.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{}/{}: a new wave of {}, phase {}\n",
        action.to.domain.text(),
        escape(action.to.wave),
        counted(number_at(cloned.value, "added"), "recipient"),
        context.terminal.paint(escape(text_at(cloned.value, "phase")), Colour::bold)
    );
    return Exit::done;
}

}  // namespace siding::cli
