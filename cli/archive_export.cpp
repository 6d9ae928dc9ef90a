#include "cli/archive_export.hpp"

#include "backfill/internal_date.hpp"
#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"
#include "cli/mailbox_writer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/ostream.h>
#include <utility>

namespace siding::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// One name of a file: no slash, no control character, no dot in front, and nothing that another
// text becomes too.
std::string file_name(std::string_view text) {
    std::string name;
    for (const char octet : text) {
        const bool is_special = octet == '/' || octet == '%' || octet == 0x7f ||
                                static_cast<unsigned char>(octet) < ' ' ||
                                (octet == '.' && name.empty());
        name += is_special ? fmt::format("%{:02X}", static_cast<unsigned char>(octet))
                           : std::string(1, octet);
    }
    return name.empty() ? "%" : name;
}

std::vector<std::string> levels_of(const backfill::ArchiveMailbox& mailbox) {
    std::string_view rest = mailbox.name;
    if (!mailbox.prefix.empty() && rest.starts_with(mailbox.prefix)) {
        rest.remove_prefix(mailbox.prefix.size());
    }
    std::vector<std::string> levels;
    for (;;) {
        const auto end =
            mailbox.separator == '\0' ? std::string_view::npos : rest.find(mailbox.separator);
        levels.emplace_back(rest.substr(0, end));
        if (end == std::string_view::npos) {
            return levels;
        }
        rest.remove_prefix(end + 1);
    }
}

// https://www.courier-mta.org/imap/README.maildirquota.html: ".A.B" below the INBOX.
std::string maildir_name(const backfill::ArchiveMailbox& mailbox) {
    if (equals_ignoring_case(mailbox.name, "INBOX")) {
        return "";
    }
    std::string name;
    for (const std::string& level : levels_of(mailbox)) {
        name += ".";
        for (const char octet : backfill::to_mutf7(level)) {
            const bool is_special = octet == '.' || octet == '/' || octet == '%';
            name += is_special ? fmt::format("%{:02X}", static_cast<unsigned char>(octet))
                               : std::string(1, octet);
        }
    }
    return name;
}

// https://cr.yp.to/proto/maildir.html: letters in the order of ASCII.
std::string maildir_flags(const std::vector<std::string>& flags) {
    static constexpr std::pair<std::string_view, char> letters[] = {
        {"\\draft", 'D'},
        {"\\flagged", 'F'},
        {"$forwarded", 'P'},
        {"\\answered", 'R'},
        {"\\seen", 'S'},
        {"\\deleted", 'T'},
    };
    std::string text;
    for (const auto& [flag, letter] : letters) {
        const bool has = std::ranges::any_of(flags, [flag = flag](const std::string& each) {
            return equals_ignoring_case(each, flag);
        });
        text += has ? std::string(1, letter) : "";
    }
    return text;
}

std::string document_of(
    const backfill::ArchiveMailbox& mailbox, const backfill::ArchiveEntry& entry
) {
    json::array flags;
    for (const std::string& flag : entry.flags) {
        const bool is_plain = std::ranges::all_of(flag, [](char c) { return c > ' ' && c < 0x7f; });
        flags.emplace_back(is_plain ? flag : escape(flag));
    }
    return json::serialize(json::object{
        {"account", escape(mailbox.account, SIZE_MAX)},
        {"mailbox", escape(mailbox.name, SIZE_MAX)},
        {"uid_validity", escape(mailbox.uid_validity)},
        {"uid", entry.uid},
        {"internal_date", escape(entry.internal_date)},
        {"flags", std::move(flags)},
        {"octets", entry.octets},
        {"sha256", to_hex(entry.sha256)},
        {"taken_at", format_time(entry.taken_at)},
    });
}

class MailboxExport {
public:
    MailboxExport(
        const backfill::ArchiveStore& store,
        const backfill::ArchiveMailbox& mailbox,
        MailboxWriter& writer,
        const Terminal& terminal,
        ArchiveExported& tally
    )
        : store_{store}, mailbox_{mailbox}, writer_{writer}, terminal_{terminal}, tally_{tally} {}

    Result<void> run() {
        SIDING_ASSIGN(const auto messages, store_.messages(mailbox_.number));
        for (const backfill::ArchiveIndex::Damage& damage : messages.damages()) {
            ++tally_.unreadable;
            fmt::print(
                terminal_.err,
                "siding: {} {}: {}\n",
                escape(mailbox_.account),
                escape(mailbox_.name),
                escape(damage.words(), SIZE_MAX)
            );
        }
        const backfill::ImapSet uids = messages.uids().minus(messages.gone());
        for (const backfill::ImapSet::Range& range : uids.ranges()) {
            for (std::uint64_t uid = range.first; uid <= range.last; ++uid) {
                auto written = add(messages, uid);
                if (!written && written.error().is(Errc::corrupt)) {
                    tell(uid, written.error());
                    continue;
                }
                SIDING_TRY(std::move(written));
            }
        }
        for (const backfill::ImapSet::Range& range : messages.lost().ranges()) {
            for (std::uint64_t uid = range.first; uid <= range.last; ++uid) {
                tell(uid, Error{Errc::corrupt, "its octets are not known any more"});
            }
        }
        ++tally_.mailboxes;
        return writer_.finish();
    }

private:
    void tell(std::uint64_t uid, const Error& error) {
        ++tally_.unreadable;
        fmt::print(
            terminal_.err,
            "siding: {} {} UID {} is left out: {}\n",
            escape(mailbox_.account),
            escape(mailbox_.name),
            uid,
            escape(error.context, SIZE_MAX)
        );
    }

    Result<void> add(const backfill::ArchivedMessages& messages, std::uint64_t uid) {
        SIDING_ASSIGN(const backfill::ArchiveEntry entry, messages.entry(uid));
        const auto date = backfill::parse_internal_date(entry.internal_date);
        ExportedMessage exported;
        exported.received_at = date ? date->time : entry.taken_at;
        exported.envelope_document = document_of(mailbox_, entry);
        exported.name = fmt::format("{}.{}", mailbox_.uid_validity, uid);
        exported.maildir_flags = maildir_flags(entry.flags);
        SIDING_TRY(writer_.add(exported, [&](const MailboxWriter::Sink& sink) {
            return store_.read(entry.sha256, sink);
        }));
        ++tally_.messages;
        tally_.octets += entry.octets;
        return {};
    }

    const backfill::ArchiveStore& store_;
    const backfill::ArchiveMailbox& mailbox_;
    MailboxWriter& writer_;
    const Terminal& terminal_;
    ArchiveExported& tally_;
};

}  // namespace

Result<ArchiveExported> export_archive(
    const backfill::ArchiveStore& store, const ExportArchive& action, const Terminal& terminal
) {
    ArchiveExported tally;
    for (const backfill::ArchiveIndex::Damage& damage : store.damages()) {
        ++tally.unreadable;
        fmt::print(terminal.err, "siding: {}\n", escape(damage.words(), SIZE_MAX));
    }
    for (const backfill::ArchiveStore::Listed& listed : store.mailboxes()) {
        const backfill::ArchiveMailbox& mailbox = listed.mailbox;
        const bool is_wanted = listed.is_latest && !mailbox.is_gone &&
                               mailbox.account == action.account.value_or(mailbox.account) &&
                               mailbox.name == action.mailbox.value_or(mailbox.name);
        if (!is_wanted) {
            continue;
        }
        const bool is_maildir = action.format == MailboxFormat::maildir;
        const fs::path directory = action.to / file_name(mailbox.account) /
                                   (is_maildir ? maildir_name(mailbox) : file_name(mailbox.name));
        SIDING_ASSIGN(const auto writer, MailboxWriter::create(action.format, directory));
        SIDING_TRY(MailboxExport{store, mailbox, *writer, terminal, tally}.run());
    }
    return tally;
}

}  // namespace siding::cli
