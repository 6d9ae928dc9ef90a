#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

void add_config(Verbs& verbs) {
    CLI::App& config = verbs.add(verbs.root, "config", "check a file, or print the reference");
    const auto file = make_flags<std::string>();
    CLI::App& check = verbs.add(config, "check", "every error at once, with line and key", [file] {
        return Action{CheckConfig{*file}};
    });
    check.add_option("FILE", *file, "the configuration file")->required();
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
