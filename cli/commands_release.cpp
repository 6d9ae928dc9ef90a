#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/progress.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "control/filter_params.hpp"

#include <boost/json/array.hpp>
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

json::object release_body(const StartRelease& action) {
    json::object body{
        {"filter", control::filter_json(action.filter)},
        {"to", action.server},
        {"dry_run", action.dry_run},
    };
    if (action.rate_per_minute) {
        body["rate_per_minute"] = *action.rate_per_minute;
    }
    if (action.canary) {
        body["canary"] = *action.canary;
    }
    if (action.order) {
        body["order"] = queue::format_release_order(*action.order);
    }
    if (action.pause_percent) {
        body["pause_percent"] = *action.pause_percent;
    }
    if (!action.first.empty()) {
        json::array first;
        for (const std::string& address : action.first) {
            first.emplace_back(address);
        }
        body["first"] = std::move(first);
    }
    return body;
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
        "release {} to {} {} in {}: {} delivered",
        progress.release,
        progress.server,
        progress.state == "cancelled" ? "cancelled, ended" : "done",
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

// It would wait for ever: somebody has to decide.
Exit print_paused(const Document& release, Context& context) {
    const ReleaseProgress progress = make_progress(release.value);
    if (context.json) {
        context.terminal.out << release.text << "\n";
        return Exit::no;
    }
    fmt::print(
        context.terminal.out,
        "release {0} to {1} is {2}\n"
        "{3} delivered, {4} parked, {5} still to go; siding release resume {0} goes on\n",
        progress.release,
        progress.server,
        context.terminal.paint(progress_text(progress), Colour::yellow),
        human_count(progress.delivered),
        human_count(progress.parked),
        human_count(number_at(release.value, "left"))
    );
    return Exit::no;
}

Result<Exit> wait(std::uint64_t release, Context& context) {
    const WallTime began = context.clock.now();
    ProgressPrinter printer{context.terminal};
    for (auto next_wait = std::chrono::milliseconds{first_poll_wait};;
         next_wait = std::min(next_wait * 2, std::chrono::milliseconds{poll_wait_max})) {
        auto document = fetch(release, context);
        if (document.has_error()) {
            printer.close();
            return document.error();
        }
        const ReleaseProgress progress = make_progress(document->value);
        if (progress.done || progress.state == "paused") {
            printer.close();
            return progress.done ? print_end(*document, began, context)
                                 : print_paused(*document, context);
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
    SIDING_ASSIGN(const Document count, context.api.post("/v1/releases", release_body(action)));
    if (context.json) {
        context.terminal.out << count.text << "\n";
        return Exit::done;
    }
    const std::uint64_t recipients = number_at(count.value, "recipients");
    const std::uint64_t rate = action.rate_per_minute.value_or(0);
    fmt::print(
        context.terminal.out,
        "{} ({}) would go to {}{}\n",
        counted(recipients, "recipient"),
        human_size(number_at(count.value, "octets")),
        escape(action.server),
        rate == 0 ? ""
                  : fmt::format(
                        " in {} at that rate",
                        human_duration(std::chrono::seconds{recipients * 60 / rate})
                    )
    );
    return Exit::done;
}

std::string rate_text(std::uint64_t per_minute) {
    return per_minute == 0 ? "none" : fmt::format("{}/min", human_count(per_minute));
}

void print_release(const json::object& release, Context& context) {
    const ReleaseProgress progress = make_progress(release);
    std::ostream& out = context.terminal.out;
    const auto line = [&](std::string_view name, const std::string& text) {
        fmt::print(out, "{:<10} {}\n", name, text);
    };
    fmt::print(out, "release {} to {}\n", progress.release, progress.server);
    line("state", progress_text(progress));
    line(
        "ordered",
        fmt::format(
            "{} by {}",
            human_age(time_at(release, "ordered_at"), context.clock.now()),
            escape(text_at(release, "who"))
        )
    );
    line("filter", escape(json::serialize(object_at(release, "filter"))));
    const std::uint64_t first = number_at(release, "first");
    line(
        "order",
        escape(text_at(release, "order")) +
            (first == 0
                 ? ""
                 : fmt::format(", {} address{} first", human_count(first), first == 1 ? "" : "es"))
    );
    line("rate", rate_text(number_at(release, "rate_per_minute")));
    const std::uint64_t canary = number_at(release, "canary");
    line("canary", canary == 0 ? "none" : human_count(canary));
    const std::uint64_t percent = number_at(release, "pause_percent");
    line("pauses", percent == 0 ? "never" : fmt::format("above {}% refused", percent));
    line(
        "moved",
        flag_at(release, "of_phase") ? fmt::format(
                                           "{}, {} still held",
                                           human_count(progress.chosen),
                                           human_count(number_at(release, "left"))
                                       )
                                     : fmt::format(
                                           "{} of {} ({})",
                                           human_count(progress.chosen),
                                           human_count(progress.total),
                                           human_size(number_at(release, "total_octets"))
                                       )
    );
    line("delivered", human_count(progress.delivered));
    line("waiting", human_count(progress.waiting));
    line("parked", human_count(progress.parked));
    if (progress.others > 0) {
        line("others", human_count(progress.others) + " held again or discarded");
    }
    if (!progress.done && progress.state != "paused") {
        line(
            "time left",
            progress.time_left ? fmt::format(
                                     "{} at {}",
                                     human_duration(*progress.time_left),
                                     rate_text(number_at(release, "per_minute"))
                                 )
                               : "not known yet"
        );
    }
}

std::string state_text(const ReleaseProgress& progress) {
    const bool goes_on = progress.time_left && !progress.done && progress.time_left->count() > 0;
    return goes_on ? fmt::format(
                         "{}, {} left", progress_text(progress), human_duration(*progress.time_left)
                     )
                   : progress_text(progress);
}

}  // namespace

Result<Exit> run(const StartRelease& action, Context& context) {
    if (action.dry_run) {
        return dry_run(action, context);
    }
    SIDING_ASSIGN(const Document ordered, context.api.post("/v1/releases", release_body(action)));
    const std::uint64_t release = number_at(ordered.value, "release");
    if (action.wait) {
        return wait(release, context);
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
    return wait(action.release, context);
}

Result<Exit> run(const ShowRelease& action, Context& context) {
    SIDING_ASSIGN(const Document release, fetch(action.release, context));
    if (context.json) {
        context.terminal.out << release.text << "\n";
    } else {
        print_release(release.value, context);
    }
    return Exit::done;
}

Result<Exit> run(const ChangeRelease& action, Context& context) {
    using To = ChangeRelease::To;
    const std::string_view verb = action.to == To::pause    ? "pause"
                                  : action.to == To::resume ? "resume"
                                                            : "cancel";
    json::object body{{"why", action.why}};
    if (action.recall) {
        body["recall"] = true;
    }
    SIDING_ASSIGN(
        const Document release,
        context.api.post(fmt::format("/v1/releases/{}/{}", action.release, verb), body)
    );
    if (context.json) {
        context.terminal.out << release.text << "\n";
        return Exit::done;
    }
    const ReleaseProgress progress = make_progress(release.value);
    fmt::print(context.terminal.out, "release {} is {}", progress.release, progress.state);
    if (action.to != To::resume && progress.waiting > 0) {
        fmt::print(
            context.terminal.out,
            "; {} due or under way {}",
            human_count(progress.waiting),
            action.recall ? "go back on hold where they can" : "will still be delivered"
        );
    }
    context.terminal.out << "\n";
    return Exit::done;
}

Result<Exit> run(const ListReleases&, Context& context) {
    SIDING_ASSIGN(const Document releases, context.api.get("/v1/releases"));
    const WallTime now = context.clock.now();
    Table table{{
        {"RELEASE", Align::right},
        {"TO"},
        {"ORDERED", Align::right},
        {"BY", Align::left, 10},
        {"TOTAL", Align::right},
        {"DELIVERED", Align::right},
        {"WAITING", Align::right},
        {"PARKED", Align::right},
        {"STATE", Align::left, 20, true},
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
            human_count(std::max(progress.total, progress.chosen)),
            human_count(progress.delivered),
            human_count(progress.waiting),
            {human_count(progress.parked), progress.parked > 0 ? Colour::yellow : Colour::none},
            state_text(progress),
        });
    }
    if (table.empty() && !context.json) {
        context.terminal.out << "no release was ordered yet\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli
