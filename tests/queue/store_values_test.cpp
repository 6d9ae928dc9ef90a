// What every backend must give beside messages: small values, refusals, an end to release jobs.
// Instantiated in store_contract_test.cpp.
#include "base/limits.hpp"
#include "tests/queue/store_fixture.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

std::vector<std::string> keys_of(const ValuePage& page) {
    std::vector<std::string> keys;
    for (const StoredValue& one : page.values) {
        keys.push_back(one.key);
    }
    return keys;
}

TEST_P(StoreTest, KeepsSmallValues) {
    const std::string odd("verify/\0\xff", 9);
    ASSERT_EQ(
        apply(PutValues{{{"verify/a", "1"}, {odd, std::string("\0", 1)}, {"verify", ""}}})
            .value()
            .moved,
        3U
    );
    EXPECT_EQ(store_->read_value("verify/a").value(), "1");
    EXPECT_EQ(store_->read_value(odd).value(), std::string("\0", 1));
    EXPECT_EQ(store_->read_value("verify").value(), "");
    EXPECT_EQ(store_->read_value("verify/").value(), std::nullopt);
    ASSERT_TRUE(apply(PutValues{{{"verify/a", "2"}, {"verify", std::nullopt}}}));
    reopen();
    EXPECT_EQ(store_->read_value("verify/a").value(), "2");
    EXPECT_EQ(store_->read_value("verify").value(), std::nullopt);
    EXPECT_EQ(store_->counters().all().total(), 0U);
    EXPECT_TRUE(store_->releases().value().empty());
}

TEST_P(StoreTest, RefusesAValueThatIsTooLargeWhole) {
    const std::string longest(limits::value_key_octets_max, 'k');
    const std::string largest(limits::value_octets_max, 'v');
    EXPECT_TRUE(apply(PutValues{{{longest, largest}}}));
    EXPECT_EQ(store_->read_value(longest).value(), largest);
    for (const Value& bad :
         {Value{"", "x"}, Value{longest + "k", "x"}, Value{"large", largest + "v"}}) {
        const auto applied = apply(PutValues{{{"good", "x"}, bad}});
        ASSERT_FALSE(applied);
        EXPECT_TRUE(applied.error().is(Errc::invalid_argument));
    }
    EXPECT_EQ(store_->read_value("good").value(), std::nullopt);
}

TEST_P(StoreTest, ListsValuesByPrefixInPages) {
    PutValues put;
    for (const char* key : {"a", "b/1", "b/2", "b/3", "b\xff", "c"}) {
        put.values.push_back({key, std::string{"of "} + key});
    }
    ASSERT_TRUE(apply(put));
    const auto all = store_->list_values("", "", 100).value();
    EXPECT_EQ(keys_of(all), (std::vector<std::string>{"a", "b/1", "b/2", "b/3", "b\xff", "c"}));
    EXPECT_EQ(all.values[1].value, "of b/1");
    EXPECT_EQ(all.cursor, "");
    const auto first = store_->list_values("b/", "", 2).value();
    EXPECT_EQ(keys_of(first), (std::vector<std::string>{"b/1", "b/2"}));
    EXPECT_EQ(first.cursor, "b/2");
    const auto second = store_->list_values("b/", first.cursor, 2).value();
    EXPECT_EQ(keys_of(second), std::vector<std::string>{"b/3"});
    EXPECT_EQ(second.cursor, "");
    EXPECT_EQ(store_->list_values("b/", "", 3).value().cursor, "");
    EXPECT_TRUE(store_->list_values("d", "", 3).value().values.empty());
}

TEST_P(StoreTest, DeletesValuesByPrefix) {
    const auto put = [&](std::vector<std::string> keys) {
        PutValues change;
        for (std::string& key : keys) {
            change.values.push_back({std::move(key), "x"});
        }
        return change;
    };
    ASSERT_TRUE(apply(put({"a", "b/1", "b/2", "b/3", "c"})));
    EXPECT_EQ(apply(DeleteValues{"b/", 2}).value().moved, 2U);
    EXPECT_EQ(
        keys_of(store_->list_values("", "", 9).value()), (std::vector<std::string>{"a", "b/3", "c"})
    );
    EXPECT_EQ(apply(DeleteValues{"b/", 2}).value().moved, 1U);
    EXPECT_EQ(apply(DeleteValues{"b/"}).value().moved, 0U);

    // In one group: what the changes before have put or taken counts.
    const std::vector<Change> group{
        put({"b/4", "b/5"}),
        PutValues{{{"b/4", std::nullopt}, {"a", std::nullopt}}},
        DeleteValues{"b/"},
        put({"b/6"}),
        DeleteValues{"", 1}};
    std::vector<const Change*> pointers;
    for (const Change& one : group) {
        pointers.push_back(&one);
    }
    const auto applied = store_->apply(pointers, now()).value();
    EXPECT_EQ(applied[2].value().moved, 1U);
    EXPECT_EQ(applied[4].value().moved, 1U);
    EXPECT_EQ(keys_of(store_->list_values("", "", 9).value()), std::vector<std::string>{"c"});
    ASSERT_TRUE(apply(put({"d"})));
    EXPECT_EQ(apply(DeleteValues{""}).value().moved, 2U);
    EXPECT_TRUE(store_->list_values("", "", 9).value().values.empty());
}

TEST_P(StoreTest, WritesRefusalsIntoTheLedgerAndNowhereElse) {
    RecordRefusals change;
    change.refusals = {
        {"unknown_recipient", 12, "192.0.2.7", "", "nobody@example.com", "550 5.1.1 no such user"},
        {"relay_denied", 1, "2001:db8::7", "a@b.example", "x@y.example", "550 5.7.1 no"}};
    EXPECT_EQ(apply(change).value().moved, 2U);
    reopen();
    const auto lines = store_->read_ledger(1, 100).value();
    std::vector<LedgerEntry> refused;
    std::ranges::copy_if(lines, std::back_inserter(refused), [](const LedgerEntry& line) {
        return line.kind == LedgerKind::refused;
    });
    ASSERT_EQ(refused.size(), 2U);
    EXPECT_EQ(refused[0].reason, "unknown_recipient");
    EXPECT_EQ(refused[0].count, 12U);
    EXPECT_EQ(refused[0].client_address, "192.0.2.7");
    EXPECT_EQ(refused[0].sender, "");
    EXPECT_EQ(refused[0].address, "nobody@example.com");
    EXPECT_EQ(refused[0].reply, "550 5.1.1 no such user");
    EXPECT_EQ(refused[0].who, "sidingd");
    EXPECT_EQ(refused[1].reason, "relay_denied");
    EXPECT_EQ(store_->counters().all().total(), 0U);
    EXPECT_TRUE(store_->find_messages(TraceKey::recipient, "nobody@example.com", 9).value().empty()
    );
}

TEST_P(StoreTest, FindsByTag) {
    const RecipientId plain = accept("a@example.com");
    const MessageId id = next_id();
    AcceptMessage spam = test::make_message(
        id, "x@y.example", {{"a@example.com", {}}, {"b@example.com", {State::due, "new"}}}, "x"
    );
    spam.envelope.tags = {"spam", "phish"};
    ASSERT_TRUE(apply(spam));
    Filter tagged;
    tagged.tag = "spam";
    EXPECT_EQ(
        list_ids(tagged), (std::vector{RecipientId{id, 0}.text(), RecipientId{id, 1}.text()})
    );
    Filter clean;
    clean.not_tag = "phish";
    EXPECT_EQ(list_ids(clean), std::vector{plain.text()});
    EXPECT_EQ(store_->count(clean).value().recipients, 1U);
    // The tags stay with the recipient wherever it goes.
    EXPECT_EQ(move(Event::release, {{id, 0}}, "new"), 1U);
    reopen();
    EXPECT_EQ(row({id, 0}).tags, spam.envelope.tags);
    MoveRecipients hold;
    hold.event = Event::hold;
    hold.recipients = {{id, 0}, {id, 1}};
    hold.still = clean;
    EXPECT_EQ(apply(hold).value().moved, 0U);
}

TEST_P(StoreTest, ForgetsReleaseJobsThatAreLongDone) {
    const auto order = [&](bool complete) {
        ReleaseJob job;
        job.server = "new";
        job.id = apply(PutRelease{job}).value().release_id;
        job.state = complete ? ReleaseState::complete : ReleaseState::running;
        EXPECT_TRUE(apply(PutRelease{job}));
        return job.id;
    };
    const auto release = [&](std::uint64_t job) {
        const RecipientId id = accept("a@example.com");
        MoveRecipients change;
        change.event = Event::release;
        change.recipients = {id};
        change.server = "new";
        change.release_id = job;
        EXPECT_EQ(apply(change).value().moved, 1U);
        return id;
    };
    const std::uint64_t done = order(true);
    const RecipientId delivered = release(done);
    ASSERT_EQ(attempt(delivered, "new"), 1U);
    ASSERT_EQ(outcome(delivered, OutcomeKind::delivered), 1U);
    const std::uint64_t incomplete = order(false);
    const std::uint64_t moving = order(true);
    const RecipientId due = release(moving);
    for (std::size_t i = 0; i < limits::finished_releases_kept; ++i) {
        order(true);
    }
    reopen();
    const auto has = [&](std::uint64_t id) {
        const auto jobs = store_->releases().value();
        return std::ranges::find(jobs, id, &ReleaseJob::id) != jobs.end();
    };
    EXPECT_FALSE(has(done));
    EXPECT_FALSE(store_->counters().releases.contains(done));
    EXPECT_TRUE(has(incomplete));
    EXPECT_TRUE(has(moving));
    EXPECT_EQ(store_->counters().releases.at(moving).of(State::due), 1U);

    ASSERT_EQ(attempt(due, "new"), 1U);
    ASSERT_EQ(outcome(due, OutcomeKind::delivered), 1U);
    const std::uint64_t newest = order(true);
    EXPECT_FALSE(has(moving));
    EXPECT_TRUE(has(newest));
    EXPECT_EQ(newest, limits::finished_releases_kept + 4) << "numbers are not used again";
    // Everything that was delivered is still counted where it belongs.
    EXPECT_EQ(store_->counters().all().of(State::delivered), 2U);
}

}  // namespace
}  // namespace siding::queue
