#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace siding::cli {
namespace {

constexpr const char* default_directory = "/var/lib/siding/backfill/archive";

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional{text};
}

void add_order(
    Verbs& verbs,
    CLI::App& archive,
    const std::string& name,
    const std::string& order,
    const std::string& what
) {
    const auto flags = make_flags<OrderBackfill>();
    flags->order = order;
    CLI::App& verb =
        verbs.add(archive, name, what, [flags] { return Result<Action>{Action{*flags}}; });
    CLI::Option& accounts =
        *verb.add_option("ACCOUNT", flags->accounts, "names of the accounts file");
    if (order == "restore") {
        accounts.required();  // of all accounts by an oversight would be too much
    }
    verb.add_flag("--wait", flags->wait, "until all are done; exit 1 if one did not end well");
}

CLI::Option* take_directory(CLI::App& verb, std::string& directory) {
    directory = default_directory;
    return verb
        .add_option("--dir", directory, "the archive; data_dir/backfill/archive of a daemon")
        ->type_name("DIR")
        ->capture_default_str();
}

void add_list(Verbs& verbs, CLI::App& archive) {
    struct Flags {
        std::string directory, account;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(archive, "list", "accounts and mailboxes in it", [flags] {
        return Result<Action>{Action{ListArchive{flags->directory, given(flags->account)}}};
    });
    take_directory(verb, flags->directory);
    verb.add_option("ACCOUNT", flags->account, "only this one");
}

void add_verify(Verbs& verbs, CLI::App& archive) {
    const auto directory = make_flags<std::string>();
    CLI::App& verb = verbs.add(
        archive,
        "verify",
        "read every octet and compare; exit 1 if one is not right",
        [directory] { return Result<Action>{Action{VerifyArchive{*directory}}}; }
    );
    take_directory(verb, *directory);
}

void add_export(Verbs& verbs, CLI::App& archive) {
    struct Flags {
        std::string directory, to, format = "maildir", account, mailbox;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(
        archive,
        "export",
        "write messages as .eml, Maildir or mbox",
        [flags]() -> Result<Action> {
            SIDING_ASSIGN(const MailboxFormat format, parse_mailbox_format(flags->format));
            return Action{ExportArchive{
                flags->directory, flags->to, format, given(flags->account), given(flags->mailbox)}};
        }
    );
    take_directory(verb, flags->directory);
    verb.add_option("--to", flags->to, "directory to write into")->type_name("DIR")->required();
    verb.add_option("--format", flags->format, "maildir (default), eml or mbox")
        ->type_name("FORMAT");
    verb.add_option("--mailbox", flags->mailbox, "only this one, as the source calls it")
        ->type_name("NAME");
    verb.add_option("ACCOUNT", flags->account, "only this one");
}

}  // namespace

void add_archive_verbs(Verbs& verbs) {
    CLI::App& archive = verbs.add(verbs.root, "archive", "mailboxes on the local disk");
    add_order(verbs, archive, "create", "archive", "take what the archive lacks from the source");
    add_order(verbs, archive, "restore", "restore", "put what it has to the destination");
    add_list(verbs, archive);
    add_verify(verbs, archive);
    add_export(verbs, archive);
}

}  // namespace siding::cli
