#include "base/bytes.hpp"
#include "cli/backfill_eta.hpp"
#include "cli/backfill_printer.hpp"
#include "cli/backfill_progress.hpp"
#include "cli/backfill_wait.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/ostream.h>
#include <set>
#include <utility>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds poll_wait_min = 4ms;
constexpr std::chrono::milliseconds poll_wait_max = 250ms;
constexpr int polls_per_time = 10;  // the end is heard of a tenth too late at most
constexpr const char* path = "/v1/backfill";

bool is_busy(const json::object& account) {
    const std::string phase = text_at(account, "phase");
    return phase != "idle" && phase != "failed";
}

// The accounts that were asked for, in the daemon's order.
json::array chosen(const json::object& document, const std::vector<std::string>& names) {
    json::array out;
    const std::set<std::string> wanted{names.begin(), names.end()};
    for (const json::value& value : array_at(document, "accounts")) {
        if (value.is_object() &&
            (wanted.empty() || wanted.contains(text_at(value.get_object(), "name")))) {
            out.push_back(value);
        }
    }
    return out;
}

// Whether the order ended as it should: no failure, nothing refused, only good verdicts.
bool has_ended_well(const json::object& account, const std::string& order) {
    if (text_at(account, "phase") == "failed" || !text_at(account, "reason").empty()) {
        return false;
    }
    if (order == "copy" || order == "archive" || order == "restore" || order == "retry") {
        return flag_at(account, "clean");
    }
    if (order == "final") {
        return flag_at(account, "clean") && !text_at(account, "final_at").empty();
    }
    if (order == "check") {
        const json::object& canary = object_at(account, "canary");
        return canary.empty() || flag_at(canary, "go");
    }
    if (order == "verify") {
        if (object_at(account, "verification").empty()) {
            return false;  // nothing has been compared
        }
        for (const auto& [verdict, messages] : object_at(account, "verdicts")) {
            if (!is_good_backfill_verdict(verdict)) {
                return false;
            }
        }
    }
    return true;
}

// True: no line of the accounts file is left out.
bool tell_left_out(const json::object& document, const Context& context) {
    const json::array& problems = array_at(document, "problems");
    for (const json::value& line : problems) {
        if (line.is_string()) {
            fmt::print(
                context.terminal.err,
                "siding: left out: accounts file: {}\n",
                escape(std::string{line.get_string()}, SIZE_MAX)
            );
        }
    }
    return problems.empty();
}

}  // namespace

Result<Exit> wait_for_backfill(const OrderBackfill& action, Context& context) {
    BackfillProgress progress{context.terminal};
    const WallTime began = context.clock.now();
    for (;;) {
        SIDING_ASSIGN(const Document document, context.api.get(path));
        const json::array accounts = chosen(document.value, action.accounts);
        const bool is_over = std::ranges::none_of(accounts, [](const json::value& value) {
            return is_busy(value.get_object());
        });
        if (!context.json) {
            progress.show(accounts, document.value, context.clock.now());
        }
        if (is_over) {
            progress.close();
            bool well = std::ranges::all_of(accounts, [&](const json::value& value) {
                return has_ended_well(value.get_object(), action.order);
            });
            if (action.accounts.empty()) {  // all of them: those of wrong lines, too
                well = tell_left_out(document.value, context) && well;
            }
            if (context.json) {
                context.terminal.out << json::serialize(json::object{{"accounts", accounts}})
                                     << "\n";
            } else {
                print_backfill(accounts, action.order, context.terminal);
            }
            return well ? Exit::done : Exit::no;
        }
        const auto spent =
            std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.now() - began);
        if (!context.pause(std::clamp(spent / polls_per_time, poll_wait_min, poll_wait_max))) {
            progress.close();
            context.terminal.err << "it goes on without us; `siding backfill status` shows it\n";
            return Exit::no;
        }
    }
}

namespace {

void print_outlook(const json::object& document, const Context& context) {
    const std::string words = outlook_words(document, context.clock.now());
    if (!words.empty()) {
        fmt::print(context.terminal.out, "{}\n", words);
    }
    const std::string calendar = calendar_words(document);
    if (!calendar.empty()) {
        fmt::print(context.terminal.out, "{}\n", calendar);
    }
}

}  // namespace

Result<Exit> run(const ShowBackfill& action, Context& context) {
    SIDING_ASSIGN(const Document document, context.api.get(path));
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << document.text << "\n";
        return Exit::done;
    }
    for (const char* key : {"problems", "warnings"}) {
        for (const json::value& line : array_at(document.value, key)) {
            if (line.is_string()) {
                fmt::print(
                    terminal.out,
                    "{}\n",
                    terminal.paint(escape(std::string{line.get_string()}), Colour::yellow)
                );
            }
        }
    }
    if (flag_at(document.value, "paused")) {
        terminal.out << "paused; `siding backfill resume` goes on\n";
    }
    if (flag_at(document.value, "following")) {
        terminal.out << "following: pass after pass\n";
    }
    const json::array accounts = chosen(document.value, action.accounts);
    for (const std::string& name : action.accounts) {
        const bool is_there = std::ranges::any_of(accounts, [&name](const json::value& value) {
            return text_at(value.get_object(), "name") == name;
        });
        if (!is_there) {
            return Error{
                Errc::not_found,
                fmt::format(
                    "there is no account {}; `siding backfill status` lists them", escape(name)
                )};
        }
    }
    if (accounts.empty()) {
        terminal.out << "no account; backfill.accounts in the configuration names the file\n";
        return Exit::done;
    }
    print_backfill(accounts, "copy", terminal);
    const json::object& whole =
        accounts.size() == 1 ? accounts.front().get_object() : document.value;
    print_outlook(whole, context);
    return Exit::done;
}

Result<Exit> run(const OrderBackfill& action, Context& context) {
    json::array accounts;
    for (const std::string& name : action.accounts) {
        accounts.emplace_back(name);
    }
    json::object body{{"order", action.order}, {"accounts", std::move(accounts)}};
    if (!action.sample.empty()) {
        body["sample"] = action.sample;
    }
    if (action.seed) {
        body["seed"] = *action.seed;
    }
    if (action.canary) {
        body["canary"] = true;
    }
    if (action.limit > 0) {
        body["limit"] = action.limit;
    }
    SIDING_ASSIGN(const Document answer, context.api.post("/v1/backfill/orders", body));
    if (action.wait) {
        return wait_for_backfill(action, context);
    }
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{} ordered; `siding backfill status` shows how far they are\n",
        counted(array_at(answer.value, "ordered").size(), "account")
    );
    return Exit::done;
}

Result<Exit> run(const PlanBackfill& action, Context& context) {
    SIDING_ASSIGN(
        const Document plan, context.api.get("/v1/backfill/plan", {{"account", action.account}})
    );
    const Terminal& terminal = context.terminal;
    if (context.json) {
        terminal.out << plan.text << "\n";
        return Exit::done;
    }
    if (action.yaml) {
        terminal.out << text_at(plan.value, "yaml");
        return Exit::done;
    }
    Table table{{
        {"SOURCE", Align::left, 12},
        {"DESTINATION", Align::left, 12},
        {"WHAT"},
        {"MESSAGES", Align::right},
        {"SIZE", Align::right},
        {"WHY", Align::left, 16, true},
    }};
    for (const json::value& value : array_at(plan.value, "rows")) {
        const json::object& row = value.get_object();
        table.add(
            {text_at(row, "source"),
             text_at(row, "destination"),
             text_at(row, "action"),
             human_count(number_at(row, "messages")),
             human_size(number_at(row, "octets")),
             text_at(row, "why")}
        );
    }
    table.print(terminal);
    for (const json::value& note : array_at(plan.value, "notes")) {
        if (note.is_string()) {
            fmt::print(terminal.out, "{}\n", escape(std::string{note.get_string()}));
        }
    }
    return Exit::done;
}

Result<Exit> run(const ReportBackfill& action, Context& context) {
    SIDING_ASSIGN(
        const Document report, context.api.get("/v1/backfill/report", {{"account", action.account}})
    );
    const bool is_clean = array_at(report.value, "exceptions").empty();
    if (context.json) {
        context.terminal.out << report.text << "\n";
    } else {
        print_backfill_report(report.value, context.terminal);
    }
    return is_clean ? Exit::done : Exit::no;
}

Result<Exit> run(const ChangeBackfill& action, Context& context) {
    json::object body;
    if (action.paused) {
        body["paused"] = *action.paused;
    }
    if (action.following) {
        body["following"] = *action.following;
    }
    SIDING_ASSIGN(const Document answer, context.api.put("/v1/backfill/state", body));
    if (context.json) {
        context.terminal.out << answer.text << "\n";
        return Exit::done;
    }
    fmt::print(
        context.terminal.out,
        "{}, {}\n",
        flag_at(answer.value, "paused") ? "paused" : "not paused",
        flag_at(answer.value, "following") ? "following" : "not following"
    );
    return Exit::done;
}

}  // namespace siding::cli
