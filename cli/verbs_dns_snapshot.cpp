#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

struct Flags {
    std::string config;
    std::vector<std::string> selectors;

    std::optional<std::filesystem::path> config_file() const {
        return config.empty() ? std::nullopt : std::optional<std::filesystem::path>{config};
    }
};

void add_flags(CLI::App& verb, Flags& flags) {
    verb.add_option("--config", flags.config, "resolvers as in this file")->type_name("FILE");
    verb.add_option("--selector", flags.selectors, "DKIM selector; may be repeated")
        ->type_name("NAME")
        ->allow_extra_args(false);
}

void add_snapshot(Verbs& verbs, CLI::App& dns) {
    struct SnapshotFlags : Flags {
        std::string domain, output;
    };
    const auto flags = make_flags<SnapshotFlags>();
    CLI::App& verb = verbs.add(
        dns,
        "snapshot",
        "all records that matter for mail, to check and hand over",
        [flags]() -> Result<Action> {
            SIDING_ASSIGN(Domain domain, Domain::parse(flags->domain));
            TakeDnsSnapshot action{.domain = std::move(domain)};
            action.config = flags->config_file();
            action.selectors = flags->selectors;
            if (!flags->output.empty()) {
                action.output = flags->output;
            }
            return Action{std::move(action)};
        }
    );
    verb.add_option("DOMAIN", flags->domain, "any domain")->required();
    verb.add_option("--output", flags->output, "else DOMAIN-TIME.dns.json in this directory")
        ->type_name("FILE");
    add_flags(verb, *flags);
}

void add_diff(Verbs& verbs, CLI::App& dns) {
    struct DiffFlags : Flags {
        std::string before, after;
    };
    const auto flags = make_flags<DiffFlags>();
    CLI::App& verb =
        verbs
            .add(dns, "diff", "what has changed since a snapshot; exit 0 the same, 1 not", [flags] {
                CompareDnsSnapshots action{.before = flags->before};
                if (!flags->after.empty()) {
                    action.after = flags->after;
                }
                action.config = flags->config_file();
                action.selectors = flags->selectors;
                return Result<Action>{Action{std::move(action)}};
            });
    verb.add_option("BEFORE", flags->before, "a snapshot; or a domain: its newest one here")
        ->required();
    verb.add_option("AFTER", flags->after, "another snapshot; without it DNS is asked now")
        ->type_name("FILE");
    add_flags(verb, *flags);
}

}  // namespace

void add_dns_snapshot_verbs(Verbs& verbs, CLI::App& dns) {
    add_snapshot(verbs, dns);
    add_diff(verbs, dns);
}

}  // namespace siding::cli
