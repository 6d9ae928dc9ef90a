#include "backfill/canary.hpp"

#include "backfill/flags.hpp"
#include "backfill/imap_ear.hpp"
#include "backfill/internal_date.hpp"
#include "backfill/match.hpp"
#include "backfill/message_reader.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <random>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

constexpr std::string_view folder_begin = "Siding canary ";
constexpr std::uint64_t storage_unit = 1024;  // RFC 9208 §5.1
// Neither today nor in the server's zone, so that a date that is lost shows.
constexpr std::string_view sent_date = "02-Feb-2021 03:04:05 +0130";
constexpr std::array<std::string_view, 3> sent_flags{"\\Flagged", "\\Seen", "$SidingCanary"};

std::string random_text() {
    std::random_device draw;
    return fmt::format("{:08x}", draw());
}

// What real mail has and servers stumble over: a dot alone, blanks at ends of lines, 8-bit text,
// folded fields, no empty line at the end.
std::string make_message(const std::string& name, WallTime now) {
    return fmt::format(
        "Received: from old.example (old.example [192.0.2.1])\r\n\tby new.example; {0}\r\n"
        "From: Siding <siding@localhost>\r\nTo: nobody@localhost\r\nSubject: {1}\r\n"
        "Date: {0}\r\nMessage-ID: <{2}@siding.invalid>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        "Status: RO\r\nX-Siding-Folded: one\r\n two\r\n\tthree\r\n\r\n"
        "Siding has put this here to see what becomes of a message, and takes it away again.\r\n"
        ".\r\n..\r\nFrom here on: Gr\xc3\xb6\xc3\x9f"
        "e, \xe2\x82\xac, a blank at the end \r\n\r\n",
        format_rfc5322_date(now),
        name,
        to_lower(name.substr(folder_begin.size()))
    );
}

std::string size_text(std::uint64_t octets) {
    constexpr std::uint64_t mebi = 1024 * 1024;
    return octets < mebi ? fmt::format("{} octets", octets)
                         : fmt::format("{} MiB", (octets + mebi / 2) / mebi);
}

bool has_flag(const std::vector<std::string>& flags, std::string_view flag) {
    return std::ranges::any_of(flags, [flag](const std::string& other) {
        return equals_ignoring_case(other, flag);
    });
}

}  // namespace

bool CanaryOutcome::is_go() const {
    return std::ranges::none_of(reasons, &Reason::is_blocking);
}

awaitable<Result<void>> Canary::run(ImapSession& destination) {
    SIDING_CO_TRY(co_await look(destination));
    SIDING_CO_ASSIGN(const bool made, co_await make_folder(destination));
    if (!made) {
        co_return Result<void>{};
    }
    SIDING_CO_ASSIGN(const bool appended, co_await append(destination));
    if (appended) {
        SIDING_CO_TRY(co_await read_back(destination));
    }
    co_return Result<void>{};
}

// What can be known without writing anything.
awaitable<Result<void>> Canary::look(ImapSession& destination) {
    const ImapCapabilities& offered = destination.capabilities();
    if (!offered.uid_plus()) {
        outcome_.note(
            "the destination has no UIDPLUS: what is copied is found again by reading it, which "
            "takes longer"
        );
    }
    if (!offered.multi_append() && !offered.literal_plus() && !offered.literal_minus()) {
        outcome_.note("the destination has neither MULTIAPPEND nor LITERAL+: copying takes longer");
    }
    auto looked = co_await look_at_quota(destination);
    co_return looked;
}

// RFC 9208 §4.1.2. INBOX stands for all: a root of its own for one folder is rare.
awaitable<Result<void>> Canary::look_at_quota(ImapSession& destination) {
    if (!destination.capabilities().quota()) {
        outcome_.note("the destination does not tell its quota (no QUOTA)");
        co_return Result<void>{};
    }
    std::vector<Quota::Resource> resources;
    {
        Ear ear{destination, [&resources](const ImapResponse& response) {
                    if (const auto found = quota(response)) {
                        resources.insert(
                            resources.end(), found->resources.begin(), found->resources.end()
                        );
                    }
                }};
        ImapCommand command{"GETQUOTAROOT"};
        command.mailbox("INBOX");
        SIDING_CO_ASSIGN(
            const ImapResponse answer, co_await destination.connection().run(std::move(command))
        );
        if (!answer.is_ok()) {
            outcome_.note("the destination does not tell its quota: " + escape(answer.text));
            co_return Result<void>{};
        }
    }
    for (const Quota::Resource& resource : resources) {
        const std::uint64_t left = resource.limit - std::min(resource.used, resource.limit);
        if (resource.name == "STORAGE") {
            const std::uint64_t octets =
                left > UINT64_MAX / storage_unit ? left : left * storage_unit;
            const std::string text = fmt::format(
                "quota: {} to come, room for {}",
                size_text(needs_.octets_to_come),
                size_text(octets)
            );
            outcome_.reasons.push_back({needs_.octets_to_come > octets, text});
        } else if (resource.name == "MESSAGE") {
            const std::string text = fmt::format(
                "quota: {} messages to come, room for {}", needs_.messages_to_come, left
            );
            outcome_.reasons.push_back({needs_.messages_to_come > left, text});
        }
    }
    co_return Result<void>{};
}

// RFC 7889 §3: of the server, or of a folder.
void Canary::look_at_limit(const ImapSession& destination, std::optional<std::uint64_t> of_folder) {
    const auto limit = of_folder ? of_folder : destination.capabilities().append_limit();
    if (!limit) {
        return;
    }
    if (!needs_.largest) {
        outcome_.note(fmt::format(
            "the destination takes messages of up to {}; `siding backfill assess` says whether "
            "there are larger ones",
            size_text(*limit)
        ));
    } else if (*needs_.largest > *limit) {
        outcome_.block(fmt::format(
            "the destination takes messages of up to {}, and the largest has {}",
            size_text(*limit),
            size_text(*needs_.largest)
        ));
    }
}

// False: there is none.
awaitable<Result<bool>> Canary::make_folder(ImapSession& destination) {
    std::vector<FolderState> states;
    SIDING_CO_ASSIGN(const FolderSide side, co_await destination.folders(states));
    const std::string prefix = needs_.prefix.value_or(side.prefix);
    const std::string begin = prefix + std::string{folder_begin};
    for (const FolderState& state : states) {
        if (state.folder.name.starts_with(begin)) {
            outcome_.left_behind.push_back(state.folder.name);
        }
    }
    outcome_.folder = begin + random_text();
    message_ = make_message(outcome_.folder.substr(prefix.size()), needs_.now);
    log.info(
        "canary_folder",
        {{"server", destination.connection().name()}, {"folder", escape(outcome_.folder)}}
    );
    is_made_ = true;  // even where the answer is lost
    ImapCommand command{"CREATE"};
    destination.add_mailbox(command, outcome_.folder);
    SIDING_CO_ASSIGN(
        ImapResponse answer, co_await destination.connection().run(std::move(command))
    );
    const auto created = destination.check(std::move(answer), ImapStage::create);
    if (!created) {
        is_made_ = false;
        outcome_.block("a folder cannot be made: " + created.error().context);
        outcome_.folder.clear();
        co_return false;
    }
    std::optional<std::uint64_t> limit;
    if (destination.capabilities().has("APPENDLIMIT")) {
        Ear ear{destination, [&limit](const ImapResponse& response) {
                    if (const auto status = status_item(response)) {
                        limit = status->append_limit;
                    }
                }};
        ImapCommand ask{"STATUS"};
        destination.add_mailbox(ask, outcome_.folder);
        ask.raw("(APPENDLIMIT)");
        SIDING_CO_TRY(co_await destination.connection().run(std::move(ask)));
    }
    look_at_limit(destination, limit);
    co_return true;
}

// False: the server does not take it.
awaitable<Result<bool>> Canary::append(ImapSession& destination) {
    const auto opened = co_await destination.select(outcome_.folder);
    if (!opened) {
        if (destination.is_over()) {
            co_return opened.error();
        }
        outcome_.block("the folder that was made cannot be opened: " + opened.error().context);
        co_return false;
    }
    const auto& named = destination.mailbox()->permanent_flags;
    const PermanentFlags permanent = named ? PermanentFlags{*named} : PermanentFlags{};
    if (!permanent.takes_new_keywords()) {
        outcome_.note("the destination keeps no new keywords: those of the source are left out");
    }
    const std::vector<std::string> wanted{sent_flags.begin(), sent_flags.end()};
    const std::vector<std::string> fit = fit_flags(wanted, permanent).flags;
    ImapCommand command{"APPEND"};
    destination.add_mailbox(command, outcome_.folder);
    command.flags(fit).raw(fmt::format("\"{}\"", sent_date)).string(message_);
    SIDING_CO_ASSIGN(
        ImapResponse answer, co_await destination.connection().run(std::move(command))
    );
    const auto appended = destination.check(std::move(answer), ImapStage::append);
    if (!appended) {
        outcome_.block("a message is not taken: " + appended.error().context);
        co_return false;
    }
    co_return true;
}

awaitable<Result<void>> Canary::read_back(ImapSession& destination) {
    // Courier shows what was appended only to who opens the mailbox anew.
    SIDING_CO_TRY(co_await destination.select(outcome_.folder));
    SIDING_CO_ASSIGN(const ImapSet uids, co_await destination.uids(1));
    MessageReader::Needs needs{needs_.blocking, needs_.spool};
    MessageReader reader{destination, std::move(needs), uids};
    SIDING_CO_ASSIGN(const auto message, co_await reader.next());
    if (!message || uids.count() != 1) {
        outcome_.block(
            fmt::format("one message was put there, and {} came back", message ? uids.count() : 0)
        );
        co_return Result<void>{};
    }
    MessageDigester digester;
    digester.update(message_);
    switch (compare(digester.finish(), message->digests)) {
    case Likeness::exact:
        break;
    case Likeness::exact_but_line_ends:
        outcome_.note("the destination changes line ends");
        break;
    case Likeness::headers_rewritten:
        outcome_.block("the destination changes header fields: verify will say so of every message"
        );
        break;
    case Likeness::body_rewritten:
    case Likeness::different:
        outcome_.block("the destination changes the text of messages");
        break;
    }
    const auto was = parse_internal_date(sent_date);
    const auto is = parse_internal_date(message->internal_date);
    if (!is || is->time != was->time) {
        outcome_.block(fmt::format(
            "the destination does not keep the date of a message: {} has become {}",
            sent_date,
            escape(message->internal_date)
        ));
    }
    for (const std::string_view flag : sent_flags) {
        const bool is_keyword = flag.front() != '\\';
        if (!has_flag(message->flags, flag) && !is_keyword) {
            outcome_.note(
                fmt::format("the destination loses the flag {} of a new message", flag.substr(1))
            );
        }
    }
    co_return Result<void>{};
}

awaitable<void> Canary::remove(ImapSession& destination) {
    if (!is_made_) {
        co_return;
    }
    const auto removed = co_await try_remove(destination);
    if (removed) {
        is_made_ = false;
        co_return;
    }
    outcome_.left_behind.push_back(outcome_.folder);
    outcome_.block("the folder of the canary is left there: " + removed.error().context);
}

// What somebody else has put there meanwhile stays, and so does the folder then.
awaitable<Result<void>> Canary::try_remove(ImapSession& destination) {
    const auto opened = co_await destination.select(outcome_.folder);
    if (!opened) {
        const bool was_never_made = destination.trouble() == Trouble::no_such_mailbox;
        if (was_never_made && !destination.is_over()) {
            co_return Result<void>{};  // the connection was lost before
        }
        co_return opened.error();
    }
    SIDING_CO_ASSIGN(const ImapSet uids, co_await destination.uids(1));
    if (uids.count() > 1) {
        co_return Error{Errc::conflict, "somebody else has put messages into it"};
    }
    // Without UIDPLUS nothing can say which message is meant but the folder, which goes as a whole.
    if (uids.count() == 1 && destination.capabilities().uid_plus()) {
        ImapCommand mark{"UID STORE"};
        mark.set(uids).raw("+FLAGS.SILENT (\\Deleted)");
        SIDING_CO_TRY(co_await destination.run(std::move(mark), ImapStage::store));
        ImapCommand expunge{"UID EXPUNGE"};
        expunge.set(uids);
        SIDING_CO_TRY(co_await destination.run(std::move(expunge), ImapStage::store));
    }
    // Many do not delete a folder that is open.
    ImapCommand leave{destination.capabilities().unselect() ? "UNSELECT" : "CLOSE"};
    SIDING_CO_TRY(co_await destination.run(std::move(leave), ImapStage::other));
    ImapCommand command{"DELETE"};
    destination.add_mailbox(command, outcome_.folder);
    SIDING_CO_TRY(co_await destination.run(std::move(command), ImapStage::other));
    if (destination.kind() == ServerKind::gmail) {
        outcome_.note(
            "what is removed from a folder stays in [Gmail]/All Mail: the message with the "
            "subject " +
            outcome_.folder + " is to be deleted there by hand"
        );
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
