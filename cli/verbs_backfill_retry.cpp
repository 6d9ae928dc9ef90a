#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {

void add_retry_verb(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<RetryBackfill>();
    CLI::App& verb = verbs.add(
        backfill,
        "retry",
        "messages that were refused or unreadable, once more",
        [flags] { return Result<Action>{Action{*flags}}; }
    );
    verb.add_option("ACCOUNT", flags->accounts, "names of the accounts file; all without it");
    CLI::Option& mailbox =
        *verb.add_option("--mailbox", flags->mailbox, "only this one, as the source calls it")
             ->type_name("NAME");
    verb.add_option("--uid", flags->uids, "only these of it, such as 17 or 1:4,7")
        ->type_name("SET")
        ->needs(&mailbox);
    verb.add_option(
            "--repair",
            flags->repair,
            "line-ends, nul, wrap, several with commas between; auto: what helps"
    )
        ->type_name("HOW");
    verb.add_flag("--wait", flags->wait, "until all are done; exit 1 if some are still left");
}

}  // namespace siding::cli
