#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

struct DoctorFlags {
    std::vector<std::string> domains;
    std::string phase;
    std::vector<std::string> only;
    std::string config;
    std::string resolver;
    std::string recipients;
    std::vector<std::string> selectors;
    std::string ca_file;
    std::uint16_t smtp_port = 25;
    std::uint16_t https_port = 443;
    bool all = false;
};

std::string upper(std::string text) {
    for (char& c : text) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return text;
}

Result<std::vector<std::string>> read_ids(const std::vector<std::string>& given) {
    const cutover::Checks checks = cutover::all_checks();
    std::vector<std::string> ids;
    for (const std::string& text : given) {
        const std::string id = upper(text);
        const bool is_known = std::ranges::any_of(checks, [&](const cutover::Check& check) {
            return check.id == id;
        });
        if (!is_known) {
            return usage_error("there is no check " + text + "; the list is in doctor.md");
        }
        ids.push_back(id);
    }
    return ids;
}

Result<Action> make_examination(const DoctorFlags& flags) {
    Examine action;
    action.domains = flags.domains;
    if (!flags.phase.empty()) {
        action.phase = cutover::parse_doctor_phase(flags.phase);
        if (!action.phase) {
            return usage_error(
                "--phase is prep, pre-switch, hold, release or post, not " + flags.phase
            );
        }
    }
    SIDING_ASSIGN(action.only, read_ids(flags.only));
    if (!flags.config.empty()) {
        action.config = flags.config;
    }
    if (!flags.resolver.empty()) {
        SIDING_ASSIGN(net::HostPort server, net::HostPort::parse(flags.resolver, 53));
        if (!server.is_literal()) {
            return usage_error("--resolver is an IP address, not " + flags.resolver);
        }
        action.resolver = std::move(server);
    }
    if (!flags.recipients.empty()) {
        action.recipients = flags.recipients;
    }
    action.selectors = flags.selectors;
    if (!flags.ca_file.empty()) {
        action.ca_file = flags.ca_file;
    }
    action.smtp_port = flags.smtp_port;
    action.https_port = flags.https_port;
    action.all = flags.all;
    return Action{std::move(action)};
}

void add_doctor(Verbs& verbs) {
    const auto flags = make_flags<DoctorFlags>();
    CLI::App& verb = verbs.add(
        verbs.root,
        "doctor",
        "would anything stop mail: DNS, policies, servers, this host",
        [flags] { return make_examination(*flags); }
    );
    verb.add_option("DOMAIN", flags->domains, "without one, all of the configuration");
    verb.add_option("--phase", flags->phase, "prep, pre-switch, hold, release or post")
        ->type_name("PHASE");
    verb.add_option("--config", flags->config, "configuration; else /etc/siding/siding.yaml")
        ->type_name("FILE");
    verb.add_option("--check", flags->only, "this one alone, like D02; may be repeated")
        ->type_name("ID")
        ->allow_extra_args(false);
    verb.add_option("--resolver", flags->resolver, "a resolver inside, to compare with the world")
        ->type_name("ADDR");
    verb.add_option("--recipients", flags->recipients, "addresses to ask old and new server about")
        ->type_name("FILE");
    verb.add_option("--selector", flags->selectors, "DKIM selector; may be repeated")
        ->type_name("NAME")
        ->allow_extra_args(false);
    verb.add_option("--ca-file", flags->ca_file, "roots in place of the system's")
        ->type_name("FILE");
    verb.add_option("--smtp-port", flags->smtp_port, "of MX hosts, in a lab")->type_name("PORT");
    verb.add_option("--https-port", flags->https_port, "of policies, in a lab")->type_name("PORT");
    verb.add_flag("--all", flags->all, "what is well and what only you can check, too");
}

void add_outage_cost(Verbs& verbs) {
    const auto hours = make_flags<double>();
    CLI::App& verb = verbs.add(
        verbs.root,
        "outage-cost",
        "whose mail is lost when nobody answers for so long",
        [hours]() -> Result<Action> {
            if (!(*hours > 0 && *hours <= 24 * 365)) {
                return usage_error("--hours is a number above 0, up to a year");
            }
            return Action{ShowOutageCost{*hours}};
        }
    );
    verb.add_option("--hours", *hours, "how long")->type_name("N")->required();
}

}  // namespace

void add_doctor_verbs(Verbs& verbs) {
    add_doctor(verbs);
    add_outage_cost(verbs);
}

}  // namespace siding::cli
