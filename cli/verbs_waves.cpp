#include "base/bytes.hpp"
#include "cli/verbs.hpp"
#include "cli/wave_file.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

Result<WaveScope> parse_scope(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) {
        return usage_error(fmt::format(
            "'{}' names no wave; write DOMAIN/WAVE, as in example.com/pilot", escape(text)
        ));
    }
    SIDING_ASSIGN(Domain domain, Domain::parse(text.substr(0, slash)));
    std::string wave = text.substr(slash + 1);
    if (!config::is_name(wave)) {
        return usage_error(fmt::format(
            "'{}' is no name for a wave; allowed: up to 32 of a-z, 0-9, - and _", escape(wave)
        ));
    }
    return WaveScope{std::move(domain), std::move(wave)};
}

// DOMAIN, DOMAIN/WAVE or DOMAIN/*, as the API takes it.
Result<std::string> parse_target(const std::string& text) {
    const auto slash = text.find('/');
    SIDING_ASSIGN(const Domain domain, Domain::parse(text.substr(0, slash)));
    if (slash == std::string::npos) {
        return domain.text();
    }
    const std::string wave = text.substr(slash + 1);
    if (wave == "*") {
        return domain.text() + "/*";
    }
    SIDING_ASSIGN(const WaveScope scope, parse_scope(text));
    return scope.domain.text() + "/" + scope.wave;
}

void add_why(CLI::App& verb, std::string& why) {
    verb.add_option("--why", why, "a note for the ledger")->type_name("TEXT");
}

void add_flip(Verbs& verbs) {
    struct Flags {
        std::string to, copy, why, release_held;
        std::vector<std::string> targets;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(
        verbs.root,
        "flip",
        "move several waves at once: all of them, or none",
        [flags]() -> Result<Action> {
            FlipPhases flip;
            SIDING_ASSIGN(flip.to, parse_phase(flags->to));
            for (const std::string& text : flags->targets) {
                SIDING_ASSIGN(std::string target, parse_target(text));
                flip.targets.push_back(std::move(target));
            }
            if (!flags->copy.empty()) {
                flip.copy = flags->copy;
            }
            flip.why = flags->why;
            flip.release_held = flags->release_held;
            return Action{std::move(flip)};
        }
    );
    verb.add_option("TARGET", flags->targets, "domains, or DOMAIN/WAVE, or DOMAIN/* for all waves")
        ->required();
    verb.add_option("--to", flags->to, "prep, pass_old, hold, release, pass_new or retired")
        ->type_name("PHASE")
        ->required();
    verb.add_option("--copy", flags->copy, "pass_old, pass_new: a server that gets a copy; or none")
        ->type_name("SERVER");
    verb.add_option("--release-held", flags->release_held, "and send what is held to this server")
        ->type_name("SERVER");
    add_why(verb, flags->why);
}

void add_rollback(Verbs& verbs) {
    const auto flags = make_flags<RollBack>();
    CLI::App& verb = verbs.add(
        verbs.root,
        "rollback",
        "take the last flip back; again, the one before",
        [flags] { return Action{*flags}; }
    );
    verb.add_flag("--dry-run", flags->dry_run, "only say what would change");
    verb.add_option("--release-held", flags->release_held, "and send what is held to this server")
        ->type_name("SERVER");
    add_why(verb, flags->why);
}

void add_flips(Verbs& verbs) {
    const auto limit = make_flags<std::uint64_t>();
    *limit = ListFlips{}.limit;
    CLI::App& verb = verbs.add(verbs.root, "flips", "what was flipped, when and by whom", [limit] {
        return Action{ListFlips{*limit}};
    });
    verb.add_option("--limit", *limit, "how many, the newest first (100)")->type_name("N");
}

struct MemberFlags {
    std::string scope;
    std::vector<std::string> addresses, patterns;
};

void add_member_flags(CLI::App& verb, MemberFlags& flags) {
    verb.add_option("WAVE", flags.scope, "DOMAIN/WAVE")->required();
    verb.add_option("--address", flags.addresses, "a recipient; may be repeated")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    verb.add_option("--pattern", flags.patterns, "in front of the @, such as 'sales-*'; likewise")
        ->type_name("GLOB")
        ->allow_extra_args(false);
}

struct AddFlags : MemberFlags {
    std::string file, format, column, phase, copy, why;
};

Result<Action> make_addition(const AddFlags& flags) {
    SIDING_ASSIGN(WaveScope scope, parse_scope(flags.scope));
    AddToWave add{.scope = std::move(scope)};
    add.addresses = flags.addresses;
    add.patterns = flags.patterns;
    add.column = flags.column;
    add.why = flags.why;
    if (!flags.file.empty()) {
        add.file = flags.file;
    } else if (!flags.format.empty() || !flags.column.empty()) {
        return usage_error("--format and --column need --file");
    }
    const std::string usual = flags.column.empty() ? "list" : "csv";
    SIDING_ASSIGN(add.format, parse_file_format(flags.format.empty() ? usual : flags.format));
    const bool csv = add.format == config::RecipientMapFormat::csv;
    if (csv != !flags.column.empty()) {
        return usage_error(
            csv ? "--format csv needs --column, the name or the number of the column with addresses"
                : "--column is for --format csv"
        );
    }
    if (!flags.phase.empty()) {
        SIDING_ASSIGN(add.phase, parse_phase(flags.phase));
    }
    if (!flags.copy.empty()) {
        if (!add.phase) {
            return usage_error("--copy needs --phase");
        }
        add.copy = flags.copy;
    }
    return Action{std::move(add)};
}

void add_addition(Verbs& verbs, CLI::App& wave) {
    const auto flags = make_flags<AddFlags>();
    CLI::App& verb = verbs.add(wave, "add", "put recipients into a wave; makes it", [flags] {
        return make_addition(*flags);
    });
    add_member_flags(verb, *flags);
    verb.add_option("--file", flags->file, "recipients, as in a recipient file")->type_name("FILE");
    verb.add_option("--format", flags->format, "list (default), csv, virtual, aliases, …")
        ->type_name("FORMAT");
    verb.add_option("--column", flags->column, "csv: its name or number")->type_name("COLUMN");
    verb.add_option("--phase", flags->phase, "of a new wave; else as the domain's default")
        ->type_name("PHASE");
    verb.add_option("--copy", flags->copy, "of a new wave: a server that gets a copy")
        ->type_name("SERVER");
    add_why(verb, flags->why);
}

void add_removal(Verbs& verbs, CLI::App& wave) {
    const auto flags = make_flags<MemberFlags>();
    CLI::App& verb = verbs.add(
        wave,
        "remove",
        "take recipients out, or the whole wave away",
        [flags]() -> Result<Action> {
            SIDING_ASSIGN(WaveScope scope, parse_scope(flags->scope));
            return Action{RemoveFromWave{std::move(scope), flags->addresses, flags->patterns}};
        }
    );
    add_member_flags(verb, *flags);
}

void add_clone(Verbs& verbs, CLI::App& wave) {
    struct Flags {
        std::string from, to, why;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb =
        verbs.add(wave, "clone", "the same local parts as a new wave", [flags]() -> Result<Action> {
            SIDING_ASSIGN(WaveScope from, parse_scope(flags->from));
            SIDING_ASSIGN(WaveScope to, parse_scope(flags->to));
            return Action{CloneWave{std::move(from), std::move(to), flags->why}};
        });
    verb.add_option("FROM", flags->from, "DOMAIN/WAVE")->required();
    verb.add_option("TO", flags->to, "DOMAIN/WAVE, mostly of another domain")->required();
    add_why(verb, flags->why);
}

void add_looks(Verbs& verbs, CLI::App& wave) {
    const auto domain = make_flags<std::string>();
    CLI::App& list =
        verbs.add(wave, "list", "waves and their phases", [domain]() -> Result<Action> {
            if (domain->empty()) {
                return Action{ListWaves{}};
            }
            SIDING_ASSIGN(Domain parsed, Domain::parse(*domain));
            return Action{ListWaves{std::move(parsed)}};
        });
    list.add_option("DOMAIN", *domain, "one domain; all without it");

    struct ShowFlags {
        std::string scope;
        std::uint64_t limit = 100;
    };
    const auto flags = make_flags<ShowFlags>();
    CLI::App& show =
        verbs.add(wave, "show", "one wave and who is in it", [flags]() -> Result<Action> {
            SIDING_ASSIGN(WaveScope scope, parse_scope(flags->scope));
            return Action{ShowWave{std::move(scope), flags->limit}};
        });
    show.add_option("WAVE", flags->scope, "DOMAIN/WAVE")->required();
    show.add_option("--limit", flags->limit, "how many recipients to list (100)")->type_name("N");
}

}  // namespace

void add_wave_verbs(Verbs& verbs) {
    add_flip(verbs);
    add_rollback(verbs);
    add_flips(verbs);
    CLI::App& wave = verbs.add(verbs.root, "wave", "recipients of a domain that move together");
    add_looks(verbs, wave);
    add_addition(verbs, wave);
    add_removal(verbs, wave);
    add_clone(verbs, wave);
}

}  // namespace siding::cli
