#include "backfill/manifest.hpp"

#include "backfill/limits.hpp"
#include "base/base64.hpp"
#include "base/bytes.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace manifest {

std::string check_of(std::string_view before, std::string_view text) {
    Sha256 hash;
    hash.update(before);
    hash.update("\n");
    hash.update(text);
    return to_hex(hash.finish()).substr(0, check_octets);
}

std::string to_field(std::string_view text, Percent percent) {
    const bool is_readable = is_utf8(text);
    std::string out;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        const bool is_plain = octet >= 0x20 && octet != 0x7f &&
                              (c != '%' || percent == Percent::as_it_is) &&
                              (octet < 0x80 || is_readable);
        if (is_plain) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", octet);
        }
    }
    return out;
}

std::string verdict_of(const CopyRecord& row) {
    switch (row.state) {
    case CopyState::intent:
        return "in doubt";
    case CopyState::copied:
        return row.verdict.empty() ? "not compared" : row.verdict;
    case CopyState::refused:
        return "refused";
    case CopyState::unreadable:
        return "unreadable at source";
    case CopyState::skipped:
        return "in another folder";
    case CopyState::deleted:
        return "deleted";
    }
    return "in doubt";
}

}  // namespace manifest

namespace {

std::string number_or_dash(std::uint64_t number) {
    return number == 0 ? "-" : std::to_string(number);
}

std::string text_or_dash(std::string_view text) {
    return text.empty() ? "-" : manifest::to_field(text);
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    return text;
}

}  // namespace

ManifestWriter::ManifestWriter(
    const Ledger& ledger, AccountRecord account, Head head, SigningKey key
)
    : ledger_{ledger}, account_{std::move(account)}, head_{std::move(head)}, key_{std::move(key)} {}

void ManifestWriter::Tally::add(const CopyRecord& row) {
    ++messages;
    octets += row.octets;
    gone += row.is_gone_at_source ? 1 : 0;
    ++verdicts[manifest::verdict_of(row)];
}

Result<void> ManifestWriter::survey() {
    SIDING_ASSIGN(mailboxes_, ledger_.mailboxes(account_.id));
    SIDING_ASSIGN(verification_, last_verification(ledger_, account_.id));
    for (const MailboxRecord& mailbox : mailboxes_) {
        for (std::uint64_t at = 1; at != 0;) {
            SIDING_ASSIGN(
                const LedgerPage page,
                ledger_.list(account_.id, mailbox, at, limits::ledger_page_rows)
            );
            at = page.next_uid;
            for (const CopyRecord& row : page.rows) {
                counted_.add(row);
            }
        }
    }
    return {};
}

// What whoever relies on it must know, in sentences.
std::vector<std::string> ManifestWriter::notes() const {
    std::vector<std::string> notes;
    if (!verification_) {
        notes.emplace_back(
            "No verification has been made: that a message is at the destination is the word of "
            "its server."
        );
        return notes;
    }
    const Verification& made = *verification_;
    if (made.pass < account_.pass) {
        notes.push_back(fmt::format(
            "Pass {} came after the last verification, which was made after pass {}: what has "
            "happened since has not been compared.",
            account_.pass,
            made.pass
        ));
    }
    if (made.is_sampled()) {
        notes.push_back(fmt::format(
            "The last verification read a random sample ({} of each mailbox, seed {}): {}.",
            made.sample,
            made.seed,
            made.statement()
        ));
        notes.emplace_back(
            "Of the messages that were not in the sample, number and size were compared; their "
            "verdict is that of an earlier verification, or 'not compared'."
        );
    }
    if (const auto uncopied = made.verdicts.find("not copied"); uncopied != made.verdicts.end()) {
        notes.push_back(fmt::format(
            "The verification found {} messages at the source that no pass had copied yet; they "
            "are not in this list.",
            uncopied->second
        ));
    }
    if (const std::uint64_t extra = made.extra_count(); extra > 0) {
        notes.push_back(fmt::format(
            "The verification found {} messages at the destination that Siding has not brought "
            "there (new mail, or there before); they are not in this list.",
            extra
        ));
    }
    return notes;
}

std::string ManifestWriter::header() const {
    std::string text{manifest::first_line};
    const auto add = [&text](std::string_view key, std::string_view value) {
        text +=
            fmt::format("\n{}: {}", key, manifest::to_field(value, manifest::Percent::as_it_is));
    };
    add("account", head_.account);
    add("source", head_.source);
    add("destination", head_.destination);
    add("made-at", format_time(head_.made_at));
    add("made-by", "siding " + head_.version);
    add("passes", std::to_string(account_.pass));
    add("last-pass-ended-at", format_time(account_.changed_at));
    if (verification_) {
        const Verification& made = *verification_;
        add("verified", made.is_sampled() ? "a sample of " + made.sample : "every message");
        add("verification-began-at", format_time(made.began_at));
        add("verification-ended-at", format_time(made.ended_at));
        add("verification-after-pass", std::to_string(made.pass));
    } else {
        add("verified", "never");
    }
    add("mailboxes", std::to_string(mailboxes_.size()));
    add("messages", std::to_string(counted_.messages));
    add("octets", std::to_string(counted_.octets));
    add("expunged-at-source-since", std::to_string(counted_.gone));
    for (const auto& [verdict, messages] : counted_.verdicts) {
        add(std::string{manifest::total_key} + verdict, std::to_string(messages));
    }
    for (const std::string& note : notes()) {
        add("note", note);
    }
    text += fmt::format("\n{}{}", manifest::key_key, key_.public_key().text());
    text += fmt::format(
        "\n{}{}",
        manifest::columns_key,
        "mailbox\tUIDVALIDITY\tUID\tdestination mailbox\tdestination UIDVALIDITY\tdestination UID\t"
        "SHA-256 of the source's octets\toctets\tINTERNALDATE\tverdict\tcompared in pass\tremark\t"
        "check"
    );
    return text + "\n";
}

std::string ManifestWriter::line(const MailboxRecord& mailbox, const CopyRecord& row) {
    const bool is_there = row.state == CopyState::copied && row.destination_uid != 0;
    std::string remark = row.is_gone_at_source ? "expunged at the source since" : "";
    if (!row.words.empty()) {
        remark += (remark.empty() ? "" : "; ") + row.words;
    }
    const std::string text = fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        manifest::to_field(mailbox.source),
        text_or_dash(mailbox.source_uid_validity),
        row.uid,
        manifest::to_field(mailbox.destination),
        text_or_dash(mailbox.destination_uid_validity),
        number_or_dash(is_there ? row.destination_uid : 0),
        text_or_dash(to_hex(row.digests.raw)),
        row.octets,
        text_or_dash(trimmed(row.internal_date)),
        manifest::to_field(manifest::verdict_of(row)),
        number_or_dash(row.verified_pass),
        text_or_dash(remark)
    );
    check_ = manifest::check_of(check_, text);
    return text + "\t" + check_ + "\n";
}

Result<std::optional<std::string>> ManifestWriter::next() {
    if (has_ended_) {
        return std::optional<std::string>{};
    }
    std::string piece;
    if (!has_begun_) {
        has_begun_ = true;
        piece = header();
        check_ = manifest::check_of("", piece);
        piece += fmt::format("{}{}\n", manifest::header_check_key, check_);
    }
    while (piece.empty() && mailbox_ < mailboxes_.size()) {
        SIDING_ASSIGN(piece, page());
    }
    if (!piece.empty()) {
        digest_.update(piece);
        return std::optional{std::move(piece)};
    }
    if (written_ != counted_) {
        return Error{
            Errc::conflict,
            "the account has changed while its manifest was written; make it again"};
    }
    has_ended_ = true;
    return std::optional{end()};
}

Result<std::string> ManifestWriter::page() {
    const MailboxRecord& mailbox = mailboxes_[mailbox_];
    SIDING_ASSIGN(
        const LedgerPage page, ledger_.list(account_.id, mailbox, uid_, limits::ledger_page_rows)
    );
    std::string lines;
    for (const CopyRecord& row : page.rows) {
        written_.add(row);
        lines += line(mailbox, row);
    }
    uid_ = page.next_uid == 0 ? 1 : page.next_uid;
    mailbox_ += page.next_uid == 0 ? 1 : 0;
    return lines;
}

std::string ManifestWriter::end() {
    const std::string last = fmt::format("{}{}\n", manifest::end_key, written_.messages);
    digest_.update(last);
    const std::string digest =
        fmt::format("{}{}\n", manifest::digest_key, to_hex(digest_.finish()));
    return fmt::format(
        "{}{}{}{}\n", last, digest, manifest::signature_key, to_base64(key_.sign(digest))
    );
}

}  // namespace siding::backfill
