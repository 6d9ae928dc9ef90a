// What every backend must give: messages in and out, and the states of their recipients.
#include "tests/queue/store_fixture.hpp"

namespace siding::queue {
namespace {

using namespace std::chrono_literals;
using test::make_message;

INSTANTIATE_TEST_SUITE_P(Backends, StoreTest, testing::ValuesIn(backends()), backend_name);

TEST_P(StoreTest, GivesBackWhatItAccepted) {
    const MessageId id = next_id();
    const std::string body("octets \0 \xff \r\n.\r\n", 15);
    AcceptMessage change = make_message(
        id,
        "Ann@Sender.Example",
        {{"Joe@example.com", {}},
         {"kim@example.org", {State::due, "new"}, "pilot"},
         {"joe@example.com", {State::due, "old"}}},
        body
    );
    change.envelope.recipients[0].original = "Joe@old.example";
    change.envelope.tags = {"spam"};
    change.envelope.spam_score = 15.2;
    ASSERT_TRUE(apply(change));
    const Envelope envelope = store_->read_envelope(id).value();
    EXPECT_EQ(envelope.id, id);
    EXPECT_EQ(envelope.received_at, change.envelope.received_at);
    EXPECT_EQ(envelope.reverse_path, "Ann@Sender.Example");
    EXPECT_EQ(envelope.mail_parameters, change.envelope.mail_parameters);
    ASSERT_EQ(envelope.recipients.size(), 3U);
    EXPECT_EQ(envelope.recipients[1].parameters, change.envelope.recipients[1].parameters);
    EXPECT_EQ(envelope.recipients[1].wave, "pilot");
    EXPECT_EQ(envelope.trace_header, change.envelope.trace_header);
    EXPECT_EQ(envelope.body.sha256, sha256(body));
    EXPECT_EQ(envelope.body.bare_newlines, 3U);
    EXPECT_TRUE(envelope.body.declared_8bit);
    EXPECT_EQ(envelope.recipients[0].original, "Joe@old.example");
    EXPECT_EQ(envelope.client_name, "client.example");
    EXPECT_EQ(envelope.tls, change.envelope.tls);
    EXPECT_EQ(envelope.tags, std::vector<std::string>{"spam"});
    EXPECT_EQ(envelope.spam_score, 15.2);
    EXPECT_EQ(store_->read_body_chunk(id, 0).value(), body);

    EXPECT_EQ(row({id, 1}).tags, std::vector<std::string>{"spam"});
    const LedgerEntry line = store_->ledger_of(id).value().at(0);
    EXPECT_EQ(line.recipients.at(0).original, "Joe@old.example");
    EXPECT_EQ(line.tls, change.envelope.tls);
    EXPECT_EQ(line.tags, std::vector<std::string>{"spam"});
    for (const char* known : {"joe@old.example", "joe@example.com"}) {
        EXPECT_EQ(store_->find_messages(TraceKey::recipient, known, 9).value(), std::vector{id});
    }
    EXPECT_EQ(row({id, 0}).state, State::held);
    EXPECT_EQ(row({id, 0}).address, "Joe@example.com");
    EXPECT_EQ(row({id, 1}).state, State::due);
    EXPECT_EQ(row({id, 1}).lane, "new");
    EXPECT_EQ(row({id, 1}).due_at, now());
    EXPECT_EQ(row({id, 1}).size_octets, body.size());
    EXPECT_EQ(list_ids({}).size(), 3U);
    EXPECT_EQ(store_->counters().all().of(State::due), 2U);
    EXPECT_EQ(store_->counters().all().held_octets, body.size());
    EXPECT_EQ(ledger_kinds(id), std::vector{LedgerKind::accepted});
}

TEST_P(StoreTest, TakesAnEmptyBodyAndOctetsThatAreNoText) {
    const MessageId id = next_id();
    const std::string odd = std::string("\xff\xfe\0\x01", 4) + "@example.com";
    AcceptMessage change = make_message(id, odd, {{odd, {}}}, "");
    change.envelope.helo = "\xff";
    change.envelope.client_address = "\xff";
    change.envelope.client_name = "\xff";
    change.envelope.proxy_address = "\xff";
    change.envelope.tls = "\xff";
    change.envelope.tags = {"\xff"};
    change.envelope.message_id_header = std::string("<\0\x01\xff>", 5);
    change.envelope.recipients[0].parameters = {"ORCPT=\xfe"};
    ASSERT_TRUE(apply(change));
    reopen();
    const auto envelope = store_->read_envelope(id);
    ASSERT_TRUE(envelope) << envelope.error().message();
    EXPECT_EQ(envelope->recipients[0].address, odd);
    EXPECT_EQ(envelope->reverse_path, odd);
    EXPECT_EQ(envelope->client_address, "\xff");
    EXPECT_EQ(envelope->client_name, "\xff");
    EXPECT_EQ(store_->read_body_chunk(id, 0).value(), "");
    EXPECT_EQ(row({id, 0}).address, odd);
    EXPECT_EQ(store_->ledger_of(id).value().at(0).recipients.at(0).address, odd);
    EXPECT_EQ(
        store_->find_messages(TraceKey::message_id_header, change.envelope.message_id_header, 9)
            .value(),
        std::vector{id}
    );
}

TEST_P(StoreTest, MakesChunksSafeWithTheMessage) {
    const MessageId id = next_id();
    ASSERT_TRUE(store_->append_body_chunk(id, 0, "first "));
    ASSERT_TRUE(store_->append_body_chunk(id, 1, "second"));
    EXPECT_TRUE(list_ids({}).empty());
    AcceptMessage change = make_message(id, "", {{"joe@example.com", {}}}, "first second");
    change.inline_body.reset();
    change.envelope.body.chunks = 2;
    ASSERT_TRUE(apply(change));
    reopen();
    EXPECT_EQ(store_->read_body_chunk(id, 0).value(), "first ");
    EXPECT_EQ(store_->read_body_chunk(id, 1).value(), "second");
    EXPECT_TRUE(store_->read_body_chunk(id, 2).error().is(Errc::not_found));
}

TEST_P(StoreTest, ForgetsAnAbortedOrUnfinishedBody) {
    const MessageId aborted = next_id();
    const MessageId unfinished = next_id();
    for (const MessageId id : {aborted, unfinished}) {
        ASSERT_TRUE(store_->append_body_chunk(id, 0, "half"));
        ASSERT_TRUE(store_->append_body_chunk(id, 1, "more"));
    }
    ASSERT_TRUE(store_->abort_body(aborted, 2));
    EXPECT_TRUE(store_->read_body_chunk(aborted, 0).error().is(Errc::not_found));
    reopen();
    for (const MessageId id : {aborted, unfinished}) {
        EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
        EXPECT_TRUE(store_->read_body_chunk(id, 1).error().is(Errc::not_found));
        EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    }
}

TEST_P(StoreTest, EndsAMessageWithItsLastRecipient) {
    const MessageId id = next_id();
    ASSERT_TRUE(apply(make_message(
        id, "", {{"a@example.com", {}}, {"b@example.com", {State::due, "new"}}}, "body"
    )));
    EXPECT_EQ(attempt({id, 1}, "new"), 1U);
    EXPECT_EQ(outcome({id, 1}, OutcomeKind::delivered), 1U);
    EXPECT_TRUE(store_->read_recipient({id, 1}).error().is(Errc::not_found));
    EXPECT_EQ(store_->read_body_chunk(id, 0).value(), "body");
    EXPECT_EQ(move(Event::discard, {{id, 0}}), 1U);
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_EQ(store_->find_messages(TraceKey::recipient, "a@example.com", 9).value().size(), 1U);
    EXPECT_EQ(
        ledger_kinds(id),
        (std::vector{
            LedgerKind::accepted, LedgerKind::attempt, LedgerKind::delivered, LedgerKind::discarded}
        )
    );
    const StateCounts all = store_->counters().all();
    EXPECT_EQ(all.of(State::delivered), 1U);
    EXPECT_EQ(all.of(State::discarded), 1U);
    EXPECT_EQ(all.total(), 2U);
}

TEST_P(StoreTest, EndsAMessageWhoseRecipientsEndInOneChange) {
    const MessageId id = next_id();
    ASSERT_TRUE(apply(make_message(id, "", {{"a@example.com", {}}, {"b@example.com", {}}}, "x")));
    EXPECT_EQ(move(Event::discard, {{id, 0}, {id, 1}, {id, 1}}), 2U);
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
}

// Every state by every event of an operator: the table decides, what does not fit is skipped.
TEST_P(StoreTest, MovesWhatTheTableAllowsAndSkipsTheRest) {
    for (const State from : {State::held, State::due, State::in_flight, State::parked}) {
        for (const Event event :
             {Event::release,
              Event::hold,
              Event::reroute,
              Event::park,
              Event::recover,
              Event::discard}) {
            const RecipientId id = from == State::held ? accept("joe@example.com")
                                                       : accept_due("joe@example.com", "new");
            if (from == State::in_flight) {
                ASSERT_EQ(attempt(id, "new"), 1U);
            } else if (from == State::parked) {
                ASSERT_EQ(move(Event::park, {id}), 1U);
            }
            ASSERT_EQ(row(id).state, from);
            const auto to = next_state(from, event);
            // What is on hold already can only be kept as well: KnowsWhatAnOperatorHasPutOnHold.
            const bool moves = to && (from != State::held || event != Event::hold);
            EXPECT_EQ(move(event, {id}, "old"), moves ? 1U : 0U)
                << format_state(from) << ' ' << format_event(event);
            if (!to || !is_final(*to)) {
                EXPECT_EQ(row(id).state, to.value_or(from));
            }
            // An outcome fits an attempt alone; parking also what waits.
            if (!to || *to != State::in_flight) {
                const bool flying = !to && from == State::in_flight;
                EXPECT_EQ(outcome(id, OutcomeKind::delivered), flying ? 1U : 0U);
            }
        }
    }
    for (const RecipientId unknown : {RecipientId{next_id(), 0}}) {
        EXPECT_EQ(move(Event::discard, {unknown}), 0U);
        EXPECT_EQ(attempt(unknown, "new"), 0U);
        EXPECT_EQ(outcome(unknown, OutcomeKind::delivered), 0U);
    }
}

TEST_P(StoreTest, KeepsTheFieldsOfEachTransition) {
    const RecipientId id = accept("joe@example.com");
    MoveRecipients release;
    release.event = Event::release;
    release.recipients = {id};
    release.server = "new";
    release.pinned = true;
    release.due_at = now() + 5min;
    release.release_id = apply(PutRelease{}).value().release_id;
    ASSERT_EQ(apply(release).value().moved, 1U);
    EXPECT_EQ(row(id).pinned_server, "new");
    EXPECT_EQ(row(id).due_at, now() + 5min);
    EXPECT_EQ(row(id).release_id, release.release_id);

    EXPECT_EQ(attempt(id, "old"), 0U) << "another lane";
    EXPECT_EQ(attempt(id, "new"), 1U);
    EXPECT_EQ(attempt(id, "new"), 0U) << "in flight already";
    EXPECT_EQ(row(id).attempts, 1U);
    EXPECT_EQ(row(id).last_attempt_at, now());
    EXPECT_EQ(outcome(id, OutcomeKind::deferred, "451 later"), 1U);
    EXPECT_EQ(row(id).due_at, now() + 1h);
    EXPECT_EQ(row(id).last_reply, "451 later");
    EXPECT_FALSE(row(id).maybe_delivered);
    EXPECT_EQ(attempt(id, "new"), 1U);
    EXPECT_EQ(outcome(id, OutcomeKind::in_doubt, "connection lost"), 1U);
    EXPECT_TRUE(row(id).maybe_delivered);
    EXPECT_EQ(move(Event::reroute, {id}, "old"), 1U);
    EXPECT_EQ(row(id).lane, "old");
    EXPECT_EQ(row(id).pinned_server, "new");
    EXPECT_EQ(attempt(id, "old"), 1U);
    EXPECT_EQ(outcome(id, OutcomeKind::parked, "550 no such user"), 1U);
    EXPECT_EQ(row(id).last_reply, "550 no such user");
    EXPECT_EQ(row(id).attempts, 3U);
    EXPECT_EQ(move(Event::hold, {id}), 1U);
    EXPECT_EQ(row(id).pinned_server, "");
    EXPECT_EQ(row(id).release_id, 0U);
    EXPECT_TRUE(row(id).maybe_delivered) << "a hold does not undo a delivery";

    const auto lines = store_->ledger_of(id.message).value();
    ASSERT_EQ(lines.size(), 10U);
    EXPECT_EQ(lines[1].from_state, "held");
    EXPECT_EQ(lines[1].to_state, "due");
    EXPECT_EQ(lines[3].peer, "192.0.2.9:25");
    EXPECT_EQ(lines[3].reply, "451 later");
    EXPECT_EQ(lines[9].who, "uid:0 root");
}

}  // namespace
}  // namespace siding::queue
