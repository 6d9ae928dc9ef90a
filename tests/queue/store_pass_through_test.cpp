// Mail that a server was offered while it came in: delivered at once, or due after a first attempt;
// and work of several messages in one change.
#include "tests/queue/store_fixture.hpp"

namespace siding::queue {
namespace {

using test::make_message;
using namespace std::chrono_literals;

Placement passed() {
    Placement placement{State::delivered, "old"};
    placement.reply = "250 2.0.0 queued as 4ABC";
    placement.peer = "192.0.2.9:25";
    placement.tls = "TLSv1.3";
    placement.sent_as = "robert@example.net";
    return placement;
}

Placement not_passed(bool in_doubt) {
    Placement placement{State::due, "old"};
    placement.attempted = true;
    placement.in_doubt = in_doubt;
    placement.reply = in_doubt ? "the connection was lost" : "451 4.3.0 later";
    placement.peer = "192.0.2.9:25";
    placement.tls = "TLSv1.3";
    return placement;
}

TEST_P(StoreTest, KeepsOnlyTheLedgerOfWhatWasPassedOn) {
    const MessageId id = next_id();
    ASSERT_TRUE(apply(make_message(
        id, "Ann@sender.example", {{"a@example.com", passed()}, {"b@example.org", passed()}}, "body"
    )));
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_recipient({id, 0}).error().is(Errc::not_found));
    EXPECT_TRUE(store_->rows("", 10).value().rows.empty());
    EXPECT_EQ(
        ledger_kinds(id),
        (std::vector{LedgerKind::accepted, LedgerKind::delivered, LedgerKind::delivered})
    );
    const LedgerEntry line = store_->ledger_of(id).value().at(2);
    EXPECT_EQ(line.recipient, (RecipientId{id, 1}));
    EXPECT_EQ(line.address, "b@example.org");
    EXPECT_EQ(line.server, "old");
    EXPECT_EQ(line.peer, "192.0.2.9:25");
    EXPECT_EQ(line.tls, "TLSv1.3");
    EXPECT_EQ(line.reply, "250 2.0.0 queued as 4ABC");
    EXPECT_EQ(line.sent_as, "robert@example.net");
    // It can be traced, and it counts.
    EXPECT_EQ(
        store_->find_messages(TraceKey::recipient, "b@example.org", 9).value(), std::vector{id}
    );
    EXPECT_EQ(
        store_->find_messages(TraceKey::sender, "ann@sender.example", 9).value(), std::vector{id}
    );
    EXPECT_EQ(store_->counters().all().of(State::delivered), 2U);
    EXPECT_EQ(store_->counters().all().waiting(), 0U);
    EXPECT_EQ(store_->counters().all().retained, 0U);
    EXPECT_EQ(store_->last_id(), id);
}

TEST_P(StoreTest, DropsChunksOfWhatWasPassedOn) {
    const MessageId id = next_id();
    AcceptMessage change = make_message(id, "", {{"a@example.com", passed()}}, "onetwo");
    change.inline_body.reset();
    change.envelope.body.chunks = 2;
    ASSERT_TRUE(store_->append_body_chunk(id, 0, "one"));
    ASSERT_TRUE(store_->append_body_chunk(id, 1, "two"));
    ASSERT_TRUE(apply(change));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 1).error().is(Errc::not_found));
    reopen();
    EXPECT_EQ(ledger_kinds(id), (std::vector{LedgerKind::accepted, LedgerKind::delivered}));
}

TEST_P(StoreTest, KeepsWhatWasPassedOnOnlyForTheOthers) {
    const MessageId id = next_id();
    ASSERT_TRUE(apply(make_message(
        id, "", {{"a@example.com", passed()}, {"b@example.com", {State::due, "new"}}}, "body"
    )));
    EXPECT_TRUE(store_->read_recipient({id, 0}).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_envelope(id));
    EXPECT_EQ(list_ids({}), std::vector{(RecipientId{id, 1}).text()});
    ASSERT_EQ(attempt({id, 1}, "new"), 1U);
    ASSERT_EQ(outcome({id, 1}, OutcomeKind::delivered), 1U);
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_EQ(store_->counters().all().of(State::delivered), 2U);
}

TEST_P(StoreTest, QueuesWhatAServerDidNotTakeAsAttempted) {
    const MessageId id = next_id();
    Placement pinned{State::due, "new", true};
    pinned.due_at = now() + 1h;
    ASSERT_TRUE(apply(make_message(
        id,
        "",
        {{"a@example.com", not_passed(false)},
         {"b@example.com", not_passed(true)},
         {"c@example.com", pinned}},
        "body"
    )));
    EXPECT_EQ(
        ledger_kinds(id),
        (std::vector{LedgerKind::accepted, LedgerKind::deferred, LedgerKind::in_doubt})
    );
    const LedgerEntry line = store_->ledger_of(id).value().at(1);
    EXPECT_EQ(line.server, "old");
    EXPECT_EQ(line.peer, "192.0.2.9:25");
    EXPECT_EQ(line.tls, "TLSv1.3");
    EXPECT_EQ(line.reply, "451 4.3.0 later");
    const Recipient deferred = row({id, 0});
    EXPECT_EQ(deferred.state, State::due);
    EXPECT_EQ(deferred.attempts, 1U);
    EXPECT_EQ(deferred.last_attempt_at, now());
    EXPECT_EQ(deferred.last_reply, "451 4.3.0 later");
    EXPECT_FALSE(deferred.maybe_delivered);
    EXPECT_EQ(deferred.due_at, id.time()) << "as old as the message";
    EXPECT_TRUE(row({id, 1}).maybe_delivered);
    EXPECT_EQ(row({id, 1}).pinned_server, "");
    EXPECT_EQ(row({id, 2}).pinned_server, "new");
    EXPECT_EQ(row({id, 2}).attempts, 0U);
    EXPECT_EQ(row({id, 2}).due_at, now() + 1h);
}

TEST_P(StoreTest, TellsACopyFromTheRecipient) {
    AcceptMessage change = make_message(
        next_id(),
        "",
        {{"a@example.com", passed()}, {"a@example.com", {State::due, "new", true}}},
        "body"
    );
    change.envelope.recipients[1].copy = true;
    const MessageId id = change.envelope.id;
    ASSERT_TRUE(apply(change));
    EXPECT_TRUE(row({id, 1}).copy);
    const LedgerEntry line = store_->ledger_of(id).value().front();
    EXPECT_FALSE(line.recipients.at(0).copy);
    EXPECT_TRUE(line.recipients.at(1).copy);
    EXPECT_TRUE(store_->read_envelope(id).value().recipients.at(1).copy);
    Filter copies;
    copies.copy = true;
    EXPECT_EQ(list_ids(copies).size(), 1U);
    copies.copy = false;
    EXPECT_TRUE(list_ids(copies).empty());
}

TEST_P(StoreTest, StartsAndEndsAttemptsOfSeveralMessages) {
    const RecipientId a = accept_due("a@example.com", "new");
    const RecipientId b = accept_due("b@example.com", "new");
    const RecipientId elsewhere = accept_due("c@example.com", "old");
    const RecipientId held = accept("d@example.com");
    const RecipientId unknown{next_id(), 0};
    const auto started = apply(StartAttempt{{a, elsewhere, b, held, unknown, a}, "new"});
    ASSERT_TRUE(started);
    EXPECT_EQ(started->started, (std::vector{a, b}));
    EXPECT_EQ(started->moved, 2U);
    RecordOutcome outcome;
    outcome.outcomes = {
        {a, OutcomeKind::parked, "550 5.1.1 no such user"}, {b, OutcomeKind::delivered, "250 ok"}};
    outcome.outcomes[0].cause = "no_such_mailbox";
    outcome.outcomes[1].sent_as = "bob@example.net";
    outcome.server = "new";
    outcome.peer = "192.0.2.9:25";
    outcome.tls = "TLSv1.3";
    EXPECT_EQ(apply(outcome)->moved, 2U);
    EXPECT_EQ(row(a).cause, "no_such_mailbox");
    EXPECT_TRUE(store_->read_envelope(b.message).error().is(Errc::not_found));
    const LedgerEntry parked = store_->ledger_of(a.message).value().back();
    EXPECT_EQ(parked.cause, "no_such_mailbox");
    EXPECT_EQ(parked.tls, "TLSv1.3");
    EXPECT_EQ(store_->ledger_of(b.message).value().back().sent_as, "bob@example.net");

    Filter causes;
    causes.cause = "no_such_mailbox";
    EXPECT_EQ(list_ids(causes), std::vector{a.text()});
    causes.cause = "mailbox_full";
    EXPECT_TRUE(list_ids(causes).empty());
    Filter lane;
    lane.server = "old";
    EXPECT_EQ(list_ids(lane), std::vector{elsewhere.text()});
    lane.state = State::due;
    EXPECT_EQ(list_ids(lane), std::vector{elsewhere.text()});

    ASSERT_EQ(move(Event::release, {a}, "new"), 1U);
    EXPECT_EQ(row(a).cause, "") << "parked no longer";
}

TEST_P(StoreTest, ListsByAgeWhateverTheOrderOfTheIndex) {
    std::vector<std::string> ids;
    for (const char* address :
         {"z@example.org", "a@example.com", "m@example.net", "a@example.com"}) {
        ids.push_back(accept(address).text());
        clock_.advance(1min);
    }
    const WallTime late = now();
    const RecipientId last = accept("b@example.com");
    EXPECT_EQ(list_ids_by_age({}, 2), (std::vector{ids[0], ids[1], ids[2], ids[3], last.text()}));
    EXPECT_NE(list_ids({}), list_ids_by_age({}));
    Filter filter;
    filter.since = late;
    EXPECT_EQ(list_ids_by_age(filter), std::vector{last.text()});
    filter = {};
    filter.before = late;
    EXPECT_EQ(list_ids_by_age(filter, 1), ids);
    filter = {};
    filter.up_to = last.message;
    EXPECT_EQ(list_ids_by_age(filter).size(), 5U);
    filter.up_to = MessageId{last.message.value() - 1};
    EXPECT_EQ(list_ids_by_age(filter), ids);
    filter = {};
    filter.recipient = "a@example.com";
    EXPECT_EQ(list_ids_by_age(filter, 1), (std::vector{ids[1], ids[3]}));
    filter = {};
    filter.message = last.message;
    EXPECT_EQ(list_ids_by_age(filter), std::vector{last.text()});
    filter = {};
    filter.sender = "ann@sender.example";
    filter.domain = test::domain_of("example.net");
    EXPECT_EQ(list_ids_by_age(filter), std::vector{ids[2]});
    EXPECT_TRUE(store_->list_by_age({}, "nonsense", 1).error().is(Errc::invalid_argument));
}

}  // namespace
}  // namespace siding::queue
