#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

void add_config(Verbs& verbs) {
    CLI::App& config =
        verbs.add(verbs.root, "config", "check or show a file, or print the reference");
    const auto file = make_flags<std::string>();
    CLI::App& check = verbs.add(config, "check", "every error at once, with line and key", [file] {
        return Action{CheckConfig{*file}};
    });
    check.add_option("FILE", *file, "the configuration file")->required();
    struct Flags {
        std::string file;
        bool changed = false;
    };
    const auto shown = make_flags<Flags>();
    CLI::App& show =
        verbs.add(config, "show", "what is in force, defaults and profiles filled in", [shown] {
            ShowConfig action{.file = std::nullopt, .changed = shown->changed};
            if (!shown->file.empty()) {
                action.file = shown->file;
            }
            return Action{action};
        });
    show.add_option("FILE", shown->file, "a configuration file; without it sidingd is asked");
    show.add_flag("--changed", shown->changed, "only what is not the default");
    verbs.add(config, "reference", "every key, its default, its meaning", [] {
        return Action{ShowConfigReference{}};
    });
}

void add_rehearse(Verbs& verbs) {
    struct Flags {
        std::string mail;
        bool keep = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb =
        verbs.add(verbs.root, "rehearse", "a whole cutover on loopback, with proof", [flags] {
            Rehearse rehearse{.mail = std::nullopt, .keep = flags->keep};
            if (!flags->mail.empty()) {
                rehearse.mail = flags->mail;
            }
            return Action{rehearse};
        });
    verb.add_option("--mail", flags->mail, "directory of .eml, mbox or Maildir; else a sample")
        ->type_name("PATH");
    verb.add_flag("--keep", flags->keep, "keep the evidence on disk");
}

}  // namespace

void add_local_verbs(Verbs& verbs) {
    add_config(verbs);
    add_rehearse(verbs);
}

}  // namespace siding::cli
