#include "backfill/manifest_check.hpp"
#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/new_file.hpp"
#include "cli/quantities.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/ostream.h>
#include <fstream>
#include <utility>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t line_octets_max = 4 * 1024 * 1024;
constexpr std::size_t key_file_octets_max = 4096;

Error cannot_read(const std::filesystem::path& file) {
    return {Errc::invalid_argument, fmt::format("{} cannot be read", escape(file.string(), 1000))};
}

// The key itself, or a file that has it.
Result<PublicKey> read_key(const std::string& text) {
    const auto key = PublicKey::parse(text);
    std::ifstream file{text};
    if (key || !file) {
        return key;
    }
    std::string octets(key_file_octets_max, '\0');
    file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
    octets.resize(static_cast<std::size_t>(file.gcount()));
    return PublicKey::parse(octets);
}

Result<backfill::ManifestFindings> check(
    const std::filesystem::path& path, std::optional<PublicKey> key
) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return cannot_read(path);
    }
    backfill::ManifestReader reader{std::move(key)};
    std::string line;
    while (std::getline(file, line)) {
        if (line.size() > line_octets_max) {
            return Error{Errc::invalid_argument, "a line is longer than those of any manifest"};
        }
        if (!file.eof()) {
            line += '\n';
        }
        reader.take(line);
    }
    if (file.bad()) {
        return cannot_read(path);
    }
    return reader.finish();
}

std::string header_at(const backfill::ManifestFindings& found, const std::string& key) {
    const auto value = found.header.find(key);
    return value == found.header.end() ? "" : value->second;
}

void print_findings(const backfill::ManifestFindings& found, const Terminal& terminal) {
    for (const std::string& problem : found.problems) {
        fmt::print(terminal.out, "{}\n", escape(problem, 1000));
    }
    if (found.problem_count > found.problems.size()) {
        fmt::print(
            terminal.out, "and {} more\n", human_count(found.problem_count - found.problems.size())
        );
    }
    if (!found.is_good()) {
        fmt::print(terminal.out, "{}\n", terminal.paint("NOT AS IT WAS SIGNED", Colour::red));
        return;
    }
    fmt::print(
        terminal.out,
        "{}: account {}, made {} by {}, {}\n",
        terminal.paint("as it was signed", Colour::green),
        escape(header_at(found, "account")),
        escape(header_at(found, "made-at")),
        escape(header_at(found, "made-by")),
        counted(found.messages, "message")
    );
    for (const auto& [verdict, messages] : found.totals) {
        fmt::print(terminal.out, "  {} {}\n", human_count(messages), escape(verdict));
    }
    for (const std::string& note : found.notes) {
        fmt::print(terminal.out, "note: {}\n", escape(note, 1000));
    }
    if (found.is_key_given) {
        terminal.out << "signed with the key that was given\n";
    } else {
        fmt::print(
            terminal.out,
            "signed with the key that the manifest itself names, so this says only that nobody has "
            "changed it since;\nwhose key it is says --public-key, with what `siding backfill "
            "manifest --public-key` has printed there: {}\n",
            found.signed_by
        );
    }
}

void print_json(const backfill::ManifestFindings& found, const Terminal& terminal) {
    json::array problems;
    for (const std::string& problem : found.problems) {
        problems.emplace_back(escape(problem, 1000));
    }
    json::object totals;
    for (const auto& [verdict, messages] : found.totals) {
        totals[escape(verdict)] = messages;
    }
    terminal.out << json::serialize(json::object{
                        {"good", found.is_good()},
                        {"problem_count", found.problem_count},
                        {"problems", std::move(problems)},
                        {"account", escape(header_at(found, "account"))},
                        {"made_at", escape(header_at(found, "made-at"))},
                        {"messages", found.messages},
                        {"totals", std::move(totals)},
                        {"public_key", found.signed_by},
                        {"key_given", found.is_key_given},
                    })
                 << "\n";
}

}  // namespace

Result<Exit> run(const WriteManifest& action, Context& context) {
    const Terminal& terminal = context.terminal;
    if (action.account.empty()) {
        SIDING_ASSIGN(const Document answer, context.api.get("/v1/backfill/manifest/key"));
        terminal.out << (context.json ? answer.text : text_at(answer.value, "public_key")) << "\n";
        return Exit::done;
    }
    const net::HttpTarget target{"/v1/backfill/manifest", {{"account", action.account}}};
    if (!action.to) {
        SIDING_TRY(context.api.download(target, [&terminal](std::string_view piece) {
            terminal.out << piece;
            return terminal.out ? Result<void>{}
                                : Error{Errc::storage_failure, "standard output takes no more"};
        }));
        terminal.out.flush();
        return Exit::done;
    }
    std::filesystem::path temporary = *action.to;
    temporary += ".new";
    SIDING_ASSIGN(NewFile file, NewFile::create(temporary, *action.to));
    SIDING_TRY(context.api.download(target, [&file](std::string_view piece) {
        return file.write(piece);
    }));
    const std::uint64_t octets = file.size_octets();
    SIDING_TRY(file.finish());
    fmt::print(
        terminal.err,
        "wrote {} ({}); `siding backfill manifest verify {}` reads it\n",
        escape(action.to->string(), 1000),
        human_size(octets),
        escape(action.to->string(), 1000)
    );
    return Exit::done;
}

Result<Exit> run(const CheckManifest& action, Context& context) {
    std::optional<PublicKey> key;
    if (!action.key.empty()) {
        SIDING_ASSIGN(key, read_key(action.key));
    }
    SIDING_ASSIGN(const auto found, check(action.file, std::move(key)));
    if (context.json) {
        print_json(found, context.terminal);
    } else {
        print_findings(found, context.terminal);
    }
    return found.is_good() ? Exit::done : Exit::no;
}

}  // namespace siding::cli
