#include "base/address.hpp"
#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

Result<Action> make_phase(const std::string& scope, const std::string& to, const std::string& why) {
    if (scope.empty()) {
        return Action{ShowPhases{}};
    }
    const auto slash = scope.find('/');
    SIDING_ASSIGN(const Domain domain, Domain::parse(scope.substr(0, slash)));
    std::optional<std::string> wave;
    if (slash != std::string::npos) {
        wave = scope.substr(slash + 1);
        if (wave->empty() || wave->find('/') != std::string::npos) {
            return usage_error("the wave after '/' must be one name, as in example.com/pilot");
        }
    }
    if (to.empty()) {
        if (!why.empty()) {
            return usage_error("--why needs a PHASE to move to");
        }
        return Action{ShowPhases{domain, wave}};
    }
    SIDING_ASSIGN(const Phase phase, parse_phase(to));
    return Action{MovePhase{domain, wave, phase, why}};
}

void add_phase(Verbs& verbs) {
    struct Flags {
        std::string scope, to, why;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(verbs.root, "phase", "show phases, or move one", [flags] {
        return make_phase(flags->scope, flags->to, flags->why);
    });
    verb.add_option("DOMAIN", flags->scope, "a domain, or DOMAIN/WAVE; all without it");
    verb.add_option("PHASE", flags->to, "prep, pass_old, hold, release, pass_new or retired");
    verb.add_option("--why", flags->why, "a note for the ledger")->type_name("TEXT");
}

Result<Action> make_flush(const std::string& what) {
    if (what.empty()) {
        return Action{FlushRecipients{}};
    }
    const auto at = what.find('@');
    if (at == std::string::npos || at == 0) {
        SIDING_ASSIGN(const Domain domain, Domain::parse(what.substr(at == 0 ? 1 : 0)));
        return Action{FlushRecipients{.address = {}, .domain = domain.text()}};
    }
    SIDING_ASSIGN(const Address address, Address::parse(what));
    return Action{FlushRecipients{.address = address.text(), .domain = {}}};
}

void add_recipients(Verbs& verbs) {
    CLI::App& recipients = verbs.add(verbs.root, "recipients", "check one, or forget answers");
    const auto address = make_flags<std::string>();
    CLI::App& check = verbs.add(
        recipients,
        "check",
        "would this address be accepted, and why",
        [address]() -> Result<Action> {
            SIDING_ASSIGN(const Address parsed, Address::parse(*address));
            return Action{CheckRecipient{parsed.text()}};
        }
    );
    check.add_option("ADDRESS", *address, "a whole address")->required();

    const auto what = make_flags<std::string>();
    CLI::App& flush =
        verbs.add(recipients, "flush", "forget what servers said of recipients", [what] {
            return make_flush(*what);
        });
    flush.add_option("ADDRESS", *what, "one address, or a domain; all without it");
}

void add_proofs(Verbs& verbs) {
    const auto query = make_flags<std::string>();
    CLI::App& trace = verbs.add(verbs.root, "trace", "what happened to a message", [query] {
        return Action{Trace{*query}};
    });
    trace.add_option("QUERY", *query, "message id, address, or Message-ID header")->required();

    const auto deep = make_flags<bool>();
    CLI::App& audit = verbs.add(verbs.root, "audit", "prove that the books balance", [deep] {
        return Action{Audit{*deep}};
    });
    audit.add_flag("--deep", *deep, "also read every stored octet and ledger line");
}

}  // namespace

void add_look_verbs(Verbs& verbs) {
    verbs.add(verbs.root, "status", "health, domains, servers, the books", [] {
        return Action{ShowStatus{}};
    });
    add_phase(verbs);
    verbs.add(verbs.root, "sessions", "who is sending now", [] { return Action{ListSessions{}}; });
    add_recipients(verbs);
    add_proofs(verbs);
}

}  // namespace siding::cli
