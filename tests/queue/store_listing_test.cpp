// Listings, counts, due work, traces and the ledger of every backend.
#include "tests/queue/store_fixture.hpp"

#include <algorithm>
#include <set>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;
using test::domain_of;
using test::make_message;

class StoreListingTest : public StoreTest {
protected:
    // 24 messages of three recipients over two domains, two waves and all states that stay.
    void SetUp() override {
        StoreTest::SetUp();
        model_.recover(now());
        for (int i = 0; i < 24; ++i) {
            clock_.advance(1min);
            const MessageId id = next_id();
            const std::string local = "user" + std::to_string(i % 5);
            put(make_message(
                id,
                i % 4 == 0   ? ""
                : i % 4 == 1 ? "Ann@Sender.example"
                             : "bob@sender.example",
                {{local + "@example.com", {}},
                 {"Shared@Example.org", {State::due, i % 2 == 0 ? "new" : "old"}, "pilot"},
                 {"shared@example.org", {State::due, "new"}}},
                std::string(static_cast<std::size_t>(i) * 100, 'x')
            ));
            if (i % 3 == 0) {
                put(StartAttempt{{{id, 1}}, i % 2 == 0 ? "new" : "old"});
            }
            if (i % 6 == 1) {
                MoveRecipients park;
                park.event = Event::park;
                park.recipients = {{id, 2}};
                put(park);
            }
        }
    }

    void put(const Change& change) {
        ASSERT_TRUE(apply(change));
        ASSERT_TRUE(model_.apply(change, now()));
    }

    // The listing is what the one predicate says of every row, whatever the page size.
    void expect_as_model(const Filter& filter, const char* what) {
        const auto expected = model_.matching(filter);
        auto ids = test::ids_of(expected);
        std::ranges::sort(ids);
        for (const std::size_t page_rows : {1U, 2U, 3U, 5U, 7U, 25U, 1000U}) {
            auto listed = list_ids(filter, page_rows);
            std::ranges::sort(listed);
            EXPECT_EQ(listed, ids) << what << ", pages of " << page_rows;
        }
        std::uint64_t octets = 0;
        for (const Recipient& row : expected) {
            octets += row.size_octets;
        }
        const auto total = store_->count(filter).value();
        EXPECT_EQ(total.recipients, expected.size()) << what;
        EXPECT_EQ(total.octets, octets) << what;
    }

    test::QueueModel model_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StoreListingTest, testing::ValuesIn(backends()), backend_name);

TEST_P(StoreListingTest, FindsWhatEachFieldSays) {
    const MessageId some = model_.messages.begin()->first;
    const WallTime middle = test::test_epoch + 12min;
    struct Case {
        const char* what;
        Filter filter;
    };
    std::vector<Case> cases{{"all", {}}};
    const auto add = [&](const char* what, auto set) {
        Filter filter;
        set(filter);
        cases.push_back({what, filter});
    };
    add("domain", [](Filter& f) { f.domain = domain_of("example.org"); });
    add("no such domain", [](Filter& f) { f.domain = domain_of("example.net"); });
    add("wave", [](Filter& f) { f.wave = "pilot"; });
    add("recipient", [](Filter& f) { f.recipient = "user3@example.com"; });
    add("recipient, due", [](Filter& f) { f.recipient = "shared@example.org"; });
    add("sender", [](Filter& f) { f.sender = "ann@sender.example"; });
    add("null sender", [](Filter& f) { f.sender = ""; });
    add("since", [&](Filter& f) { f.since = middle; });
    add("before", [&](Filter& f) { f.before = middle; });
    add("larger", [](Filter& f) { f.larger_octets = 1000; });
    add("message", [&](Filter& f) { f.message = some; });
    add("one recipient", [&](Filter& f) { f.message = some, f.recipient_number = 2; });
    add("up to", [&](Filter& f) { f.up_to = some; });
    for (const State state : all_states) {
        add("state", [&](Filter& f) { f.state = state; });
    }
    for (const Case& one : cases) {
        expect_as_model(one.filter, one.what);
    }
}

// All pairs of fields, each with a value that some rows have.
TEST_P(StoreListingTest, FindsWhatCombinationsSay) {
    const MessageId some = model_.messages.rbegin()->first;
    const std::vector<std::function<void(Filter&)>> fields{
        [](Filter& f) { f.domain = domain_of("example.org"); },
        [](Filter& f) { f.wave = "pilot"; },
        [](Filter& f) { f.recipient = "shared@example.org"; },
        [](Filter& f) { f.sender = "ann@sender.example"; },
        [](Filter& f) { f.state = State::due; },
        [](Filter& f) { f.state = State::held; },
        [](Filter& f) { f.state = State::in_flight; },
        [](Filter& f) { f.since = test::test_epoch + 6min; },
        [](Filter& f) { f.before = test::test_epoch + 18min; },
        [](Filter& f) { f.larger_octets = 700; },
        [&](Filter& f) { f.message = some; },
        [&](Filter& f) { f.up_to = some; },
    };
    for (std::size_t a = 0; a < fields.size(); ++a) {
        for (std::size_t b = a + 1; b < fields.size(); ++b) {
            Filter filter;
            fields[a](filter);
            fields[b](filter);
            expect_as_model(
                filter, ("fields " + std::to_string(a) + ", " + std::to_string(b)).c_str()
            );
        }
    }
}

TEST_P(StoreListingTest, CountsUpToTheLimit) {
    Filter filter;
    for (const bool by_sender : {false, true}) {
        if (by_sender) {
            filter.sender = "";
        }
        const auto rows = model_.matching(filter).size();
        for (const std::uint64_t limit : {0U, 1U, 4U, 10U, 10'000U}) {
            filter.limit = limit;
            EXPECT_EQ(
                store_->count(filter).value().recipients, std::min<std::uint64_t>(limit, rows)
            );
        }
        filter.limit.reset();
    }
}

TEST_P(StoreListingTest, ListsHeldMailByDomainWaveRecipientAndId) {
    Filter filter;
    filter.state = State::held;
    const auto rows = test::list_all(*store_, filter, 4).value();
    const auto order = [](const Recipient& row) {
        return std::tuple{row.domain.text(), row.wave, row.address, row.id};
    };
    EXPECT_TRUE(std::ranges::is_sorted(rows, {}, order));
    EXPECT_EQ(rows.size(), 24U);
}

TEST_P(StoreListingTest, GivesRowsByIdWhileStatesChange) {
    std::vector<Recipient> rows;
    std::string cursor;
    do {
        const auto page = store_->rows(cursor, 5).value();
        std::ranges::copy(page.rows, std::back_inserter(rows));
        cursor = page.cursor;
        MoveRecipients hold;
        hold.event = Event::hold;
        hold.recipients = {rows.back().id, rows.front().id};
        put(hold);
    } while (!cursor.empty());
    EXPECT_EQ(test::ids_of(rows), test::ids_of(model_.matching({})));
}

TEST_P(StoreListingTest, RefusesAStrangeCursor) {
    for (const char* cursor : {"x", "0", ":", "0:1", "0:zz", "zz:00"}) {
        const auto page = store_->list({}, cursor, 10);
        ASSERT_FALSE(page) << cursor;
        EXPECT_TRUE(page.error().is(Errc::invalid_argument)) << cursor;
    }
}

TEST_P(StoreListingTest, GivesDueWorkInOrderOfTime) {
    for (const std::string lane : {"new", "old", "ne", ""}) {
        for (const auto ago : {0min, 6min, 30min}) {
            const auto expected = test::ids_of(model_.due(lane, now() - ago));
            for (const std::size_t page_rows : {1U, 4U, 100U}) {
                std::vector<std::string> ids;
                std::string cursor;
                do {
                    const auto page = store_->due(lane, now() - ago, cursor, page_rows).value();
                    EXPECT_LE(page.rows.size(), page_rows);
                    std::ranges::move(test::ids_of(page.rows), std::back_inserter(ids));
                    cursor = page.cursor;
                } while (!cursor.empty());
                EXPECT_EQ(ids, expected) << lane;
            }
        }
    }
    const auto first = model_.due("new", now()).front();
    EXPECT_EQ(store_->first_due_at("new").value(), first.due_at);
    EXPECT_EQ(store_->first_due_at("nowhere").value(), std::nullopt);
    EXPECT_EQ(store_->lanes().value(), (std::vector<std::string>{"new", "old"}));
}

TEST_P(StoreListingTest, StartsDueWorkAtATime) {
    for (const auto at : {0min, 5min, 12min, 24min, 60min}) {
        const WallTime from = test::test_epoch + at;
        std::vector<Recipient> expected = model_.due("new", now());
        std::erase_if(expected, [&](const Recipient& row) { return row.due_at < from; });
        const auto page = store_->due("new", now(), store_->due_cursor("new", from), 100).value();
        EXPECT_EQ(test::ids_of(page.rows), test::ids_of(expected)) << at.count();
    }
}

TEST_P(StoreListingTest, GivesPrintableCursors) {
    Filter by_sender;
    by_sender.sender = "";
    for (const Filter& filter : {Filter{}, by_sender}) {
        const std::string cursor = store_->list(filter, {}, 1).value().cursor;
        EXPECT_FALSE(cursor.empty());
        EXPECT_TRUE(std::ranges::all_of(cursor, [](char c) { return c > ' ' && c < '\x7f'; }));
    }
}

TEST_P(StoreListingTest, KeepsWorkOfLaterUntilThen) {
    const RecipientId id = accept_due("later@example.com", "later");
    ASSERT_EQ(attempt(id, "later"), 1U);
    EXPECT_EQ(store_->first_due_at("later").value(), std::nullopt) << "in flight";
    ASSERT_EQ(outcome(id, OutcomeKind::deferred, "450"), 1U);
    EXPECT_TRUE(store_->due("later", now() + 1h - 1ms, "", 10).value().rows.empty());
    EXPECT_EQ(store_->due("later", now() + 1h, "", 10).value().rows.size(), 1U);
    EXPECT_EQ(store_->first_due_at("later").value(), now() + 1h);
    const auto lanes = store_->lanes().value();
    EXPECT_NE(std::ranges::find(lanes, "later"), lanes.end());
}

TEST_P(StoreListingTest, FindsMessagesNewestFirst) {
    const auto newest_first = [&](auto belongs, std::size_t most) {
        std::vector<MessageId> ids;
        for (auto i = model_.messages.rbegin(); i != model_.messages.rend(); ++i) {
            if (ids.size() < most && belongs(i->second.envelope)) {
                ids.push_back(i->first);
            }
        }
        return ids;
    };
    const auto any = [](const Envelope&) { return true; };
    EXPECT_EQ(
        store_->find_messages(TraceKey::recipient, "shared@example.org", 100).value(),
        newest_first(any, 100)
    );
    EXPECT_EQ(
        store_->find_messages(TraceKey::recipient, "shared@example.org", 3).value(),
        newest_first(any, 3)
    );
    EXPECT_EQ(
        store_->find_messages(TraceKey::sender, "", 100).value(),
        newest_first([](const Envelope& e) { return e.reverse_path.empty(); }, 100)
    );
    EXPECT_EQ(
        store_->find_messages(TraceKey::sender, "ann@sender.example", 100).value(),
        newest_first([](const Envelope& e) { return e.reverse_path.starts_with("Ann"); }, 100)
    );
    const auto& [id, message] = *model_.messages.begin();
    EXPECT_EQ(
        store_->find_messages(TraceKey::message_id_header, message.envelope.message_id_header, 9)
            .value(),
        std::vector{id}
    );
    EXPECT_TRUE(store_->find_messages(TraceKey::recipient, "shared@example.or", 9).value().empty());
}

TEST_P(StoreListingTest, ReadsTheLedgerFromAnyLine) {
    const auto all = store_->read_ledger(1, 10'000).value();
    ASSERT_EQ(all.size(), model_.ledger.size());
    std::set<Digest> chains;
    for (const LedgerEntry& line : all) {
        chains.insert(line.chain);
    }
    EXPECT_EQ(chains.size(), all.size());
    EXPECT_EQ(store_->read_ledger(0, 3).value().size(), 3U);
    const auto some = store_->read_ledger(10, 5).value();
    ASSERT_EQ(some.size(), 5U);
    EXPECT_EQ(some[0].sequence, 10U);
    EXPECT_EQ(some[4].chain, all[13].chain);
    EXPECT_TRUE(store_->read_ledger(all.size() + 1, 5).value().empty());
    EXPECT_TRUE(store_->read_ledger(all.size() + 100, 5).value().empty());
    const MessageId id = model_.messages.begin()->first;
    for (const LedgerEntry& line : store_->ledger_of(id).value()) {
        EXPECT_EQ(line.recipient.message, id);
    }
    EXPECT_TRUE(store_->ledger_of(next_id()).value().empty());
}

}  // namespace
}  // namespace siding::queue
