#include "queue/record.hpp"

#include "queue/frame.hpp"
#include "tests/support/queue_workload.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace siding::queue {
namespace {

const std::string octets("\0\x01\xff\xc3(", 5);  // not UTF-8, and with a NUL
const RecipientId some_id{MessageId{0x0102030405060708}, 9};

TEST(Record, FrameFindsEveryFlippedBitAndEveryCut) {
    const std::string sealed = seal("some octets");
    EXPECT_EQ(unseal(sealed, "x").value(), "some octets");
    EXPECT_EQ(unseal(seal(""), "x").value(), "");
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string flipped = sealed;
            flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
            const auto payload = unseal(flipped, "the-name");
            ASSERT_FALSE(payload) << i;
            EXPECT_TRUE(payload.error().is(Errc::corrupt));
            EXPECT_NE(payload.error().context.find("the-name"), std::string::npos);
        }
        EXPECT_FALSE(unseal(std::string_view{sealed}.substr(0, i), "x"));
    }
}

TEST(Record, EnvelopeComesBack) {
    Envelope envelope = test::make_message(
                            MessageId{77},
                            octets,
                            {{octets + "@example.com", {}, "pilot"}, {"b@example.org", {}}},
                            "body"
    )
                            .envelope;
    envelope.helo = octets;
    envelope.trace_header = octets;
    envelope.message_id_header = octets;
    envelope.mail_parameters = {octets, ""};
    envelope.body.chunks = 12;
    envelope.body.binary = true;
    envelope.recipients[0].original = octets;
    envelope.recipients[0].copy = true;
    envelope.client_name = octets;
    envelope.proxy_address = "2001:db8::2";
    envelope.tls_peer = "fingerprint";
    envelope.tags = {octets, "spam"};
    envelope.spam_score = -1.25;
    const auto back = decode_envelope(encode(envelope), "x");
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->id, envelope.id);
    EXPECT_EQ(back->received_at, envelope.received_at);
    EXPECT_EQ(back->reverse_path, octets);
    EXPECT_EQ(back->mail_parameters, envelope.mail_parameters);
    ASSERT_EQ(back->recipients.size(), 2U);
    EXPECT_EQ(back->recipients[0].address, octets + "@example.com");
    EXPECT_EQ(back->recipients[0].parameters, envelope.recipients[0].parameters);
    EXPECT_EQ(back->recipients[0].domain, envelope.recipients[0].domain);
    EXPECT_EQ(back->recipients[0].wave, "pilot");
    EXPECT_EQ(back->client_address, "192.0.2.1");
    EXPECT_EQ(back->helo, octets);
    EXPECT_EQ(back->trace_header, octets);
    EXPECT_EQ(back->message_id_header, octets);
    EXPECT_EQ(back->body.size_octets, 4U);
    EXPECT_EQ(back->body.sha256, sha256("body"));
    EXPECT_EQ(back->body.chunks, 12U);
    EXPECT_EQ(back->body.bare_newlines, 3U);
    EXPECT_TRUE(back->body.declared_8bit);
    EXPECT_TRUE(back->body.binary);
    EXPECT_EQ(back->recipients[0].original, octets);
    EXPECT_EQ(back->recipients[1].original, "");
    EXPECT_TRUE(back->recipients[0].copy);
    EXPECT_FALSE(back->recipients[1].copy);
    EXPECT_EQ(back->client_name, octets);
    EXPECT_EQ(back->proxy_address, "2001:db8::2");
    EXPECT_EQ(back->listener, envelope.listener);
    EXPECT_EQ(back->tls, envelope.tls);
    EXPECT_EQ(back->tls_peer, "fingerprint");
    EXPECT_EQ(back->tags, envelope.tags);
    EXPECT_EQ(back->spam_score, -1.25);
}

TEST(Record, ScoreOfAnySizeIsStoredOrZero) {
    const auto stored = [](double score) {
        Envelope envelope;
        envelope.spam_score = score;
        return decode_envelope(encode(envelope), "x").value().spam_score;
    };
    EXPECT_EQ(stored(0), 0.0);
    EXPECT_EQ(stored(15.0004), 15.0);
    EXPECT_EQ(stored(1e300), 1e9);
    EXPECT_EQ(stored(-1e300), -1e9);
    EXPECT_EQ(stored(std::nan("")), 0.0);
    EXPECT_EQ(decode_envelope(encode(Envelope{}), "x").value().spam_score, std::nullopt);
}

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        out.push_back(static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
    }
    return out;
}

// Payloads of version 0.1: what a queue on disk holds while the program is replaced.
TEST(Record, ReadsWhatTheFirstVersionWrote) {
    // id 1, received_at_ms 2, reverse_path "a", recipient "b@example.com" in example.com/default,
    // client_address "c", size_octets 3, chunks 1.
    const auto envelope = decode_envelope(
        seal(from_hex(
            "0901000000000000001002"
            "1a0161"
            "2a250a0d62406578616d706c652e636f6d1a0b6578616d706c652e636f6d220764656661756c74"
            "320163"
            "5003"
            "6001"
        )),
        "x"
    );
    ASSERT_TRUE(envelope) << envelope.error().message();
    EXPECT_EQ(envelope->reverse_path, "a");
    EXPECT_EQ(envelope->recipients.at(0).address, "b@example.com");
    EXPECT_EQ(envelope->recipients.at(0).original, "");
    EXPECT_EQ(envelope->body.size_octets, 3U);
    EXPECT_EQ(envelope->client_name, "");
    EXPECT_TRUE(envelope->tags.empty());
    EXPECT_FALSE(envelope->spam_score);

    // state held, example.com/default, address "b".
    const auto row = decode_recipient(
        seal(from_hex("0801120b6578616d706c652e636f6d1a0764656661756c74220162")), some_id
    );
    ASSERT_TRUE(row) << row.error().message();
    EXPECT_EQ(row->recipient.address, "b");
    EXPECT_TRUE(row->recipient.tags.empty());

    // kind delivered, address "b".
    const std::string line = seal(from_hex("1003620162"));
    const Digest chain = chain_of(ledger_genesis(), line);
    const Digest genesis = ledger_genesis();
    std::string stored = line;
    stored += chain;
    const auto entry = decode_ledger(stored, 1, &genesis);
    ASSERT_TRUE(entry) << entry.error().message();
    EXPECT_EQ(entry->kind, LedgerKind::delivered);
    EXPECT_EQ(entry->address, "b");
    EXPECT_EQ(entry->count, 0U);
    EXPECT_EQ(entry->reason, "");
}

TEST(Record, RecipientComesBackInEveryState) {
    for (const State state : all_states) {
        const RecipientRow row{
            Recipient{
                .id = some_id,
                .state = state,
                .domain = test::domain_of("example.com"),
                .wave = "pilot",
                .address = octets,
                .sender = octets,
                .size_octets = UINT64_MAX,
                .lane = "new",
                .pinned_server = "old",
                .due_at = test::test_epoch,
                .attempts = 7,
                .last_attempt_at = test::test_epoch + std::chrono::milliseconds{1},
                .last_reply = octets,
                .maybe_delivered = true,
                .release_id = 42,
                .kept = true,
                .tags = {"spam", octets},
                .copy = true,
                .cause = "mailbox_full",
                .ended_at = test::test_epoch,
            },
            3,
            5,
        };
        const auto back = decode_recipient(encode(row), some_id);
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(encode(*back), encode(row));
        EXPECT_EQ(back->recipient.id, some_id);
        EXPECT_EQ(back->recipient.state, state);
        EXPECT_EQ(back->recipient.address, octets);
        EXPECT_EQ(back->recipient.size_octets, UINT64_MAX);
        EXPECT_EQ(back->recipient.due_at, test::test_epoch);
        EXPECT_EQ(back->recipient.pinned_server, "old");
        EXPECT_EQ(back->recipient.release_id, 42U);
        EXPECT_TRUE(back->recipient.maybe_delivered);
        EXPECT_TRUE(back->recipient.kept);
        EXPECT_EQ(back->recipient.tags, row.recipient.tags);
        EXPECT_TRUE(back->recipient.copy);
        EXPECT_EQ(back->recipient.cause, "mailbox_full");
        EXPECT_EQ(back->recipient.ended_at, test::test_epoch);
        EXPECT_EQ(back->siblings, 3U);
        EXPECT_EQ(back->chunks, 5U);
    }
}

TEST(Record, NamesTheRecipientThatIsUnreadable) {
    const auto row = decode_recipient(seal("\xff\xff"), some_id);
    ASSERT_FALSE(row);
    EXPECT_TRUE(row.error().is(Errc::corrupt));
    EXPECT_NE(row.error().context.find(some_id.text()), std::string::npos);
    // A protobuf, but of nothing: state 0 is none of ours.
    EXPECT_TRUE(decode_recipient(seal(""), some_id).error().is(Errc::corrupt));
}

TEST(Record, CountsAndTailComeBack) {
    StateCounts counts;
    for (const State state : all_states) {
        counts.of(state) = static_cast<std::uint64_t>(state) + 100;
    }
    counts.held_octets = UINT64_MAX;
    counts.kept = 7;
    counts.retained = 8;
    counts.retained_octets = 9;
    counts.replayed = 10;
    EXPECT_EQ(decode_counts(encode(counts), "x").value(), counts);
    EXPECT_FALSE(decode_counts(seal(""), "x"));

    const Tail tail{1, MessageId{2}, 3, sha256("4"), 5, 6, {7, 8}};
    const Tail back = decode_tail(encode(tail)).value();
    EXPECT_EQ(back.commit_sequence, 1U);
    EXPECT_EQ(back.last_id, MessageId{2});
    EXPECT_EQ(back.ledger_sequence, 3U);
    EXPECT_EQ(back.ledger_chain, sha256("4"));
    EXPECT_EQ(back.epoch, 5U);
    EXPECT_EQ(back.last_release, 6U);
    EXPECT_EQ(back.retained, tail.retained);
}

LedgerEntry full_line() {
    LedgerEntry line;
    line.at = test::test_epoch;
    line.kind = LedgerKind::started;
    line.recipient = some_id;
    line.recipients = {
        {octets, "example.com", "default"}, {"b", "example.org", "pilot", octets, true}};
    line.sender = octets;
    line.client_address = "2001:db8::1";
    line.proxy_address = "192.0.2.9";
    line.message_id_header = octets;
    line.size_octets = 1;
    line.sha256 = sha256("x");
    line.bare_newlines = 2;
    line.address = octets;
    line.server = "new";
    line.peer = "192.0.2.1:25";
    line.reply = octets;
    line.who = "uid:0 root";
    line.from_state = "held";
    line.to_state = "due";
    line.epoch = 3;
    line.quarantined_key = octets;
    line.tls = octets;
    line.tags = {octets, "spam"};
    line.reason = octets;
    line.count = 7;
    line.cause = octets;
    line.sent_as = octets;
    line.copy_from = "old";
    line.copy_to = "new";
    line.undoes = 2;
    return line;
}

TEST(Record, LedgerLineComesBackAndChains) {
    LedgerEntry first = full_line();
    const std::string stored = encode_ledger(first, ledger_genesis());
    EXPECT_EQ(first.chain, chain_of(ledger_genesis(), stored.substr(0, stored.size() - 32)));
    LedgerEntry second = full_line();
    const std::string next = encode_ledger(second, first.chain);
    EXPECT_NE(second.chain, first.chain);

    const Digest genesis = ledger_genesis();
    const auto back = decode_ledger(stored, 1, &genesis);
    ASSERT_TRUE(back) << back.error().message();
    LedgerEntry again = *back;
    EXPECT_EQ(encode_ledger(again, genesis), stored);
    EXPECT_EQ(back->sequence, 1U);
    EXPECT_EQ(back->kind, LedgerKind::started);
    EXPECT_EQ(back->recipient, some_id);
    EXPECT_EQ(back->recipients.at(0).address, octets);
    EXPECT_EQ(back->quarantined_key, octets);
    EXPECT_EQ(back->recipients.at(1).original, octets);
    EXPECT_EQ(back->tls, octets);
    EXPECT_EQ(back->tags.at(1), "spam");
    EXPECT_EQ(back->reason, octets);
    EXPECT_EQ(back->count, 7U);
    EXPECT_TRUE(back->recipients.at(1).copy);
    EXPECT_FALSE(back->recipients.at(0).copy);
    EXPECT_EQ(back->cause, octets);
    EXPECT_EQ(back->sent_as, octets);
    EXPECT_EQ(back->copy_from, "old");
    EXPECT_EQ(back->copy_to, "new");
    EXPECT_EQ(back->undoes, 2U);
    EXPECT_TRUE(decode_ledger(next, 2, &first.chain));
    EXPECT_TRUE(decode_ledger(next, 2, &genesis).error().is(Errc::corrupt)) << "a line is missing";
    EXPECT_TRUE(decode_ledger(next, 2, nullptr));
}

TEST(Record, LedgerLineShowsEveryFlippedBit) {
    LedgerEntry line = full_line();
    const Digest genesis = ledger_genesis();
    const std::string stored = encode_ledger(line, genesis);
    for (std::size_t i = 0; i < stored.size(); ++i) {
        std::string flipped = stored;
        flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
        EXPECT_TRUE(decode_ledger(flipped, 1, &genesis).error().is(Errc::corrupt)) << i;
        EXPECT_FALSE(decode_ledger(stored.substr(0, i), 1, &genesis)) << i;
    }
}

TEST(Record, LedgerKindsHaveDifferentNames) {
    std::set<std::string_view> names;
    for (int kind = 0; kind <= static_cast<int>(LedgerKind::remapped); ++kind) {
        names.insert(format_ledger_kind(static_cast<LedgerKind>(kind)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(LedgerKind::remapped) + 1);
    EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace siding::queue
