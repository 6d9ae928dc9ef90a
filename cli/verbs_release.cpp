#include "cli/filter_flags.hpp"
#include "cli/verbs.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

void add_lists(Verbs& verbs, CLI::App& release) {
    const auto make_list = [] { return Action{ListReleases{}}; };
    verbs.add(release, "list", "releases and how far they are", make_list);
    verbs.add(verbs.root, "releases", "the same as release list", make_list);

    const auto id = make_flags<std::string>();
    CLI::App& wait =
        verbs.add(release, "wait", "show the progress of a release", [id]() -> Result<Action> {
            SIDING_ASSIGN(const std::uint64_t number, config::parse_count(*id));
            return Action{WaitRelease{number}};
        });
    wait.add_option("RELEASE", *id, "its number, see release list")->required();
}

}  // namespace

void add_release_verbs(Verbs& verbs) {
    struct Flags {
        FilterFlags filter;
        std::string to = "new";
        bool dry_run = false, wait = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(verbs.root, "release", "send held mail to a server");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
        if (flags->dry_run && flags->wait) {
            return usage_error("--dry-run releases nothing, so there is nothing to --wait for");
        }
        return Action{StartRelease{std::move(filter), flags->to, flags->dry_run, flags->wait}};
    };
    verb.add_option("--to", flags->to, "the server: new (default) or another configured one")
        ->type_name("SERVER");
    verb.add_flag("--dry-run", flags->dry_run, "only count what would go");
    verb.add_flag("--wait", flags->wait, "show progress until all is delivered or parked");
    add_filter_flags(verb, flags->filter);
    add_lists(verbs, verb);
}

}  // namespace siding::cli
