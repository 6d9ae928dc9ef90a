// What every backend must give beside messages: release jobs, phases, groups of changes, opening
// again. Instantiated in store_contract_test.cpp.
#include "base/limits.hpp"
#include "tests/queue/store_fixture.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;
using test::domain_of;
using test::make_message;

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
    job.state = ReleaseState::complete;
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
    EXPECT_EQ(jobs[0].state, ReleaseState::complete);
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

    const auto illegal =
        apply(flip({{com, "default", Phase::hold, false}, {org, "default", Phase::retired, false}})
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
        apply(
            flip({{com, "default", Phase::release, false}, {org, "default", Phase::pass_old, false}}
            )
        )
            .value()
            .epoch,
        3U
    );
    reopen();
    EXPECT_EQ(store_->phases().epoch, 3U);
    EXPECT_EQ(store_->phases().find(com), Phase::release);
    EXPECT_EQ(store_->phases().find(org), Phase::pass_old);
    auto ledger = store_->read_ledger(1, 100).value();
    ledger.pop_back();  // started
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
    const Change attempt = StartAttempt{{{id, 0}}, "new"};
    const Change outcome = RecordOutcome{{{{id, 0}, OutcomeKind::delivered, "250", {}}}, "new", ""};
    const std::vector<const Change*> group{&accept, &attempt, &outcome};
    const auto results = store_->apply(group, now()).value();
    EXPECT_EQ(results[1]->started, (std::vector<RecipientId>{{id, 0}}));
    EXPECT_EQ(results[2]->moved, 1U);
    EXPECT_TRUE(store_->read_envelope(id).error().is(Errc::not_found));
    EXPECT_TRUE(store_->read_body_chunk(id, 0).error().is(Errc::not_found));
    EXPECT_EQ(store_->read_ledger(2, 100).value().size(), 3U);
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

// One line for each opening, also where more was cut off than one batch takes back.
TEST_P(StoreTest, TellsThatItWasOpened) {
    const auto started = [&] {
        const auto lines = store_->read_ledger(1, 10'000).value();
        EXPECT_EQ(lines.back().kind, LedgerKind::started);
        EXPECT_EQ(lines.back().who, "sidingd");
        EXPECT_EQ(lines.back().at, now());
        EXPECT_EQ(store_->ledger_tail(), (LedgerTail{lines.size(), lines.back().chain}));
        return std::ranges::count(lines, LedgerKind::started, &LedgerEntry::kind);
    };
    EXPECT_EQ(started(), 1);
    for (std::size_t i = 0; i <= limits::change_page_rows; ++i) {
        attempt(accept_due("joe@example.com", "new"), "new");
    }
    EXPECT_EQ(store_->ledger_tail().sequence, 1 + 2 * (limits::change_page_rows + 1));
    clock_.advance(1h);
    reopen();
    EXPECT_EQ(started(), 2);
    EXPECT_EQ(store_->counters().all().of(State::in_flight), 0U);
    reopen();
    EXPECT_EQ(started(), 3);
}

TEST_P(StoreTest, KnowsWhatAnOperatorHasPutOnHold) {
    const RecipientId due = accept_due("due@example.com", "new");
    const RecipientId held = accept("held@example.com");
    const RecipientId other = accept("other@example.com");
    MoveRecipients hold;
    hold.event = Event::hold;
    hold.recipients = {due, held};
    hold.keep = true;
    EXPECT_EQ(apply(hold).value().moved, 2U);
    EXPECT_EQ(apply(hold).value().moved, 0U) << "nothing to add";
    hold.keep = false;
    EXPECT_EQ(apply(hold).value().moved, 0U) << "a flip takes nothing off";
    EXPECT_TRUE(row(due).kept && row(held).kept && !row(other).kept);
    EXPECT_EQ(ledger_kinds(held.message).back(), LedgerKind::held);
    EXPECT_EQ(store_->counters().all().of(State::held), 3U);
    EXPECT_EQ(store_->counters().all().kept, 2U);
    Filter not_kept;
    not_kept.state = State::held;
    not_kept.kept = false;
    EXPECT_EQ(list_ids(not_kept), std::vector{other.text()});

    reopen();
    EXPECT_TRUE(row(due).kept && row(held).kept && !row(other).kept);
    EXPECT_EQ(store_->counters().all().kept, 2U);
    EXPECT_EQ(move(Event::release, {due}, "new"), 1U);
    EXPECT_FALSE(row(due).kept);
    EXPECT_EQ(move(Event::hold, {due}), 1U);
    EXPECT_FALSE(row(due).kept) << "put back by a flip";
    EXPECT_EQ(store_->counters().all().kept, 1U);
    EXPECT_EQ(move(Event::discard, {held}), 1U);
    EXPECT_EQ(store_->counters().all().kept, 0U);
}

TEST_P(StoreTest, PassesOverWhatItsFilterNoLongerMatches) {
    const RecipientId gone = accept("gone@example.com");
    const RecipientId there = accept("there@example.com");
    ASSERT_EQ(move(Event::release, {gone}, "new"), 1U);
    MoveRecipients discard;
    discard.event = Event::discard;
    discard.recipients = {gone, there};
    discard.still.emplace().state = State::held;
    EXPECT_EQ(apply(discard).value().moved, 1U);
    EXPECT_EQ(row(gone).state, State::due);
    EXPECT_TRUE(store_->read_recipient(there).error().is(Errc::not_found));
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

// Else a release that a restart goes on with could take mail that came after it.
TEST_P(StoreTest, NeverGoesBackBelowAReleasesBound) {
    PutRelease order;
    order.job.filter.up_to = next_id();
    order.job.server = "new";
    ASSERT_TRUE(apply(order));
    EXPECT_EQ(store_->last_id(), *order.job.filter.up_to);
    reopen();
    EXPECT_EQ(store_->last_id(), *order.job.filter.up_to);
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
