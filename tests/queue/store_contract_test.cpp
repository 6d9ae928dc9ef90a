// What every backend must give: messages in and out, states, phases, releases, opening again.
#include "tests/queue/store_fixture.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;
using test::domain_of;
using test::make_message;

INSTANTIATE_TEST_SUITE_P(Backends, StoreTest, testing::ValuesIn(backends()), backend_name);

TEST_P(StoreTest, GivesBackWhatItAccepted) {
    const MessageId id = next_id();
    const std::string body("octets \0 \xff \r\n.\r\n", 15);
    const AcceptMessage change = make_message(
        id,
        "Ann@Sender.Example",
        {{"Joe@example.com", {}},
         {"kim@example.org", {State::due, "new"}, "pilot"},
         {"joe@example.com", {State::due, "old"}}},
        body
    );
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
    EXPECT_EQ(store_->read_body_chunk(id, 0).value(), body);

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
    change.envelope.message_id_header = std::string("<\0\x01\xff>", 5);
    change.envelope.recipients[0].parameters = {"ORCPT=\xfe"};
    ASSERT_TRUE(apply(change));
    reopen();
    const auto envelope = store_->read_envelope(id);
    ASSERT_TRUE(envelope) << envelope.error().message();
    EXPECT_EQ(envelope->recipients[0].address, odd);
    EXPECT_EQ(envelope->reverse_path, odd);
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
             {Event::release, Event::hold, Event::reroute, Event::park, Event::recover, Event::discard}) {
            const RecipientId id =
                from == State::held ? accept("joe@example.com") : accept_due("joe@example.com", "new");
            if (from == State::in_flight) {
                ASSERT_EQ(attempt(id, "new"), 1U);
            } else if (from == State::parked) {
                ASSERT_EQ(move(Event::park, {id}), 1U);
            }
            ASSERT_EQ(row(id).state, from);
            const auto to = next_state(from, event);
            EXPECT_EQ(move(event, {id}, "old"), to ? 1U : 0U)
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

TEST_P(StoreTest, CountsAReleaseJob) {
    ReleaseJob job;
    job.filter.domain = domain_of("example.com");
    job.filter.sender = "";
    job.filter.limit = 7;
    job.server = "new";
    job.ordered_at = now();
    job.who = "uid:0 root";
    job.id = apply(PutRelease{job}).value().release_id;
    EXPECT_EQ(job.id, 1U);
    const RecipientId a = accept("a@example.com");
    const RecipientId b = accept("b@example.com");
    MoveRecipients release;
    release.event = Event::release;
    release.recipients = {a, b};
    release.server = "new";
    release.release_id = job.id;
    ASSERT_EQ(apply(release).value().moved, 2U);
    job.chosen = 2;
    job.complete = true;
    EXPECT_EQ(apply(PutRelease{job}).value().release_id, job.id);
    ASSERT_EQ(attempt(a, "new"), 1U);
    ASSERT_EQ(outcome(a, OutcomeKind::delivered), 1U);
    const StateCounts counts = store_->counters().releases.at(job.id);
    EXPECT_EQ(counts.of(State::delivered), 1U);
    EXPECT_EQ(counts.of(State::due), 1U);
    ASSERT_EQ(move(Event::hold, {b}), 1U);
    EXPECT_EQ(store_->counters().releases.at(job.id).total(), 1U);
    reopen();
    const auto jobs = store_->releases().value();
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].chosen, 2U);
    EXPECT_TRUE(jobs[0].complete);
    EXPECT_EQ(jobs[0].filter.sender, "");
    EXPECT_EQ(jobs[0].filter.limit, 7U);
    EXPECT_EQ(store_->counters().releases.at(job.id).total(), 1U);
    EXPECT_EQ(apply(PutRelease{}).value().release_id, 2U);
}

SetPhases flip(std::vector<PhaseMove> moves) {
    return {std::move(moves), "uid:0 root", "cutover"};
}

TEST_P(StoreTest, FlipsPhasesAllOrNone) {
    const Domain com = domain_of("example.com");
    const Domain org = domain_of("example.org");
    ASSERT_EQ(
        apply(flip({{com, "default", Phase::prep, true}, {org, "default", Phase::hold, true}}))
            .value()
            .moved,
        2U
    );
    EXPECT_EQ(store_->phases().epoch, 1U);
    // Only where none is stored.
    EXPECT_EQ(apply(flip({{com, "default", Phase::pass_new, true}})).value().moved, 0U);
    EXPECT_EQ(store_->phases().find(com), Phase::prep);
    EXPECT_EQ(store_->phases().epoch, 1U);

    const auto illegal = apply(
        flip({{com, "default", Phase::hold, false}, {org, "default", Phase::retired, false}})
    );
    ASSERT_FALSE(illegal);
    EXPECT_TRUE(illegal.error().is(Errc::conflict));
    EXPECT_NE(illegal.error().context.find("example.org/default"), std::string::npos);
    for (const Phase legal : legal_moves(Phase::hold)) {
        EXPECT_NE(illegal.error().context.find(format_phase(legal)), std::string::npos);
    }
    EXPECT_EQ(store_->phases().find(com), Phase::prep) << "none of them";
    EXPECT_EQ(store_->phases().epoch, 1U);

    const auto unknown = apply(flip({{com, "pilot", Phase::hold, false}}));
    EXPECT_TRUE(unknown.error().is(Errc::not_found));
    EXPECT_EQ(
        apply(flip({{com, "default", Phase::hold, false}, {org, "default", Phase::hold, false}}))
            .value()
            .moved,
        1U
    );
    EXPECT_EQ(
        apply(flip({{com, "default", Phase::release, false}, {org, "default", Phase::pass_old, false}}))
            .value()
            .epoch,
        3U
    );
    reopen();
    EXPECT_EQ(store_->phases().epoch, 3U);
    EXPECT_EQ(store_->phases().find(com), Phase::release);
    EXPECT_EQ(store_->phases().find(org), Phase::pass_old);
    const auto ledger = store_->read_ledger(1, 100).value();
    EXPECT_EQ(ledger.back().kind, LedgerKind::phase);
    EXPECT_EQ(ledger.back().address, "example.org/default");
    EXPECT_EQ(ledger.back().from_state, "hold");
    EXPECT_EQ(ledger.back().to_state, "pass_old");
    EXPECT_EQ(ledger.back().epoch, 3U);
}

TEST_P(StoreTest, AllowsExactlyTheLegalMovesOfAPhase) {
    int wave = 0;
    for (const Phase from : all_phases()) {
        for (const Phase to : all_phases()) {
            const std::string name = std::to_string(++wave);
            ASSERT_TRUE(apply(flip({{domain_of("example.com"), name, from, true}})));
            const auto applied = apply(flip({{domain_of("example.com"), name, to, false}}));
            EXPECT_EQ(applied.has_value(), from == to || is_legal_move(from, to))
                << format_phase(from) << " to " << format_phase(to);
        }
    }
}

TEST_P(StoreTest, RefusesOneOfAGroupAlone) {
    ASSERT_TRUE(apply(flip({{domain_of("example.com"), "default", Phase::prep, true}})));
    const Change good = make_message(next_id(), "", {{"a@example.com", {}}}, "a");
    const Change bad = flip({{domain_of("example.com"), "default", Phase::retired, false}});
    const Change also_good = make_message(next_id(), "", {{"b@example.com", {}}}, "b");
    const std::vector<const Change*> group{&good, &bad, &also_good};
    const auto results = store_->apply(group, now()).value();
    EXPECT_TRUE(results[0]);
    EXPECT_TRUE(results[1].error().is(Errc::conflict));
    EXPECT_TRUE(results[2]);
    EXPECT_EQ(list_ids({}).size(), 2U);
}

TEST_P(StoreTest, AppliesAGroupInOrder) {
    const MessageId id = next_id();
    const Change accept = make_message(id, "", {{"a@example.com", {State::due, "new"}}}, "a");
    const Change attempt = StartAttempt{id, {0}, "new"};
    const Change outcome = RecordOutcome{id, {{0, OutcomeKind::delivered, "250", {}}}, "new", ""};
    const std::vector<const Change*> group{&accept, &attempt, &outcome};
    const auto results = store_->apply(group, now()).value();
    EXPECT_EQ(results[1]->recipients, std::vector<std::uint32_t>{0});
    EXPECT_EQ(results[2]->moved, 1U);
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_EQ(store_->read_ledger(1, 100).value().size(), 3U);
}

TEST_P(StoreTest, PutsACutOffAttemptBack) {
    const RecipientId id = accept_due("joe@example.com", "new");
    ASSERT_EQ(attempt(id, "new"), 1U);
    clock_.advance(1h);
    reopen();
    EXPECT_EQ(row(id).state, State::due);
    EXPECT_EQ(row(id).lane, "new");
    EXPECT_EQ(row(id).due_at, now());
    EXPECT_EQ(row(id).attempts, 1U);
    EXPECT_TRUE(row(id).maybe_delivered);
    EXPECT_EQ(ledger_kinds(id.message).back(), LedgerKind::recovered);
    EXPECT_EQ(store_->counters().all().of(State::in_flight), 0U);
    reopen();
    EXPECT_EQ(ledger_kinds(id.message).size(), 3U) << "once";
}

TEST_P(StoreTest, NeverGoesBackBelowAnId) {
    const MessageId first = next_id();
    const MessageId second = next_id();
    ASSERT_TRUE(apply(make_message(second, "", {{"a@example.com", {}}}, "a")));
    ASSERT_TRUE(apply(make_message(first, "", {{"b@example.com", {}}}, "b")));
    EXPECT_EQ(store_->last_id(), second);
    ASSERT_EQ(move(Event::discard, {{first, 0}, {second, 0}}), 2U);
    reopen();
    EXPECT_EQ(store_->last_id(), second);
}

TEST_P(StoreTest, IsOpenedOnce) {
    const auto second = GetParam().open(directory_ / "queue", now());
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(Errc::already_exists)) << second.error().message();
    EXPECT_NE(accept("joe@example.com").message, MessageId{});
}

TEST_P(StoreTest, OpensReadOnlyAndRefusesWrites) {
    accept("joe@example.com");
    const RecipientId flying = accept_due("kim@example.com", "new");
    ASSERT_EQ(attempt(flying, "new"), 1U);
    const auto rows = list_ids({});
    const Counters counters = store_->counters();
    const auto lines = store_->read_ledger(1, 100).value().size();
    store_.reset();
    {
        auto opened = GetParam().open_read_only(directory_ / "queue");
        ASSERT_TRUE(opened) << opened.error().message();
        store_ = std::move(*opened);
    }
    EXPECT_EQ(list_ids({}), rows);
    EXPECT_EQ(store_->counters().waves, counters.waves);
    EXPECT_EQ(row(flying).state, State::in_flight);
    EXPECT_EQ(store_->read_body_chunk(flying.message, 0).value(), "kim@example.com");
    EXPECT_EQ(store_->read_ledger(1, 100).value().size(), lines);
    EXPECT_FALSE(apply(make_message(next_id(), "", {{"a@example.com", {}}}, "a")));
    EXPECT_FALSE(store_->append_body_chunk(next_id(), 0, "x"));
    reopen();
    EXPECT_EQ(list_ids({}).size(), 2U);
    EXPECT_TRUE(GetParam().open_read_only(directory_ / "nowhere").error().is(Errc::not_found));
}

}  // namespace
}  // namespace siding::queue
