#include "cli/options.hpp"

#include "base/bytes.hpp"
#include "cli/help.hpp"
#include "cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace siding::cli {
namespace {

struct GlobalFlags {
    std::string socket;
    bool json = false;
    bool version = false;
};

void set_up(CLI::App& root, GlobalFlags& flags) {
    // --json may stand behind the verb too. One verb at most: CLI11 would take the last word of
    // "phase example.com release" for another.
    root.fallthrough();
    root.require_subcommand(0, 1);
    root.set_help_flag("-h,--help", "this text");
    root.formatter(make_help_formatter());
    root.add_option("--socket", flags.socket, "control socket of the daemon")->type_name("PATH");
    root.add_flag("--json", flags.json, "JSON instead of tables");
    root.add_flag("--version", flags.version, "print the version");
}

// Who reads a page has found --help. Only once the tree stands: CLI11 hands hidden flags on to no
// subcommand.
void hide_help_flags(CLI::App& app) {
    app.get_help_ptr()->group("");
    for (CLI::App* const verb : app.get_subcommands({})) {
        hide_help_flags(*verb);
    }
}

const CLI::App& chosen_verb(const CLI::App& root) {
    const CLI::App* verb = &root;
    while (!verb->get_subcommands().empty()) {
        verb = verb->get_subcommands().back();
    }
    return *verb;
}

std::string path_of(const CLI::App& verb) {
    return verb.get_parent() == nullptr ? verb.get_name()
                                        : path_of(*verb.get_parent()) + " " + verb.get_name();
}

Error usage_error_in(const CLI::App& root, const std::string& what) {
    return usage_error(fmt::format("{}; see {} --help", what, path_of(chosen_verb(root))));
}

std::string help_of(const CLI::App& root) {
    const CLI::App& verb = chosen_verb(root);
    if (&verb == &root) {
        return overview();
    }
    // CLI11 prints the name that it is given in front.
    return verb.help(path_of(*verb.get_parent()));
}

// CLI11's own sentences name the argument; the first line says enough.
std::string first_line(const std::string& text) {
    return escape(text.substr(0, text.find('\n')));
}

}  // namespace

Error usage_error(std::string text) {
    return {Errc::invalid_argument, std::move(text)};
}

CLI::App& Verbs::add(CLI::App& parent, const std::string& name, const std::string& what) {
    CLI::App& verb = *parent.add_subcommand(name, what);
    verb.group("Verbs");
    verb.require_subcommand(0, 1);
    return verb;
}

CLI::App& Verbs::add(
    CLI::App& parent, const std::string& name, const std::string& what, ActionMaker maker
) {
    CLI::App& verb = add(parent, name, what);
    makers[&verb] = std::move(maker);
    return verb;
}

Result<Options> parse_options(std::vector<std::string> arguments, const ParseContext& context) {
    CLI::App root{"", "siding"};
    GlobalFlags flags;
    set_up(root, flags);
    Verbs verbs{.root = root, .now = context.now, .makers = {}};
    add_look_verbs(verbs);
    add_wave_verbs(verbs);
    add_queue_verbs(verbs);
    add_parked_verbs(verbs);
    add_release_verbs(verbs);
    add_dns_verbs(verbs);
    add_backfill_verbs(verbs);
    add_archive_verbs(verbs);
    add_local_verbs(verbs);
    add_doctor_verbs(verbs);
    hide_help_flags(root);

    std::ranges::reverse(arguments);  // as CLI11 takes them
    try {
        root.parse(arguments);
    } catch (const CLI::CallForHelp&) {
        return Options{.action = ShowText{help_of(root)}};
    } catch (const CLI::ParseError& error) {
        return usage_error_in(root, first_line(error.what()));
    }
    if (flags.version) {
        return Options{.action = ShowText{version_line()}};
    }
    const auto maker = verbs.makers.find(&chosen_verb(root));
    if (maker == verbs.makers.end()) {
        return usage_error_in(root, "a verb is missing");
    }
    auto action = maker->second();
    if (action.has_error()) {
        return usage_error_in(root, action.error().context);
    }
    Options options{.json = flags.json, .action = std::move(*action)};
    const bool is_backfill = root.got_subcommand("backfill") || root.got_subcommand("archive");
    const std::string& given = is_backfill ? context.backfill_socket : context.socket;
    if (!flags.socket.empty()) {
        options.socket = flags.socket;
    } else if (!given.empty()) {
        options.socket = given;
    } else if (is_backfill) {
        options.socket = default_backfill_socket;
    }
    return options;
}

}  // namespace siding::cli
