#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {

void add_run_verb(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<RunBackfill>();
    CLI::App& verb = verbs.add(backfill, "run", "one pass over the accounts", [flags] {
        return Result<Action>{Action{*flags}};
    });
    verb.add_option("ACCOUNT", flags->accounts, "names of the accounts file; all without it");
    CLI::Option& since = *verb.add_option(
                                  "--since",
                                  flags->since,
                                  "only what is younger: 2026-10-01 (UTC), or an age such as 30d"
    )
                              ->type_name("DATE|AGE");
    CLI::Option& before =
        *verb.add_option("--before", flags->before, "only what is older")->type_name("DATE|AGE");
    CLI::Option& max_size =
        *verb.add_option("--max-size", flags->max_size, "only what is not larger, such as 10MiB")
             ->type_name("SIZE");
    CLI::Option& final_pass = *verb.add_flag(
        "--final", flags->is_final, "the last pass: fails while anything new comes to the source"
    );
    final_pass.excludes(&since)->excludes(&before)->excludes(&max_size);
    verb.add_option("--quiet", flags->quiet, "nothing may come for so long behind it; 30s without")
        ->type_name("TIME")
        ->needs(&final_pass);
    verb.add_flag("--wait", flags->wait, "until all are done; exit 1 if one did not end well");
}

void add_back_verb(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<RunBackfill>();
    flags->is_back = true;
    CLI::App& verb = verbs.add(
        backfill,
        "back",
        "copy what has come to the new server back to the old one",
        [flags] { return Result<Action>{Action{*flags}}; }
    );
    verb.add_option("ACCOUNT", flags->accounts, "names of the accounts file; all without it");
    verb.add_option(
            "--since",
            flags->since,
            "what is younger: the time of the switch, such as 2026-10-01T18:00:00Z, or an age"
    )
        ->type_name("DATE|AGE")
        ->required();
    verb.add_flag("--wait", flags->wait, "until all are done; exit 1 if one did not end well");
}

}  // namespace siding::cli
