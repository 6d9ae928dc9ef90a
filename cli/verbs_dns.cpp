#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <utility>

namespace siding::cli {
namespace {

Result<std::optional<Domain>> parse_optional_domain(const std::string& text) {
    if (text.empty()) {
        return std::optional<Domain>{};
    }
    SIDING_ASSIGN(Domain domain, Domain::parse(text));
    return std::optional{std::move(domain)};
}

// Not by CLI11's own means: it takes "-a.example" for flags, and then says that nothing was given.
Result<Domain> parse_required_domain(const std::string& text) {
    return text.empty() ? Result<Domain>{usage_error("DOMAIN is missing")} : Domain::parse(text);
}

Result<dns::Verdict> parse_step(const std::string& text) {
    const auto verdict = dns::parse_verdict(text);
    if (!verdict || *verdict == dns::Verdict::none) {
        return usage_error("--is takes published, converged, proven or quiet");
    }
    return *verdict;
}

void add_status(Verbs& verbs, CLI::App& dns) {
    struct Flags {
        std::string domain, is;
        bool wait = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(
        dns,
        "status",
        "has the world switched, and if not, until when may it take",
        [flags]() -> Result<Action> {
            ShowDns action;
            SIDING_ASSIGN(action.domain, parse_optional_domain(flags->domain));
            action.wait = flags->wait;
            if (flags->is.empty()) {
                return flags->wait ? Result<Action>{usage_error("--wait needs --is VERDICT")}
                                   : Result<Action>{Action{std::move(action)}};
            }
            if (!action.domain) {
                return usage_error("--is needs a DOMAIN");
            }
            SIDING_ASSIGN(action.is, parse_step(flags->is));
            return Action{std::move(action)};
        }
    );
    verb.add_option("DOMAIN", flags->domain, "one domain, in plain words; all in a table");
    verb.add_option("--is", flags->is, "exit 0 if this verdict is reached, 1 if not yet")
        ->type_name("VERDICT");
    verb.add_flag("--wait", flags->wait, "with --is: wait until it is reached");
}

void add_watch(Verbs& verbs, CLI::App& dns) {
    const auto domain = make_flags<std::string>();
    CLI::App& verb = verbs.add(
        dns,
        "watch",
        "the same, redrawn while it changes; Ctrl-C ends it",
        [domain]() -> Result<Action> {
            WatchDns action;
            SIDING_ASSIGN(action.domain, parse_optional_domain(*domain));
            return Action{std::move(action)};
        }
    );
    verb.add_option("DOMAIN", *domain, "one domain; all without it");
}

void add_look(Verbs& verbs, CLI::App& dns) {
    const auto domain = make_flags<std::string>();
    CLI::App& verb =
        verbs.add(dns, "look", "ask the authoritative servers now", [domain]() -> Result<Action> {
            SIDING_ASSIGN(Domain parsed, parse_required_domain(*domain));
            return Action{LookAtDns{std::move(parsed)}};
        });
    verb.add_option("DOMAIN", *domain, "one of the configured domains");
}

void add_probe(Verbs& verbs, CLI::App& dns) {
    struct Flags {
        std::string domain, config, panel;
        unsigned samples = 0;
        std::vector<std::string> old_hosts, new_hosts;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(
        dns,
        "probe",
        "one look at servers and panel, without a daemon",
        [flags]() -> Result<Action> {
            SIDING_ASSIGN(Domain domain, parse_required_domain(flags->domain));
            ProbeDns action{.domain = std::move(domain)};
            if (!flags->config.empty()) {
                action.config = flags->config;
            }
            if (flags->samples != 0) {
                action.samples = flags->samples;
            }
            action.panel = flags->panel;
            for (const auto& [from, to] :
                 {std::pair{&flags->old_hosts, &action.old_hosts},
                  std::pair{&flags->new_hosts, &action.new_hosts}}) {
                for (const std::string& host : *from) {
                    SIDING_ASSIGN(const Domain name, Domain::parse(host));
                    to->push_back(name.text());
                }
            }
            return Action{std::move(action)};
        }
    );
    verb.add_option("DOMAIN", flags->domain, "any domain");
    verb.add_option("--config", flags->config, "resolvers, panel and hosts as in this file")
        ->type_name("FILE");
    verb.add_option("--panel", flags->panel, "default, off, system, or a file")->type_name("PANEL");
    verb.add_option("--samples", flags->samples, "questions to each address of the panel")
        ->type_name("N")
        ->check(CLI::Range(1, 16));
    verb.add_option("--old", flags->old_hosts, "MX hosts before the switch")
        ->type_name("HOST")
        ->delimiter(',');
    verb.add_option("--new", flags->new_hosts, "MX hosts after the switch")
        ->type_name("HOST")
        ->delimiter(',');
}

void add_senders(Verbs& verbs, CLI::App& dns) {
    const auto shown = make_flags<std::string>();
    CLI::App& senders = verbs.add(
        dns,
        "senders",
        "who usually sends, and who of them has come to us",
        [shown]() -> Result<Action> {
            ListSenders action;
            SIDING_ASSIGN(action.domain, parse_optional_domain(*shown));
            return Action{std::move(action)};
        }
    );
    senders.add_option("DOMAIN", *shown, "one domain; all without it");

    struct Flags {
        std::string domain, format = "auto";
        std::vector<std::string> files;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& import = verbs.add(
        senders,
        "import",
        "learn the usual senders from the old server's logs",
        [flags]() -> Result<Action> {
            SIDING_ASSIGN(Domain domain, Domain::parse(flags->domain));
            return Action{ImportSenders{
                .domain = std::move(domain),
                .files = {flags->files.begin(), flags->files.end()},
                .format = flags->format,
            }};
        }
    );
    import.add_option("FILE", flags->files, "logs of the last weeks; .gz too")->required();
    import.add_option("--domain", flags->domain, "the domain that the mail was for")
        ->type_name("DOMAIN")
        ->required();
    import.add_option("--format", flags->format, "auto, postfix, exchange or plain")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"auto", "postfix", "exchange", "plain"}));
}

}  // namespace

void add_dns_verbs(Verbs& verbs) {
    CLI::App& dns = verbs.add(verbs.root, "dns", "has the world switched to the new MX");
    add_status(verbs, dns);
    add_watch(verbs, dns);
    add_look(verbs, dns);
    add_probe(verbs, dns);
    add_senders(verbs, dns);
    add_dns_snapshot_verbs(verbs, dns);
}

}  // namespace siding::cli
