#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {

void add_authorize_verb(Verbs& verbs, CLI::App& accounts) {
    const auto flags = make_flags<AuthorizeBackfill>();
    CLI::App& verb = verbs.add(
        accounts,
        "authorize",
        "get a refresh token: a code for the user to type in; exit 1 without",
        [flags] { return Result<Action>{Action{*flags}}; }
    );
    verb.add_option("ACCOUNT", flags->account, "an account of the accounts file")->required();
    verb.add_option("--side", flags->side, "source or destination, where both could be meant")
        ->check(CLI::IsMember({"source", "destination"}));
}

}  // namespace siding::cli
