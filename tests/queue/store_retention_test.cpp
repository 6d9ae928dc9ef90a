// Delivered mail that is kept: found, replayed, pruned.
#include "tests/queue/store_fixture.hpp"

namespace siding::queue {
namespace {

using test::make_message;
using namespace std::chrono_literals;

class RetentionTest : public StoreTest {
protected:
    RecipientId deliver(const std::string& address, bool retain = true) {
        const RecipientId id = accept_due(address, "new");
        end(id, retain);
        return id;
    }

    void end(RecipientId id, bool retain = true) {
        ASSERT_EQ(attempt(id, "new"), 1U);
        RecordOutcome outcome;
        outcome.outcomes = {{id, OutcomeKind::delivered, "250 ok"}};
        outcome.server = "new";
        outcome.retain = retain;
        EXPECT_EQ(apply(outcome)->moved, 1U);
    }

    std::uint64_t prune(
        WallTime before, std::uint64_t octets_max = UINT64_MAX, std::size_t messages = SIZE_MAX
    ) {
        return apply(PruneRetained{before, octets_max, messages}).value().moved;
    }

    std::vector<std::string> delivered() {
        Filter filter;
        filter.state = State::delivered;
        return list_ids(filter);
    }

    bool is_there(MessageId id) const {
        return store_->read_envelope(id).has_value() && store_->read_body_chunk(id, 0).has_value();
    }
};

INSTANTIATE_TEST_SUITE_P(Backends, RetentionTest, testing::ValuesIn(backends()), backend_name);

TEST_P(RetentionTest, KeepsWhatIsDelivered) {
    const RecipientId gone = deliver("a@example.com", false);
    const RecipientId kept = deliver("Bob@example.com");
    EXPECT_FALSE(is_there(gone.message));
    EXPECT_TRUE(is_there(kept.message));
    const Recipient row = store_->read_recipient(kept).value();
    EXPECT_EQ(row.state, State::delivered);
    EXPECT_EQ(row.ended_at, now());
    EXPECT_EQ(row.lane, "new");
    EXPECT_EQ(row.last_reply, "250 ok");

    EXPECT_TRUE(list_ids({}).empty()) << "it is not in the queue";
    EXPECT_EQ(delivered(), std::vector{kept.text()});
    Filter filter;
    filter.message = kept.message;
    EXPECT_TRUE(list_ids(filter).empty());
    EXPECT_TRUE(list_ids_by_age(filter).empty());
    filter.state = State::delivered;
    EXPECT_EQ(list_ids(filter), std::vector{kept.text()});
    EXPECT_EQ(list_ids_by_age(filter), std::vector{kept.text()});
    filter.message.reset();
    filter.recipient = "bob@example.com";
    EXPECT_EQ(list_ids(filter), std::vector{kept.text()});
    EXPECT_EQ(store_->count(filter).value().octets, 15U);
    filter.recipient = "a@example.com";
    EXPECT_TRUE(list_ids(filter).empty());
    EXPECT_EQ(store_->rows("", 9).value().rows.size(), 1U);

    const Counters counters = store_->counters();
    EXPECT_EQ(counters.all().of(State::delivered), 2U);
    EXPECT_EQ(counters.all().retained, 1U);
    EXPECT_EQ(counters.all().retained_octets, 15U);
    EXPECT_EQ(counters.retained, (Retained{1, 15}));
    reopen();
    EXPECT_EQ(store_->counters().retained, (Retained{1, 15}));
    EXPECT_EQ(store_->counters().all(), counters.all());
    EXPECT_EQ(delivered(), std::vector{kept.text()});
}

TEST_P(RetentionTest, KeepsWhatWasPassedOn) {
    const MessageId id = next_id();
    AcceptMessage change = make_message(
        id,
        "",
        {{"a@example.com", {State::delivered, "old"}},
         {"b@example.org", {State::delivered, "new"}}},
        "body"
    );
    change.retain = true;
    ASSERT_TRUE(apply(change));
    EXPECT_TRUE(is_there(id));
    EXPECT_EQ(delivered().size(), 2U);
    EXPECT_EQ(row({id, 1}).lane, "new");
    EXPECT_EQ(row({id, 1}).attempts, 1U);
    EXPECT_EQ(store_->counters().retained, (Retained{1, 4}));
    EXPECT_EQ(prune(now() + 1ms), 1U);
    EXPECT_FALSE(is_there(id));
    EXPECT_TRUE(delivered().empty());
    EXPECT_EQ(store_->counters().retained, Retained{});
    EXPECT_EQ(store_->counters().all().retained, 0U);
    EXPECT_EQ(store_->counters().all().of(State::delivered), 2U) << "ever delivered";
}

TEST_P(RetentionTest, CountsAMessageOnceItHasEndedWhole) {
    const MessageId id = next_id();
    AcceptMessage change = make_message(
        id,
        "",
        {{"a@example.com", {State::delivered, "old"}},
         {"b@example.com", {}},
         {"c@example.com", {}}},
        "body"
    );
    change.retain = true;
    ASSERT_TRUE(apply(change));
    EXPECT_EQ(store_->counters().all().retained, 1U);
    EXPECT_EQ(store_->counters().retained, Retained{});
    clock_.advance(1h);
    EXPECT_EQ(prune(now() + 1h, 0), 0U) << "two still wait";
    ASSERT_EQ(move(Event::release, {{id, 1}}, "new"), 1U);
    end({id, 1});
    EXPECT_EQ(store_->counters().retained, Retained{});
    clock_.advance(1h);
    ASSERT_EQ(move(Event::discard, {{id, 2}}), 1U);
    EXPECT_EQ(store_->counters().retained, (Retained{1, 4}));
    EXPECT_EQ(delivered().size(), 2U);
    EXPECT_TRUE(is_there(id));
    // Its age is that of its last delivery.
    EXPECT_EQ(prune(now() - 1h), 0U);
    EXPECT_EQ(prune(now() - 1h + 1ms), 1U);
    EXPECT_FALSE(is_there(id));
}

TEST_P(RetentionTest, ReplaysWhatItKept) {
    const RecipientId id = deliver("a@example.com");
    MoveRecipients replay;
    replay.event = Event::replay;
    replay.recipients = {id, {next_id(), 0}};
    replay.server = "old";
    replay.due_at = now();
    replay.who = "uid:0 root";
    replay.why = "the new server lost it";
    EXPECT_EQ(apply(replay)->moved, 1U);
    const Recipient row = store_->read_recipient(id).value();
    EXPECT_EQ(row.state, State::due);
    EXPECT_EQ(row.lane, "old");
    EXPECT_EQ(row.pinned_server, "old");
    EXPECT_EQ(row.attempts, 0U);
    EXPECT_EQ(row.ended_at, WallTime{});
    EXPECT_EQ(store_->due("old", now(), "", 9).value().rows.size(), 1U);
    EXPECT_TRUE(delivered().empty());
    EXPECT_EQ(apply(replay)->moved, 0U) << "it is due, not delivered";
    const LedgerEntry line = store_->ledger_of(id.message).value().back();
    EXPECT_EQ(line.kind, LedgerKind::replayed);
    EXPECT_EQ(line.server, "old");
    EXPECT_EQ(line.reply, "the new server lost it");
    EXPECT_EQ(line.from_state, "delivered");
    EXPECT_EQ(line.to_state, "due");

    StateCounts counts = store_->counters().all();
    EXPECT_EQ(counts.of(State::delivered), 1U) << "it was delivered";
    EXPECT_EQ(counts.of(State::due), 1U);
    EXPECT_EQ(counts.total(), 2U) << "accepted and replayed";
    EXPECT_EQ(counts.accepted(), 1U);
    EXPECT_EQ(counts.replayed, 1U);
    EXPECT_EQ(counts.retained, 0U);
    EXPECT_EQ(store_->counters().retained, Retained{});
    EXPECT_EQ(prune(now() + 1h, 0), 0U);

    ASSERT_EQ(attempt(id, "old"), 1U);
    ASSERT_EQ(outcome(id, OutcomeKind::delivered), 1U);
    EXPECT_FALSE(is_there(id.message));
    EXPECT_EQ(store_->counters().all().of(State::delivered), 2U);
    EXPECT_EQ(
        ledger_kinds(id.message),
        (std::vector{
            LedgerKind::accepted,
            LedgerKind::attempt,
            LedgerKind::delivered,
            LedgerKind::replayed,
            LedgerKind::attempt,
            LedgerKind::delivered})
    );
}

TEST_P(RetentionTest, ReplaysOneOfAMessageAndKeepsTheOther) {
    const MessageId id = next_id();
    AcceptMessage change = make_message(
        id,
        "",
        {{"a@example.com", {State::delivered, "old"}},
         {"b@example.com", {State::delivered, "old"}}},
        "body"
    );
    change.retain = true;
    ASSERT_TRUE(apply(change));
    clock_.advance(1min);
    EXPECT_EQ(move(Event::replay, {{id, 0}}, "new"), 1U);
    EXPECT_EQ(store_->counters().retained, Retained{});
    EXPECT_EQ(prune(now() + 1h), 0U);
    EXPECT_EQ(delivered(), std::vector{(RecipientId{id, 1}).text()});
    // It ends without being kept: the other one still is.
    end({id, 0}, false);
    EXPECT_TRUE(is_there(id));
    EXPECT_EQ(store_->counters().retained, (Retained{1, 4}));
    EXPECT_EQ(move(Event::replay, {{id, 1}}, "new"), 1U);
    ASSERT_EQ(move(Event::discard, {{id, 1}}), 1U);
    EXPECT_FALSE(is_there(id));
    EXPECT_EQ(store_->counters().retained, Retained{});
}

TEST_P(RetentionTest, PrunesTheOldestUntilItFits) {
    std::vector<RecipientId> ids;
    for (const char* address :
         {"1@example.com", "2@example.com", "3@example.com", "4@example.com"}) {
        ids.push_back(deliver(address));  // 13 octets each
        clock_.advance(1min);
    }
    EXPECT_EQ(store_->counters().retained, (Retained{4, 52}));
    EXPECT_EQ(prune(WallTime{}, 52), 0U);
    EXPECT_EQ(prune(WallTime{}, 51), 1U);
    EXPECT_FALSE(is_there(ids[0].message));
    EXPECT_EQ(prune(WallTime{}, 0, 1), 1U) << "in pages";
    EXPECT_FALSE(is_there(ids[1].message));
    EXPECT_EQ(prune(now() - 2min), 0U);
    EXPECT_EQ(prune(now() - 2min + 1ms), 1U);
    EXPECT_EQ(delivered(), std::vector{ids[3].text()});
    EXPECT_EQ(store_->counters().retained, (Retained{1, 13}));
    EXPECT_EQ(ledger_kinds(ids[0].message).size(), 3U) << "its ledger stays";
    EXPECT_EQ(store_->find_messages(TraceKey::recipient, "1@example.com", 9).value().size(), 1U);
    EXPECT_EQ(prune(WallTime::max(), 0), 1U);
    EXPECT_EQ(prune(WallTime::max(), 0), 0U);
    EXPECT_TRUE(store_->rows("", 9).value().rows.empty());
    reopen();
    EXPECT_EQ(store_->counters().retained, Retained{});
}

TEST_P(RetentionTest, DoesNotPruneWhatTheSameBatchReplays) {
    const RecipientId id = deliver("a@example.com");
    MoveRecipients replay;
    replay.event = Event::replay;
    replay.recipients = {id};
    replay.server = "old";
    const Change first = replay;
    const Change second = PruneRetained{WallTime::max(), 0};
    const std::vector<const Change*> group{&first, &second};
    const auto results = store_->apply(group, now()).value();
    EXPECT_EQ(results[0]->moved, 1U);
    EXPECT_EQ(results[1]->moved, 0U);
    EXPECT_TRUE(is_there(id.message));
    EXPECT_EQ(row(id).state, State::due);
}

}  // namespace
}  // namespace siding::queue
