#include "cli/options.hpp"

#include "base/bytes.hpp"
#include "cli/filter_flags.hpp"
#include "cli/filter_query.hpp"
#include "cli/help.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

namespace siding::cli {
namespace {

Error usage(std::string text) {
    return {Errc::invalid_argument, std::move(text)};
}

// One command line: the CLI11 tree, and for each verb how its flags become an action. The flags'
// texts live in the closures, which live as long as the tree.
class Grammar {
public:
    explicit Grammar(const ParseContext& context);

    Result<Options> parse(std::vector<std::string> arguments);

private:
    using Maker = std::function<Result<Action>()>;

    CLI::App& add_verb(
        CLI::App& parent, const std::string& name, const std::string& what, Maker maker
    );
    void add_status();
    void add_phase();
    void add_queue();
    void add_queue_changes(CLI::App& queue);
    void add_export(CLI::App& queue);
    void add_release();
    void add_release_lists(CLI::App& release);
    void add_proofs();
    void add_config();
    void add_rehearse();

    CLI::App& chosen_verb();
    std::string where_help_is();

    const ParseContext& context_;
    CLI::App root_{"", "siding"};
    std::map<const CLI::App*, Maker> makers_;
    std::string socket_;
    bool json_ = false;
    bool version_ = false;
};

// CLI11 hands the texts over before the maker runs; both sides share them.
template <typename T>
std::shared_ptr<T> make_flags() {
    return std::make_shared<T>();
}

Grammar::Grammar(const ParseContext& context) : context_{context} {
    root_.fallthrough();
    root_.set_help_flag("-h,--help", "this text");
    root_.formatter(make_help_formatter());
    root_.add_option("--socket", socket_, "control socket of sidingd")->type_name("PATH");
    root_.add_flag("--json", json_, "JSON instead of tables");
    root_.add_flag("--version", version_, "print the version");
    add_status();
    add_phase();
    add_queue();
    add_release();
    add_proofs();
    add_config();
    add_rehearse();
}

CLI::App& Grammar::add_verb(
    CLI::App& parent, const std::string& name, const std::string& what, Maker maker
) {
    CLI::App& verb = *parent.add_subcommand(name, what);
    if (maker) {
        makers_[&verb] = std::move(maker);
    }
    return verb;
}

void Grammar::add_status() {
    add_verb(root_, "status", "health, domains, servers, the books", [] {
        return Action{ShowStatus{}};
    });
}

Result<Action> make_phase(const std::string& scope, const std::string& to, const std::string& why) {
    if (scope.empty()) {
        return Action{ShowPhases{}};
    }
    const auto slash = scope.find('/');
    SIDING_ASSIGN(const Domain domain, Domain::parse(scope.substr(0, slash)));
    std::optional<std::string> wave;
    if (slash != std::string::npos) {
        wave = scope.substr(slash + 1);
        if (wave->empty()) {
            return usage("the wave after '/' is empty; write example.com/pilot");
        }
    }
    if (to.empty()) {
        if (!why.empty()) {
            return usage("--why needs a PHASE to move to");
        }
        return Action{ShowPhases{domain, wave}};
    }
    SIDING_ASSIGN(const Phase phase, parse_phase(to));
    return Action{MovePhase{domain, wave, phase, why}};
}

void Grammar::add_phase() {
    struct Flags {
        std::string scope, to, why;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = add_verb(root_, "phase", "show phases, or move one", [flags] {
        return make_phase(flags->scope, flags->to, flags->why);
    });
    verb.add_option("DOMAIN", flags->scope, "a domain, or DOMAIN/WAVE; all without it");
    verb.add_option("PHASE", flags->to, "prep, pass_old, hold, release, pass_new or retired");
    verb.add_option("--why", flags->why, "a note for the ledger")->type_name("TEXT");
}

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

void Grammar::add_queue() {
    CLI::App& queue = add_verb(root_, "queue", "list, show, export, hold, discard", nullptr);

    const auto list = make_flags<ListFlags>();
    CLI::App& list_verb = *queue.add_subcommand("list", "recipients and their states");
    makers_[&list_verb] = [this, list, &list_verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(list_verb, list->filter, context_.now));
        return Action{ListQueue{std::move(filter), list->directory()}};
    };
    add_filter_flags(list_verb, list->filter);
    add_data_dir(list_verb, list->data_dir);

    struct ShowFlags {
        std::string id, data_dir;
    };
    const auto show = make_flags<ShowFlags>();
    CLI::App& show_verb =
        add_verb(queue, "show", "one message: envelope, recipients", [show]() -> Result<Action> {
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

    add_export(queue);
    add_queue_changes(queue);

    const auto parked = make_flags<ListFlags>();
    CLI::App& parked_verb = *root_.add_subcommand("parked", "refused recipients, by reason");
    makers_[&parked_verb] = [this, parked, &parked_verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(parked_verb, parked->filter, context_.now));
        if (filter.state && filter.state != queue::State::parked) {
            return usage("parked lists what is parked; use queue list for other states");
        }
        filter.state = queue::State::parked;
        return Action{ListParked{std::move(filter), parked->directory()}};
    };
    add_filter_flags(parked_verb, parked->filter);
    add_data_dir(parked_verb, parked->data_dir);
}

Result<MailboxFormat> parse_format(std::string_view text) {
    if (text == "eml") {
        return MailboxFormat::eml;
    }
    if (text == "maildir") {
        return MailboxFormat::maildir;
    }
    if (text == "mbox") {
        return MailboxFormat::mbox;
    }
    return usage(
        fmt::format("'{}' is not a format; write eml, maildir or mbox", siding::escape(text))
    );
}

void Grammar::add_export(CLI::App& queue) {
    struct Flags : ListFlags {
        std::string to, format = "eml";
        bool no_trace = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = *queue.add_subcommand("export", "write messages as .eml, Maildir or mbox");
    makers_[&verb] = [this, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, context_.now));
        SIDING_ASSIGN(const MailboxFormat format, parse_format(flags->format));
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

void Grammar::add_queue_changes(CLI::App& queue) {
    struct Flags {
        FilterFlags filter;
        std::string why;
        bool all = false, yes = false;
    };
    const auto add = [&](const char* name, const char* what, auto make) -> CLI::App& {
        const auto flags = make_flags<Flags>();
        CLI::App& verb = *queue.add_subcommand(name, what);
        makers_[&verb] = [this, flags, &verb, name, make]() -> Result<Action> {
            SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, context_.now));
            if (is_empty(filter) && !flags->all) {
                return usage(fmt::format(
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
        }
        return verb;
    };
    add("hold", "keep due or parked recipients", [](queue::Filter filter, const Flags& flags) {
        return Action{HoldQueue{std::move(filter), flags.all, flags.why}};
    });
    add("discard", "drop recipients for good", [](queue::Filter filter, const Flags& flags) {
        return Action{DiscardQueue{std::move(filter), flags.all, flags.yes, flags.why}};
    });
}

void Grammar::add_release() {
    struct Flags {
        FilterFlags filter;
        std::string to = "new";
        bool dry_run = false, wait = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb = *root_.add_subcommand("release", "send held mail to a server");
    makers_[&verb] = [this, flags, &verb]() -> Result<Action> {
        SIDING_ASSIGN(auto filter, make_filter(verb, flags->filter, context_.now));
        if (flags->dry_run && flags->wait) {
            return usage("--dry-run releases nothing, so there is nothing to --wait for");
        }
        return Action{StartRelease{std::move(filter), flags->to, flags->dry_run, flags->wait}};
    };
    verb.add_option("--to", flags->to, "the server: new (default) or another configured one")
        ->type_name("SERVER");
    verb.add_flag("--dry-run", flags->dry_run, "only count what would go");
    verb.add_flag("--wait", flags->wait, "show progress until all is delivered or parked");
    add_filter_flags(verb, flags->filter);
    add_release_lists(verb);
}

void Grammar::add_release_lists(CLI::App& release) {
    const auto make_list = [] { return Action{ListReleases{}}; };
    add_verb(release, "list", "releases and how far they are", make_list);
    add_verb(root_, "releases", "the same as release list", make_list);

    const auto id = make_flags<std::string>();
    CLI::App& wait =
        add_verb(release, "wait", "show the progress of a release", [id]() -> Result<Action> {
            SIDING_ASSIGN(const std::uint64_t number, config::parse_count(*id));
            return Action{WaitRelease{number}};
        });
    wait.add_option("RELEASE", *id, "its number, see release list")->required();
}

void Grammar::add_proofs() {
    const auto query = make_flags<std::string>();
    CLI::App& trace = add_verb(root_, "trace", "what happened to a message", [query] {
        return Action{Trace{*query}};
    });
    trace.add_option("QUERY", *query, "message id, address, or Message-ID header")->required();

    const auto deep = make_flags<bool>();
    CLI::App& audit = add_verb(root_, "audit", "prove that the books balance", [deep] {
        return Action{Audit{*deep}};
    });
    audit.add_flag("--deep", *deep, "also read every stored octet and ledger line");
}

void Grammar::add_config() {
    CLI::App& config = add_verb(root_, "config", "check a file, or print the reference", nullptr);
    const auto file = make_flags<std::string>();
    CLI::App& check = add_verb(config, "check", "every error at once, with line and key", [file] {
        return Action{CheckConfig{*file}};
    });
    check.add_option("FILE", *file, "the configuration file")->required();
    add_verb(config, "reference", "every key, its default, its meaning", [] {
        return Action{ShowConfigReference{}};
    });
}

void Grammar::add_rehearse() {
    struct Flags {
        std::string mail;
        bool keep = false;
    };
    const auto flags = make_flags<Flags>();
    CLI::App& verb =
        add_verb(root_, "rehearse", "a whole cutover on loopback, with proof", [flags] {
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

CLI::App& Grammar::chosen_verb() {
    CLI::App* verb = &root_;
    while (!verb->get_subcommands().empty()) {
        verb = verb->get_subcommands().back();
    }
    return *verb;
}

std::string Grammar::where_help_is() {
    std::string path = "siding";
    for (CLI::App* verb = &root_; !verb->get_subcommands().empty();) {
        verb = verb->get_subcommands().back();
        path += " " + verb->get_name();
    }
    return path + " --help";
}

// CLI11's own sentences name the argument; the first line says enough.
std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

Result<Options> Grammar::parse(std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);  // as CLI11 takes them
    try {
        root_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
        CLI::App& verb = chosen_verb();
        return Options{.action = ShowText{&verb == &root_ ? overview() : verb.help()}};
    } catch (const CLI::ParseError& error) {
        return usage(fmt::format(
            "{}; see {}", siding::escape(first_line(error.what())), where_help_is()
        ));
    }
    if (version_) {
        return Options{.action = ShowText{version_line()}};
    }
    const auto maker = makers_.find(&chosen_verb());
    if (maker == makers_.end()) {
        return usage(fmt::format("a verb is missing; see {}", where_help_is()));
    }
    auto action = maker->second();
    if (action.has_error()) {
        return usage(fmt::format("{}; see {}", action.error().context, where_help_is()));
    }
    Options options{.json = json_, .action = std::move(*action)};
    if (!socket_.empty()) {
        options.socket = socket_;
    } else if (!context_.socket.empty()) {
        options.socket = context_.socket;
    }
    return options;
}

}  // namespace

Result<Options> parse_options(std::vector<std::string> arguments, const ParseContext& context) {
    return Grammar{context}.parse(std::move(arguments));
}

}  // namespace siding::cli
