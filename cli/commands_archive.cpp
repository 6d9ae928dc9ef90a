#include "backfill/archive_store.hpp"
#include "backfill/archive_verify.hpp"
#include "base/bytes.hpp"
#include "cli/archive_export.hpp"
#include "cli/commands.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t problems_kept_max = 10'000;  // of JSON
constexpr std::uint64_t progress_step = 1000;

std::string_view state_of(const backfill::ArchiveStore::Listed& listed) {
    return !listed.is_latest ? "older UIDVALIDITY" : listed.mailbox.is_gone ? "gone" : "";
}

std::string text_of(const backfill::ArchiveProblem& problem) {
    std::string text;
    if (!problem.account.empty()) {
        text = escape(problem.account) + " " + escape(problem.mailbox);
        text += problem.uid == 0 ? ": " : fmt::format(" UID {}: ", problem.uid);
    }
    return text + escape(problem.what, SIZE_MAX);
}

json::object json_of(const backfill::ArchiveProblem& problem) {
    return {
        {"account", escape(problem.account)},
        {"mailbox", escape(problem.mailbox)},
        {"uid", problem.uid},
        {"what", escape(problem.what, SIZE_MAX)},
    };
}

}  // namespace

Result<Exit> run(const ListArchive& action, Context& context) {
    SIDING_ASSIGN(const auto store, backfill::ArchiveStore::open(action.directory));
    Table table{{
        {"ACCOUNT", Align::left, 12},
        {"MAILBOX", Align::left, 12},
        {"UIDVALIDITY", Align::right},
        {"MESSAGES", Align::right},
        {"EXPUNGED SINCE", Align::right},
        {""},
    }};
    json::array rows;
    bool is_damaged = false;
    const auto tell = [&](const backfill::ArchiveIndex::Damage& damage) {
        is_damaged = true;
        fmt::print(context.terminal.err, "siding: {}\n", escape(damage.words(), SIZE_MAX));
    };
    std::ranges::for_each(store->damages(), tell);
    for (const backfill::ArchiveStore::Listed& listed : store->mailboxes()) {
        const backfill::ArchiveMailbox& mailbox = listed.mailbox;
        if (mailbox.account != action.account.value_or(mailbox.account)) {
            continue;
        }
        SIDING_ASSIGN(const auto messages, store->messages(mailbox.number));
        for (const backfill::ArchiveIndex::Damage& damage : messages.damages()) {
            tell(damage);
        }
        const std::uint64_t gone = messages.uids().both(messages.gone()).count();
        const std::uint64_t there = messages.uids().count() - gone;
        if (context.json) {
            rows.push_back(json::object{
                {"account", escape(mailbox.account)},
                {"mailbox", escape(mailbox.name)},
                {"uid_validity", escape(mailbox.uid_validity)},
                {"messages", there},
                {"expunged", gone},
                {"latest", listed.is_latest},
                {"gone", mailbox.is_gone},
            });
            continue;
        }
        table.add(
            {mailbox.account,
             mailbox.name,
             mailbox.uid_validity,
             human_count(there),
             human_count(gone),
             std::string{state_of(listed)}}
        );
    }
    if (context.json) {
        context.terminal.out << json::serialize(json::object{{"mailboxes", std::move(rows)}})
                             << "\n";
    } else {
        table.print(context.terminal);
    }
    return is_damaged ? Exit::no : Exit::done;
}

Result<Exit> run(const VerifyArchive& action, Context& context) {
    SIDING_ASSIGN(const auto store, backfill::ArchiveStore::open(action.directory));
    json::array problems;
    const Terminal& terminal = context.terminal;
    const auto on_problem = [&](const backfill::ArchiveProblem& problem) {
        if (!context.json) {
            fmt::print(terminal.out, "{}\n", text_of(problem));
        } else if (problems.size() < problems_kept_max) {
            problems.push_back(json_of(problem));
        }
    };
    const auto on_progress = [&](const backfill::ArchiveTally& tally) {
        if (terminal.watched && !context.json && tally.messages % progress_step == 0) {
            fmt::print(
                terminal.out,
                "\r{}, {}\x1b[K",
                counted(tally.messages, "message"),
                human_size(tally.octets)
            );
            terminal.out.flush();
        }
    };
    SIDING_ASSIGN(
        const backfill::ArchiveTally tally,
        backfill::verify_archive(*store, on_problem, on_progress)
    );
    if (context.json) {
        terminal.out << json::serialize(json::object{
                            {"mailboxes", tally.mailboxes},
                            {"entries", tally.entries},
                            {"messages", tally.messages},
                            {"octets", tally.octets},
                            {"packed_octets", tally.packed_octets},
                            {"problem_count", tally.problems},
                            {"problems", std::move(problems)},
                        })
                     << "\n";
    } else {
        fmt::print(
            terminal.out,
            "{}{} in {}; {} stored, {} of octets, {} on disk; {}\n",
            terminal.watched ? "\r\x1b[K" : "",
            counted(tally.entries, "message"),
            tally.mailboxes == 1 ? "1 mailbox" : human_count(tally.mailboxes) + " mailboxes",
            human_count(tally.messages),
            human_size(tally.octets),
            human_size(tally.packed_octets),
            tally.problems == 0 ? "every octet is right"
                                : human_count(tally.problems) + " not right, named above"
        );
    }
    return tally.problems == 0 ? Exit::done : Exit::no;
}

Result<Exit> run(const ExportArchive& action, Context& context) {
    SIDING_ASSIGN(const auto store, backfill::ArchiveStore::open(action.from));
    SIDING_ASSIGN(const ArchiveExported tally, export_archive(*store, action, context.terminal));
    if (tally.mailboxes == 0) {
        return Error{Errc::not_found, "the archive has no such account or mailbox"};
    }
    if (context.json) {
        context.terminal.out << json::serialize(json::object{
                                    {"mailboxes", tally.mailboxes},
                                    {"messages", tally.messages},
                                    {"octets", tally.octets},
                                    {"unreadable", tally.unreadable},
                                    {"format", format_name(action.format)},
                                    {"directory", escape(action.to.string(), SIZE_MAX)},
                                })
                             << "\n";
    } else {
        fmt::print(
            context.terminal.out,
            "wrote {} ({}) to {} as {}\n",
            counted(tally.messages, "message"),
            human_size(tally.octets),
            escape(action.to.string(), 1000),
            format_name(action.format)
        );
    }
    return tally.unreadable == 0 ? Exit::done : Exit::no;
}

}  // namespace siding::cli
