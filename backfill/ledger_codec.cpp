#include "backfill/ledger_codec.hpp"

#include "backfill/ledger_records.pb.h"
#include "base/bytes.hpp"
#include "queue/frame.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::uint32_t state_count = static_cast<std::uint32_t>(CopyState::deleted) + 1;

template <typename Message>
Result<Message> parse(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const std::string_view payload, queue::unseal(stored, name));
    Message message;
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return queue::make_corrupt(name, "not a protobuf of its kind");
    }
    return message;
}

template <typename Message>
std::string seal(const Message& message) {
    std::string out(queue::frame_octets, '\0');
    message.AppendToString(&out);
    const auto head = queue::make_frame_head(std::string_view{out}.substr(queue::frame_octets));
    std::ranges::copy(head, out.begin());
    return out;
}

WallTime from_millis(std::int64_t millis) {
    return WallTime{std::chrono::milliseconds{millis}};
}

}  // namespace

std::string encode(const CopyRecord& row) {
    pb::CopyRecord out;
    out.set_state(static_cast<std::uint32_t>(row.state) + 1);
    out.set_raw(row.digests.raw);
    out.set_canonical(row.digests.canonical);
    out.set_header(row.digests.header);
    out.set_body(row.digests.body);
    out.set_octets(row.octets);
    out.set_internal_date(row.internal_date);
    out.mutable_flags()->Assign(row.flags.begin(), row.flags.end());
    out.set_destination_uid(row.destination_uid);
    out.set_pass(row.pass);
    out.set_gone_at_source(row.is_gone_at_source);
    out.set_words(row.words);
    out.set_verified_pass(row.verified_pass);
    out.set_verdict(row.verdict);
    out.set_subject(row.subject);
    out.set_email_id(row.email_id);
    out.set_repaired_raw(row.repaired.raw);
    out.set_repaired_canonical(row.repaired.canonical);
    out.set_repaired_header(row.repaired.header);
    out.set_repaired_body(row.repaired.body);
    out.set_may_help(row.may_help);
    out.set_archived(row.is_archived);
    return seal(out);
}

Result<CopyRecord> decode_row(std::string_view stored, std::uint64_t uid, std::string_view name) {
    SIDING_ASSIGN(pb::CopyRecord in, parse<pb::CopyRecord>(stored, name));
    if (in.state() == 0 || in.state() > state_count) {
        return queue::make_corrupt(name, "its state is none");
    }
    CopyRecord row;
    row.uid = uid;
    row.state = static_cast<CopyState>(in.state() - 1);
    row.digests = {
        std::move(*in.mutable_raw()),
        std::move(*in.mutable_canonical()),
        std::move(*in.mutable_header()),
        std::move(*in.mutable_body())};
    row.octets = in.octets();
    row.internal_date = std::move(*in.mutable_internal_date());
    row.flags = {in.flags().begin(), in.flags().end()};
    row.destination_uid = in.destination_uid();
    row.pass = in.pass();
    row.is_gone_at_source = in.gone_at_source();
    row.words = std::move(*in.mutable_words());
    row.verified_pass = in.verified_pass();
    row.verdict = std::move(*in.mutable_verdict());
    row.subject = std::move(*in.mutable_subject());
    row.email_id = std::move(*in.mutable_email_id());
    row.repaired = {
        std::move(*in.mutable_repaired_raw()),
        std::move(*in.mutable_repaired_canonical()),
        std::move(*in.mutable_repaired_header()),
        std::move(*in.mutable_repaired_body())};
    row.may_help = std::move(*in.mutable_may_help());
    row.is_archived = in.archived();
    return row;
}

std::string encode(const MailboxRecord& mailbox) {
    pb::MailboxRecord out;
    out.set_source(mailbox.source);
    out.set_destination(mailbox.destination);
    out.set_source_uid_validity(mailbox.source_uid_validity);
    out.set_destination_uid_validity(mailbox.destination_uid_validity);
    out.set_uid_next(mailbox.uid_next);
    out.set_modseq(mailbox.modseq);
    out.set_messages(mailbox.messages);
    out.set_copied_below(mailbox.copied_below);
    out.set_pass(mailbox.pass);
    out.set_finished_at_ms(mailbox.finished_at.time_since_epoch().count());
    return seal(out);
}

Result<MailboxRecord> decode_mailbox(std::string_view stored, MailboxId id, std::string_view name) {
    SIDING_ASSIGN(const pb::MailboxRecord in, parse<pb::MailboxRecord>(stored, name));
    MailboxRecord mailbox;
    mailbox.id = id;
    mailbox.source = in.source();
    mailbox.destination = in.destination();
    mailbox.source_uid_validity = in.source_uid_validity();
    mailbox.destination_uid_validity = in.destination_uid_validity();
    mailbox.uid_next = in.uid_next();
    mailbox.modseq = in.modseq();
    mailbox.messages = in.messages();
    mailbox.copied_below = in.copied_below();
    mailbox.pass = in.pass();
    mailbox.finished_at = from_millis(in.finished_at_ms());
    return mailbox;
}

std::string encode(const AccountRecord& account) {
    pb::AccountRecord out;
    out.set_name(account.name);
    out.set_pass(account.pass);
    out.set_phase(account.phase);
    out.set_words(account.words);
    out.set_changed_at_ms(account.changed_at.time_since_epoch().count());
    return seal(out);
}

Result<AccountRecord> decode_account(std::string_view stored, AccountId id, std::string_view name) {
    SIDING_ASSIGN(const pb::AccountRecord in, parse<pb::AccountRecord>(stored, name));
    AccountRecord account;
    account.id = id;
    account.name = in.name();
    account.pass = in.pass();
    account.phase = in.phase();
    account.words = in.words();
    account.changed_at = from_millis(in.changed_at_ms());
    return account;
}

std::string encode(const MailboxTotals& totals) {
    pb::MailboxTotals out;
    for (std::uint32_t i = 0; i < state_count; ++i) {
        const auto found = totals.messages.find(static_cast<CopyState>(i));
        out.add_by_state(found == totals.messages.end() ? 0 : found->second);
    }
    out.set_copied_octets(totals.copied_octets);
    return seal(out);
}

Result<MailboxTotals> decode_totals(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const pb::MailboxTotals in, parse<pb::MailboxTotals>(stored, name));
    MailboxTotals totals;
    for (int i = 0; i < in.by_state_size(); ++i) {
        if (in.by_state(i) != 0) {
            totals.messages[static_cast<CopyState>(i)] = in.by_state(i);
        }
    }
    totals.copied_octets = in.copied_octets();
    return totals;
}

std::string encode_id(std::uint32_t id) {
    return queue::seal(std::to_string(id));
}

Result<std::uint32_t> decode_id(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const std::string_view text, queue::unseal(stored, name));
    std::uint32_t id = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failure != std::errc{} || end != text.data() + text.size() || id == 0) {
        return queue::make_corrupt(name, "not an id");
    }
    return id;
}

std::string encode_value(std::string_view text) {
    return queue::seal(text);
}

Result<std::string> decode_value(std::string_view stored, std::string_view key) {
    const std::string name = fmt::format("of value \"{}\"", escape(key));
    SIDING_ASSIGN(const std::string_view text, queue::unseal(stored, name));
    return std::string{text};
}

}  // namespace siding::backfill
