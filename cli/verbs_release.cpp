#include "base/bytes.hpp"
#include "cli/filter_flags.hpp"
#include "cli/verbs.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fstream>
#include <string_view>

namespace siding::cli {
namespace {

// "600/min", "10/s", "3600/h": a number always carries its unit.
Result<std::uint64_t> parse_rate(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::uint64_t times;
        std::uint64_t per;
    };
    static constexpr std::array units{Unit{"/min", 1, 1}, Unit{"/s", 60, 1}, Unit{"/h", 1, 60}};
    for (const Unit& unit : units) {
        if (!text.ends_with(unit.name)) {
            continue;
        }
        const auto count = config::parse_count(text.substr(0, text.size() - unit.name.size()));
        constexpr std::uint64_t rate_max = 1'000'000'000;
        if (count && *count <= rate_max && (*count == 0 || *count * unit.times >= unit.per)) {
            return *count * unit.times / unit.per;
        }
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("--rate: '{}' is not a rate; write 600/min, 10/s or 3600/h", escape(text))};
}

std::string_view strip(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    const auto begin = line.find_first_not_of(blanks);
    return begin == std::string_view::npos
               ? std::string_view{}
               : line.substr(begin, line.find_last_not_of(blanks) + 1 - begin);
}

// An address, or a file with one in each line; empty lines and those with # in front are passed
// over.
Result<void> add_first(std::vector<std::string>& first, const std::string& text) {
    if (text.find('@') != std::string::npos && text.find('/') == std::string::npos) {
        first.push_back(text);
        return {};
    }
    std::ifstream file{text};
    if (!file) {
        return Error{
            Errc::invalid_argument,
            fmt::format("--first: '{}' is no address, and no file that can be read", escape(text))};
    }
    for (std::string line; std::getline(file, line);) {
        const std::string_view address = strip(line);
        if (!address.empty() && !address.starts_with('#')) {
            first.emplace_back(address);
        }
    }
    return {};
}

struct ReleaseFlags {
    FilterFlags filter;
    std::string to = "new";
    std::string rate, canary, order, pause_above;
    std::vector<std::string> first;
    bool parked = false, dry_run = false, wait = false;
};

Result<void> read_manner(StartRelease& action, const ReleaseFlags& flags) {
    if (!flags.rate.empty()) {
        SIDING_ASSIGN(action.rate_per_minute, parse_rate(flags.rate));
    }
    if (!flags.canary.empty()) {
        const auto canary = config::parse_count(flags.canary);
        if (!canary) {
            return with_context(canary.error(), "--canary");
        }
        action.canary = *canary;
    }
    if (!flags.order.empty()) {
        std::string name = flags.order;
        std::ranges::replace(name, '-', '_');
        const auto order = queue::parse_release_order(name);
        if (!order) {
            return usage_error(fmt::format(
                "--order: '{}' is not an order; write oldest or small-first", escape(flags.order)
            ));
        }
        action.order = *order;
    }
    if (!flags.pause_above.empty()) {
        const auto percent = config::parse_percent(flags.pause_above);
        if (!percent) {
            return with_context(percent.error(), "--pause-above");
        }
        action.pause_percent = *percent;
    }
    for (const std::string& text : flags.first) {
        SIDING_TRY(add_first(action.first, text));
    }
    return {};
}

Result<StartRelease> make_start(const CLI::App& verb, const ReleaseFlags& flags, WallTime now) {
    StartRelease action;
    SIDING_ASSIGN(action.filter, make_filter(verb, flags.filter, now));
    if (flags.parked) {
        if (action.filter.state && action.filter.state != queue::State::parked) {
            return usage_error("--parked and another --state exclude each other");
        }
        action.filter.state = queue::State::parked;
    }
    if (flags.dry_run && flags.wait) {
        return usage_error("--dry-run releases nothing, so there is nothing to --wait for");
    }
    action.server = flags.to;
    action.dry_run = flags.dry_run;
    action.wait = flags.wait;
    SIDING_TRY(read_manner(action, flags));
    return action;
}

void add_lists(Verbs& verbs, CLI::App& release) {
    const auto make_list = [] { return Action{ListReleases{}}; };
    verbs.add(release, "list", "releases and how far they are", make_list);
    verbs.add(verbs.root, "releases", "the same as release list", make_list);

    const auto add_one = [&](const std::string& name, const std::string& what, auto make) {
        const auto id = make_flags<std::string>();
        CLI::App& verb = verbs.add(release, name, what, [id, make]() -> Result<Action> {
            SIDING_ASSIGN(const std::uint64_t number, config::parse_count(*id));
            return Action{make(number)};
        });
        verb.add_option("RELEASE", *id, "its number, see release list")->required();
    };
    add_one("show", "one release: how it goes, and how far it is", [](std::uint64_t id) {
        return ShowRelease{id};
    });
    add_one("wait", "show the progress of a release", [](std::uint64_t id) {
        return WaitRelease{id};
    });
}

void add_changes(Verbs& verbs, CLI::App& release) {
    struct Flags {
        std::string id;
        std::string why;
        bool recall = false;
    };
    using To = ChangeRelease::To;
    const auto add_one = [&](const std::string& name, const std::string& what, To to) {
        const auto flags = make_flags<Flags>();
        CLI::App& verb = verbs.add(release, name, what, [flags, to]() -> Result<Action> {
            SIDING_ASSIGN(const std::uint64_t number, config::parse_count(flags->id));
            return Action{ChangeRelease{number, to, flags->why, flags->recall}};
        });
        verb.add_option("RELEASE", flags->id, "its number, see release list")->required();
        verb.add_option("--why", flags->why, "the reason, for release show")->type_name("TEXT");
        if (to != To::resume) {
            verb.add_flag("--recall", flags->recall, "what is due goes back on hold");
        }
    };
    add_one("pause", "let no more go for now", To::pause);
    add_one("resume", "go on with a release that is paused", To::resume);
    add_one("cancel", "let no more go, for good", To::cancel);
}

}  // namespace

void add_release_verbs(Verbs& verbs) {
    const auto flags = make_flags<ReleaseFlags>();
    CLI::App& verb = verbs.add(verbs.root, "release", "send held mail to a server");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(StartRelease action, make_start(verb, *flags, verbs.now));
        return Action{std::move(action)};
    };
    verb.add_option("--to", flags->to, "the server: new (default) or another configured one")
        ->type_name("SERVER");
    verb.add_option("--rate", flags->rate, "at most so many: 600/min, 10/s, 3600/h")
        ->type_name("RATE");
    verb.add_option("--canary", flags->canary, "first N, and on only if they go well")
        ->type_name("N");
    verb.add_option("--order", flags->order, "oldest or small-first")->type_name("ORDER");
    verb.add_option("--first", flags->first, "an address or a file of some: before all others")
        ->type_name("ADDRESS|FILE")
        ->allow_extra_args(false);
    verb.add_option("--pause-above", flags->pause_above, "pause when more are refused: 5%")
        ->type_name("PERCENT");
    verb.add_flag("--parked", flags->parked, "what was parked: the same as --state parked");
    verb.add_flag("--dry-run", flags->dry_run, "only count what would go");
    verb.add_flag("--wait", flags->wait, "show progress until all is delivered or parked");
    add_filter_flags(verb, flags->filter);
    add_lists(verbs, verb);
    add_changes(verbs, verb);
}

}  // namespace siding::cli
