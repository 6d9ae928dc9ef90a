#include "base/address.hpp"
#include "base/bytes.hpp"
#include "cli/filter_flags.hpp"
#include "cli/verbs.hpp"
#include "control/filter_params.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

void add_parked(Verbs& verbs) {
    struct Flags {
        FilterFlags filter;
        std::string data_dir;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(verbs.root, "parked", "what servers refused, by cause");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
        if (filter.state && filter.state != queue::State::parked) {
            return usage_error("parked lists what is parked; use queue list for other states");
        }
        filter.state = queue::State::parked;
        std::optional<std::filesystem::path> data_dir;
        if (!flags->data_dir.empty()) {
            data_dir = flags->data_dir;
        }
        return Action{ListParked{std::move(filter), data_dir}};
    };
    add_filter_flags(verb, flags->filter);
    verb.add_option("--data-dir", flags->data_dir, "read a stopped queue instead of asking sidingd")
        ->type_name("DIR");
}

void add_remap(Verbs& verbs) {
    struct Flags {
        std::string from, to;
    };
    CLI::App& remap = verbs.add(verbs.root, "remap", "deliver an address's mail to another one");
    const auto added = make_flags<Flags>();
    CLI::App& add =
        verbs.add(remap, "add", "from the next attempt on", [added]() -> Result<Action> {
            SIDING_ASSIGN(const Address from, Address::parse(added->from));
            SIDING_ASSIGN(const Address to, Address::parse(added->to));
            return Action{AddRemap{from.text(), to.text()}};
        });
    add.add_option("OLD", added->from, "the address that mail comes for")->required();
    add.add_option("NEW", added->to, "the address that the server is told")->required();

    const auto removed = make_flags<std::string>();
    CLI::App& remove = verbs.add(remap, "remove", "no longer", [removed]() -> Result<Action> {
        SIDING_ASSIGN(const Address from, Address::parse(*removed));
        return Action{RemoveRemap{from.text()}};
    });
    remove.add_option("OLD", *removed, "the address that mail comes for")->required();
    verbs.add(remap, "list", "all of them", [] { return Action{ListRemaps{}}; });
}

void add_replay(Verbs& verbs) {
    struct Flags {
        FilterFlags filter;
        std::string to, why;
        bool all = false, dry_run = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(verbs.root, "replay", "deliver again what was delivered");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
        if (filter.state && filter.state != queue::State::delivered) {
            return usage_error("replay is about delivered mail; siding release sends the rest");
        }
        filter.state.reset();
        if (control::is_everything(filter) && !flags->all && !flags->dry_run) {
            return usage_error(
                "replay without a filter means all mail that is kept; narrow it, or say --all"
            );
        }
        return Action{Replay{std::move(filter), flags->to, flags->all, flags->dry_run, flags->why}};
    };
    verb.add_option("--to", flags->to, "the server that gets it")->type_name("SERVER")->required();
    verb.add_flag("--dry-run", flags->dry_run, "only count what would go");
    verb.add_flag("--all", flags->all, "all that is kept; needed where no filter is given");
    verb.add_option("--why", flags->why, "a note for the ledger")->type_name("TEXT");
    add_filter_flags(verb, flags->filter);
}

void add_copies(Verbs& verbs) {
    struct Flags {
        FilterFlags filter;
        bool all = false, waiting = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb =
        verbs.add(verbs.root, "copies", "compare both servers' answers in a parallel run");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
        if (flags->all && flags->waiting) {
            return usage_error("--all shows those that wait, too: leave --waiting out");
        }
        const char* const show = flags->all ? "all" : flags->waiting ? "waiting" : "differing";
        return Action{CompareCopies{std::move(filter), show}};
    };
    verb.add_flag("--all", flags->all, "also list where they agree");
    verb.add_flag("--waiting", flags->waiting, "list what has not been answered by both");
    add_filter_flags(verb, flags->filter);
}

}  // namespace

void add_parked_verbs(Verbs& verbs) {
    add_parked(verbs);
    add_remap(verbs);
    add_replay(verbs);
    add_copies(verbs);
}

}  // namespace siding::cli
