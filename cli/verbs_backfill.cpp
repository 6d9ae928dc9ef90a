#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

CLI::Option* take_accounts(CLI::App& verb, std::vector<std::string>& accounts) {
    return verb.add_option("ACCOUNT", accounts, "names of the accounts file; all without it");
}

void add_status(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<ShowBackfill>();
    CLI::App& verb = verbs.add(backfill, "status", "where each account is", [flags] {
        return Result<Action>{Action{*flags}};
    });
    take_accounts(verb, flags->accounts);
}

void add_plan(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<PlanBackfill>();
    CLI::App& verb =
        verbs.add(backfill, "plan", "which folder goes where; writes nothing", [flags] {
            return Result<Action>{Action{*flags}};
        });
    verb.add_option("ACCOUNT", flags->account, "an account of the accounts file")->required();
    verb.add_flag("--yaml", flags->yaml, "as a file to edit, for the accounts file's plan column");
}

void add_report(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<ReportBackfill>();
    CLI::App& verb =
        verbs.add(backfill, "report", "what is copied, and every message that is not", [flags] {
            return Result<Action>{Action{*flags}};
        });
    verb.add_option("ACCOUNT", flags->account, "an account of the accounts file")->required();
}

void add_change(
    Verbs& verbs,
    CLI::App& backfill,
    const std::string& name,
    const std::string& what,
    const ChangeBackfill& change
) {
    verbs.add(backfill, name, what, [change] { return Result<Action>{Action{change}}; });
}

}  // namespace

void add_backfill_verbs(Verbs& verbs) {
    CLI::App& backfill = verbs.add(verbs.root, "backfill", "copy mailboxes from old to new");
    add_status(verbs, backfill);
    add_run_verb(verbs, backfill);
    add_back_verb(verbs, backfill);
    add_verify_verb(verbs, backfill);
    add_retry_verb(verbs, backfill);
    add_manifest_verbs(verbs, backfill);
    add_assess_verb(verbs, backfill);
    add_plan(verbs, backfill);
    add_report(verbs, backfill);
    CLI::App& accounts = verbs.add(backfill, "accounts", "the accounts file");
    add_check_verb(verbs, accounts);
    add_authorize_verb(verbs, accounts);
    add_change(
        verbs, backfill, "pause", "let each account settle what is under way, then rest", {true, {}}
    );
    add_change(verbs, backfill, "resume", "go on behind a pause", {false, {}});
    add_change(verbs, backfill, "follow", "pass after pass, until `unfollow`", {{}, true});
    add_change(verbs, backfill, "unfollow", "no more passes by itself", {{}, false});
}

}  // namespace siding::cli
