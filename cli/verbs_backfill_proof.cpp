// `siding backfill` verify, accounts check, manifest and assess.
#include "cli/verbs.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

void take_accounts(CLI::App& verb, std::vector<std::string>& accounts) {
    verb.add_option("ACCOUNT", accounts, "names of the accounts file; all without it");
}

Result<std::uint64_t> size_of(const std::string& text) {
    return text.empty() ? Result<std::uint64_t>{0} : config::parse_size(text);
}

}  // namespace

// The exit code is the answer of `verify` and `accounts check`, so these wait.
void add_verify_verb(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<OrderBackfill>();
    flags->order = "verify";
    flags->wait = true;
    CLI::App& verb = verbs.add(
        backfill,
        "verify",
        "compare every message; exit 1 if one is not right",
        [flags]() -> Result<Action> {
            if (flags->seed && flags->sample.empty()) {
                return usage_error("--seed is for --sample");
            }
            return Action{*flags};
        }
    );
    take_accounts(verb, flags->accounts);
    verb.add_option("--sample", flags->sample, "only so many of each mailbox: 5% or 600")
        ->type_name("SIZE");
    verb.add_option("--seed", flags->seed, "choose as the verification with this seed did")
        ->type_name("N");
}

void add_check_verb(Verbs& verbs, CLI::App& accounts) {
    const auto flags = make_flags<OrderBackfill>();
    flags->order = "check";
    flags->wait = true;
    CLI::App& verb =
        verbs.add(accounts, "check", "log in to both sides of each; exit 1 if one cannot", [flags] {
            return Result<Action>{Action{*flags}};
        });
    take_accounts(verb, flags->accounts);
    verb.add_flag(
        "--canary",
        flags->canary,
        "put one message into a new folder of each destination, read it back, remove both; go or "
        "no-go"
    );
}

void add_manifest_verbs(Verbs& verbs, CLI::App& backfill) {
    struct Flags {
        std::string account, to;
        bool public_key = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(
        backfill,
        "manifest",
        "a signed list of every message, its digest, place and verdict",
        [flags]() -> Result<Action> {
            if (flags->public_key != flags->account.empty()) {
                return usage_error("ACCOUNT or --public-key, one of the two");
            }
            WriteManifest action{flags->account};
            if (!flags->to.empty()) {
                action.to = flags->to;
            }
            return Action{std::move(action)};
        }
    );
    verb.add_option("ACCOUNT", flags->account, "an account of the accounts file");
    verb.add_option("--to", flags->to, "a new file; otherwise standard output")->type_name("FILE");
    verb.add_flag("--public-key", flags->public_key, "print the key to check manifests with");
    const auto check = make_flags<std::pair<std::string, std::string>>();
    CLI::App& verify =
        verbs
            .add(verb, "verify", "is it as it was signed; needs no daemon; exit 1 if not", [check] {
                return Result<Action>{Action{CheckManifest{check->first, check->second}}};
            });
    verify.add_option("FILE", check->first, "a manifest")->required();
    verify
        .add_option(
            "--public-key", check->second, "what --public-key has printed, or a file that has it"
        )
        ->type_name("KEY");
}

void add_assess_verb(Verbs& verbs, CLI::App& backfill) {
    const auto flags = make_flags<AssessBackfill>();
    const auto limit = make_flags<std::string>();
    CLI::App& verb = verbs.add(
        backfill,
        "assess",
        "what there is to copy, what is in the way, how long; writes nothing",
        [flags, limit]() -> Result<Action> {
            SIDING_ASSIGN(flags->limit, size_of(*limit));
            if (flags->show && (flags->wait || flags->limit > 0)) {
                return usage_error("--show orders nothing: without --wait and --limit");
            }
            return Action{*flags};
        }
    );
    take_accounts(verb, flags->accounts);
    verb.add_flag("--wait", flags->wait, "until all are looked at, and show it");
    verb.add_flag("--show", flags->show, "what was found the last time");
    verb.add_option("--limit", *limit, "size that a message may have; as the destination says")
        ->type_name("SIZE");
}

}  // namespace siding::cli
