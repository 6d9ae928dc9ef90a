#include "base/bytes.hpp"
#include "cli/filter_flags.hpp"
#include "cli/verbs.hpp"
#include "control/filter_params.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

struct ListFlags {
    FilterFlags filter;
    std::string data_dir;

    std::optional<std::filesystem::path> directory() const {
        return data_dir.empty() ? std::nullopt : std::optional<std::filesystem::path>{data_dir};
    }
};

void add_data_dir(CLI::App& verb, std::string& data_dir) {
    verb.add_option("--data-dir", data_dir, "read a stopped queue instead of asking sidingd")
        ->type_name("DIR");
}

void add_export(Verbs& verbs, CLI::App& queue) {
    struct Flags : ListFlags {
        std::string to, format = "eml";
        bool no_trace = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = verbs.add(queue, "export", "write messages as .eml, Maildir or mbox");
    verbs.makers[&verb] = [&verbs, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
        SIDING_ASSIGN(const MailboxFormat format, parse_mailbox_format(flags->format));
        return Action{ExportQueue{
            std::move(filter), flags->to, format, !flags->no_trace, flags->directory()}};
    };
    verb.add_option("--to", flags->to, "directory to write into")->type_name("DIR")->required();
    verb.add_option("--format", flags->format, "eml (default), maildir or mbox")
        ->type_name("FORMAT");
    verb.add_flag("--no-trace", flags->no_trace, "without the Received line that Siding added");
    add_filter_flags(verb, flags->filter);
    add_data_dir(verb, flags->data_dir);
}

void add_changes(Verbs& verbs, CLI::App& queue) {
    struct Flags {
        FilterFlags filter;
        std::string why;
        bool all = false, yes = false, dsn = false;
    };
    const auto add = [&](const char* name, const char* what, auto make) -> CLI::App& {
        const auto flags = make_flags<Flags>();
        CLI::App& verb = verbs.add(queue, name, what);
        verbs.makers[&verb] = [&verbs, flags, &verb, name, make]() -> Result<Action> {
            SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, verbs.now));
            if (control::is_everything(filter) && !flags->all) {
                return usage_error(fmt::format(
                    "queue {} without a filter means all mail; narrow it, or say --all", name
                ));
            }
            return make(std::move(filter), *flags);
        };
        verb.add_flag("--all", flags->all, "the whole queue; needed where no filter is given");
        verb.add_option("--why", flags->why, "a note for the ledger")->type_name("TEXT");
        add_filter_flags(verb, flags->filter);
        if (std::string_view{name} == "discard") {
            verb.add_flag("--yes", flags->yes, "do not ask");
            verb.add_flag("--dsn", flags->dsn, "tell the senders, with a delivery report");
        }
        return verb;
    };
    add("hold", "keep due or parked recipients", [](queue::Filter filter, const Flags& flags) {
        return Action{HoldQueue{std::move(filter), flags.all, flags.why}};
    });
    add("discard", "drop recipients for good", [](queue::Filter filter, const Flags& flags) {
        return Action{DiscardQueue{std::move(filter), flags.all, flags.yes, flags.why, flags.dsn}};
    });
}

void add_list(Verbs& verbs, CLI::App& queue) {
    const auto list = make_flags<ListFlags>();
    CLI::App& list_verb = verbs.add(queue, "list", "recipients and their states");
    verbs.makers[&list_verb] = [&verbs, list, &list_verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(list_verb, list->filter, verbs.now));
        return Action{ListQueue{std::move(filter), list->directory()}};
    };
    add_filter_flags(list_verb, list->filter);
    add_data_dir(list_verb, list->data_dir);
}

void add_show(Verbs& verbs, CLI::App& queue) {
    struct ShowFlags {
        std::string id, data_dir;
    };
    const auto show = make_flags<ShowFlags>();
    CLI::App& show_verb =
        verbs.add(queue, "show", "one message: envelope, recipients", [show]() -> Result<Action> {
            // A recipient's id names its message too.
            const std::string id = show->id.substr(0, show->id.find('.'));
            SIDING_ASSIGN(const MessageId message, MessageId::parse(id));
            std::optional<std::filesystem::path> data_dir;
            if (!show->data_dir.empty()) {
                data_dir = show->data_dir;
            }
            return Action{ShowMessage{message, data_dir}};
        });
    show_verb.add_option("ID", show->id, "a message or a recipient")->required();
    add_data_dir(show_verb, show->data_dir);
}

}  // namespace

void add_queue_verbs(Verbs& verbs) {
    CLI::App& queue = verbs.add(verbs.root, "queue", "list, show, export, hold, discard");
    add_list(verbs, queue);
    add_show(verbs, queue);
    add_export(verbs, queue);
    add_changes(verbs, queue);
}

}  // namespace siding::cli
