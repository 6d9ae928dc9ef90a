#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/progress.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "control/filter_params.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto first_poll_wait = 50ms;
constexpr auto poll_wait_max = 1000ms;

json::object release_body(const StartRelease& action, bool dry_run) {
    return {
        {"filter", control::filter_json(action.filter)},
        {"to", action.server},
        {"dry_run", dry_run},
    };
}

Result<Document> fetch(std::uint64_t release, Context& context) {
    return context.api.get(fmt::format("/v1/releases/{}", release));
}

Exit print_end(const Document& release, WallTime began, Context& context) {
    const ReleaseProgress progress = make_progress(release.value);
    const Exit outcome = progress.parked == 0 ? Exit::done : Exit::no;
    if (context.json) {
        context.terminal.out << release.text << "\n";
        return outcome;
    }
    fmt::print(
        context.terminal.out,
        "release {} to {} done in {}: {} delivered",
        progress.release,
        progress.server,
        human_duration(context.clock.now() - began),
        human_count(progress.delivered)
    );
    if (progress.others > 0) {
        fmt::print(
            context.terminal.out, ", {} held again or discarded", human_count(progress.others)
        );
    }
    if (progress.parked > 0) {
        fmt::print(
            context.terminal.out,
            ", {}; siding parked says why",
            context.terminal.paint(human_count(progress.parked) + " parked", Colour::yellow)
        );
    }
    context.terminal.out << "\n";
    return outcome;
}

Exit print_interrupted(std::uint64_t release, Context& context) {
    fmt::print(
        context.terminal.err,
        "release {0} goes on without you; siding release wait {0} watches it again\n",
        release
    );
    return Exit::no;
}

Result<Exit> wait(std::uint64_t release, std::uint64_t expected, Context& context) {
    const WallTime began = context.clock.now();
    ProgressPrinter printer{context.terminal, expected};
    for (auto next_wait = std::chrono::milliseconds{first_poll_wait};;
         next_wait = std::min(next_wait * 2, std::chrono::milliseconds{poll_wait_max})) {
        auto document = fetch(release, context);
        if (document.has_error()) {
            printer.close();
            return document.error();
        }
        const ReleaseProgress progress = make_progress(document->value);
        if (progress.done) {
            printer.close();
            return print_end(*document, began, context);
        }
        if (!context.json) {
            printer.show(progress, context.clock.now());
        }
        if (!context.pause(next_wait)) {
            printer.close();
            return print_interrupted(release, context);
        }
    }
}

Result<Exit> dry_run(const StartRelease& action, Context& context) {
    SIDING_ASSIGN(
        const Document count, context.api.post("/v1/releases", release_body(action, true))
    );
    if (context.json) {
        context.terminal.out << count.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{} ({}) would go to {}\n",
        counted(number_at(count.value, "recipients"), "recipient"),
        human_size(number_at(count.value, "octets")),
        escape(action.server)
    );
    return Exit::done;
}

std::string progress_text(const ReleaseProgress& progress) {
    if (progress.done) {
        return progress.parked == 0 ? "done" : "done, some parked";
    }
    return progress.complete ? "under way" : "choosing";
}

}  // namespace

Result<Exit> run(const StartRelease& action, Context& context) {
    if (action.dry_run) {
        return dry_run(action, context);
    }
    std::uint64_t expected = 0;
    if (action.wait && !context.json) {
        SIDING_ASSIGN(
            const Document count, context.api.post("/v1/releases", release_body(action, true))
        );
        expected = number_at(count.value, "recipients");
    }
    SIDING_ASSIGN(
        const Document ordered, context.api.post("/v1/releases", release_body(action, false))
    );
    const std::uint64_t release = number_at(ordered.value, "release");
    if (action.wait) {
        return wait(release, expected, context);
    }
    if (context.json) {
        context.terminal.out << ordered.text << "\n";
    } else {
        fmt::print(
            context.terminal.out,
            "release {0} to {1} is under way; siding release wait {0} watches it\n",
            release,
            escape(action.server)
        );
    }
    return Exit::done;
}

Result<Exit> run(const WaitRelease& action, Context& context) {
    return wait(action.release, 0, context);
}

Result<Exit> run(const ListReleases&, Context& context) {
    SIDING_ASSIGN(const Document releases, context.api.get("/v1/releases"));
    const WallTime now = context.clock.now();
    Table table{{
        {"RELEASE", Align::right},
        {"TO"},
        {"ORDERED", Align::right},
        {"BY", Align::left, 10},
        {"CHOSEN", Align::right},
        {"DELIVERED", Align::right},
        {"WAITING", Align::right},
        {"PARKED", Align::right},
        {"STATE"},
    }};
    for (const json::value& value : array_at(releases.value, "releases")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        if (context.json) {
            context.terminal.out << json::serialize(row) << "\n";
            continue;
        }
        const ReleaseProgress progress = make_progress(row);
        table.add({
            std::to_string(progress.release),
            text_at(row, "server"),
            human_age(time_at(row, "ordered_at"), now),
            text_at(row, "who"),
            human_count(progress.chosen),
            human_count(progress.delivered),
            human_count(progress.waiting),
            {human_count(progress.parked), progress.parked > 0 ? Colour::yellow : Colour::none},
            progress_text(progress),
        });
    }
    if (table.empty() && !context.json) {
        context.terminal.out << "no release was ordered yet\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli
