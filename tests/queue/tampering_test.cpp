// Octets that change on the disk behind the store's back: told by name, put aside, and the rest is
// served. Records are changed through RocksDB itself, so that its own checksums do not notice.
#include "queue/keys.hpp"
#include "queue/record.hpp"
#include "queue/rocks_database.hpp"
#include "queue/rocks_store.hpp"
#include "tests/support/queue_describe.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

namespace siding::queue {
namespace {

using test::make_message;

class TamperingTest : public testing::Test {
protected:
    // Three messages: held, due and in flight, the last one with two recipients.
    void SetUp() override {
        open();
        put(make_message(held_, "", {{"held@example.com", {}}}, "held"));
        put(make_message(due_, "", {{"due@example.com", {State::due, "new"}}}, "due"));
        put(make_message(
            pair_,
            "",
            {{"one@example.com", {State::due, "new"}}, {"two@example.com", {State::due, "new"}}},
            "pair"
        ));
        put(StartAttempt{{{pair_, 0}, {pair_, 1}}, "new"});
    }
    void open() {
        auto opened = open_store(directory_.path(), test::test_epoch);
        ASSERT_TRUE(opened) << opened.error().message();
        store_ = std::move(*opened);
    }
    Applied put(const Change& change) {
        auto applied = test::apply_one(*store_, change, test::test_epoch);
        EXPECT_TRUE(applied) << applied.error().message();
        return applied ? *applied : Applied{};
    }

    // Closes the store and changes one record; nothing: it goes.
    using Tamper = std::function<std::optional<std::string>(std::string)>;
    void tamper(Family family, const std::string& key, const Tamper& change) {
        store_.reset();
        RocksOptions options;
        options.directory = directory_ / "db";
        const auto database = RocksDatabase::open(options).value();
        const auto stored = database->get(family, key).value();
        ASSERT_TRUE(stored);
        rocksdb::WriteBatch batch;
        if (const auto changed = change(*stored)) {
            batch.Put(database->handle(family), key, *changed);
        } else {
            batch.Delete(database->handle(family), key);
        }
        ASSERT_TRUE(database->write_synced(batch));
    }
    void flip(Family family, const std::string& key) {
        tamper(family, key, [](std::string octets) {
            octets[octets.size() / 2] = static_cast<char>(octets[octets.size() / 2] ^ 1);
            return octets;
        });
    }
    std::optional<std::string> raw(Family family, const std::string& key) {
        store_.reset();
        RocksOptions options;
        options.directory = directory_ / "db";
        options.read_only = true;
        return RocksDatabase::open(options).value()->get(family, key).value();
    }
    MoveRecipients move(Event event, RecipientId id) {
        MoveRecipients change;
        change.event = event;
        change.recipients = {id};
        change.server = "new";
        return change;
    }
    void put_many(State state) {
        for (std::uint64_t m = 0; m < 2000; ++m) {
            const std::string address = "u" + std::to_string(m) + "@example.com";
            put(make_message(MessageId{1000 + m}, "", {{address, {state, "new"}}}, ""));
        }
    }
    // One block of the file that the recipients are flushed to.
    void damage_recipients() {
        store_.reset();
        std::filesystem::path file;
        {
            RocksOptions options;
            options.directory = directory_ / "db";
            const auto database = RocksDatabase::open(options).value();
            std::vector<rocksdb::LiveFileMetaData> files;
            database->db().GetLiveFilesMetaData(&files);
            for (const auto& one : files) {
                if (one.column_family_name == "recipient" && one.size > 30'000) {
                    file = one.db_path + one.name;
                }
            }
        }
        ASSERT_FALSE(file.empty());
        std::fstream octets{file, std::ios::in | std::ios::out | std::ios::binary};
        octets.seekp(2000);
        octets.write("########", 8);
    }
    std::vector<std::string> listed() {
        auto ids = test::ids_of(test::list_all(*store_, {}, 10).value());
        std::ranges::sort(ids);
        return ids;
    }

    const MessageId held_{100};
    const MessageId due_{200};
    const MessageId pair_{300};
    test::TempDirectory directory_;
    std::unique_ptr<Store> store_;
};

TEST_F(TamperingTest, ALedgerLineThatChangedIsFound) {
    flip(Family::ledger, keys::ledger(3));  // after `started` and the first message
    open();
    const auto all = store_->read_ledger(1, 100);
    ASSERT_FALSE(all);
    EXPECT_TRUE(all.error().is(Errc::corrupt));
    EXPECT_NE(all.error().context.find("ledger/3"), std::string::npos);
    EXPECT_EQ(store_->read_ledger(1, 1).value().size(), 1U);
    EXPECT_TRUE(store_->ledger_of(held_));
    EXPECT_TRUE(store_->ledger_of(due_).error().is(Errc::corrupt));
    put(make_message(MessageId{400}, "", {{"new@example.com", {}}}, "still served"));
}

TEST_F(TamperingTest, ALedgerLineThatWasTakenOutIsFound) {
    tamper(Family::ledger, keys::ledger(2), [](const std::string&) { return std::nullopt; });
    open();
    const auto all = store_->read_ledger(1, 100);
    ASSERT_FALSE(all);
    EXPECT_TRUE(all.error().is(Errc::corrupt));
    EXPECT_NE(all.error().context.find('2'), std::string::npos);
}

// Checksums are no secret; the chain is what a rewritten line breaks.
TEST_F(TamperingTest, ALedgerLineThatWasRewrittenWithItsChecksumsIsFound) {
    tamper(Family::ledger, keys::ledger(3), [](const std::string& stored) {
        LedgerEntry line = decode_ledger(stored, 3, nullptr).value();
        line.sender = "somebody.else@sender.example";
        std::string rewritten = encode_ledger(line, ledger_genesis());
        const std::string_view old_chain = std::string_view{stored}.substr(stored.size() - 32);
        return rewritten.replace(rewritten.size() - 32, 32, old_chain);
    });
    open();
    EXPECT_TRUE(store_->read_ledger(1, 100).error().is(Errc::corrupt));
}

TEST_F(TamperingTest, ARecipientThatCannotBeReadIsPutAside) {
    const std::string key = keys::recipient({held_, 0});
    flip(Family::recipient, key);
    open();
    EXPECT_EQ(
        listed(),
        test::ids_of(
            {Recipient{store_->read_recipient({due_, 0}).value()},
             store_->read_recipient({pair_, 0}).value(),
             store_->read_recipient({pair_, 1}).value()}
        )
    );
    EXPECT_TRUE(store_->read_recipient({held_, 0}).error().is(Errc::corrupt));
    EXPECT_EQ(put(move(Event::release, {held_, 0})).moved, 0U);
    EXPECT_TRUE(store_->read_recipient({held_, 0}).error().is(Errc::not_found));
    const LedgerEntry line = store_->ledger_of(held_).value().back();
    EXPECT_EQ(line.kind, LedgerKind::quarantined);
    EXPECT_EQ(line.recipient, (RecipientId{held_, 0}));
    EXPECT_FALSE(line.quarantined_key.empty());
    EXPECT_EQ(store_->read_body_chunk(held_, 0).value(), "held");
    EXPECT_EQ(put(move(Event::release, {held_, 0})).moved, 0U) << "told once";
    EXPECT_EQ(store_->ledger_of(held_).value().size(), 2U);
    EXPECT_TRUE(raw(Family::quarantine, line.quarantined_key));
    EXPECT_FALSE(raw(Family::recipient, key));
}

TEST_F(TamperingTest, AMessageStaysForTheRecipientThatWasPutAside) {
    flip(Family::recipient, keys::recipient({pair_, 1}));
    open();
    ASSERT_EQ(put(StartAttempt{{{pair_, 0}, {pair_, 1}}, "new"}).moved, 1U);
    RecordOutcome outcome{{{{pair_, 0}, OutcomeKind::delivered, "250", {}}}, "new", ""};
    EXPECT_EQ(put(outcome).moved, 1U);
    EXPECT_EQ(store_->read_body_chunk(pair_, 0).value(), "pair");
    EXPECT_EQ(store_->read_envelope(pair_).value().recipients.at(1).address, "two@example.com");
}

TEST_F(TamperingTest, TheSameWhenItIsFoundAtTheEnd) {
    const MessageId late{400};
    put(make_message(late, "", {{"a@example.com", {}}, {"b@example.com", {}}}, "late"));
    flip(Family::recipient, keys::recipient({late, 1}));
    open();
    EXPECT_EQ(put(move(Event::discard, {late, 0})).moved, 1U);
    EXPECT_EQ(store_->read_body_chunk(late, 0).value(), "late");
    EXPECT_EQ(store_->ledger_of(late).value().back().kind, LedgerKind::discarded);
}

TEST_F(TamperingTest, AnUnreadableAttemptDoesNotKeepTheQueueClosed) {
    flip(Family::recipient, keys::recipient({pair_, 0}));
    open();
    EXPECT_EQ(store_->read_recipient({pair_, 1}).value().state, State::due);
    EXPECT_TRUE(store_->read_recipient({pair_, 0}).error().is(Errc::not_found));
    store_.reset();
    open();
    flip(Family::recipient, keys::recipient({pair_, 1}));
    open();
    EXPECT_EQ(listed().size(), 2U);
}

TEST_F(TamperingTest, UnreadableWorkIsNotDueForEver) {
    flip(Family::recipient, keys::recipient({due_, 0}));
    open();
    const auto page = store_->due("new", test::test_epoch, "", 10).value();
    EXPECT_EQ(page.rows.size(), 2U);
    ASSERT_EQ(put(StartAttempt{{{pair_, 0}, {pair_, 1}}, "new"}).moved, 2U);
    EXPECT_EQ(store_->first_due_at("new").value(), std::nullopt);
}

TEST_F(TamperingTest, AnEnvelopeOrBodyThatChangedIsNeverGivenOut) {
    flip(Family::message, keys::message(held_));
    flip(Family::body, keys::body(due_, 0));
    open();
    const auto envelope = store_->read_envelope(held_);
    ASSERT_FALSE(envelope);
    EXPECT_TRUE(envelope.error().is(Errc::corrupt));
    EXPECT_NE(envelope.error().context.find(held_.text()), std::string::npos);
    const auto body = store_->read_body_chunk(due_, 0);
    ASSERT_FALSE(body);
    EXPECT_TRUE(body.error().is(Errc::corrupt));
    EXPECT_NE(body.error().context.find(due_.text()), std::string::npos);
    EXPECT_EQ(listed().size(), 4U);
    EXPECT_EQ(store_->read_body_chunk(pair_, 0).value(), "pair");
    // The operator can still park and discard them.
    EXPECT_EQ(put(move(Event::park, {held_, 0})).moved, 1U);
    EXPECT_EQ(put(move(Event::discard, {due_, 0})).moved, 1U);
}

// A bad sector takes a block of many rows; listings and orders go on with the others.
TEST_F(TamperingTest, ABlockThatCannotBeReadHidesNoOther) {
    put_many(State::held);
    damage_recipients();
    open();
    const auto all = test::list_all(*store_, {}, 100);
    ASSERT_TRUE(all) << all.error().message();
    EXPECT_GT(all->size(), 1000U);
    EXPECT_LT(all->size(), 2004U);
    EXPECT_EQ(put(move(Event::release, all->back().id)).moved, 1U);
}

TEST_F(TamperingTest, ABlockThatCannotBeReadStopsNoOtherMoveOfItsPage) {
    put_many(State::held);
    damage_recipients();
    open();
    MoveRecipients all = move(Event::release, {MessageId{1000}, 0});
    for (std::uint64_t m = 1; m < 2000; ++m) {
        all.recipients.push_back({MessageId{1000 + m}, 0});
    }
    const std::uint64_t moved = put(all).moved;
    EXPECT_GT(moved, 1000U);
    EXPECT_LT(moved, 2000U);
}

TEST_F(TamperingTest, ABlockOfUnreadableAttemptsDoesNotKeepTheQueueClosed) {
    put_many(State::due);
    for (std::uint64_t m = 0; m < 2000; ++m) {
        put(StartAttempt{{{MessageId{1000 + m}, 0}}, "new"});
    }
    damage_recipients();
    open();
    Filter filter;
    filter.state = State::due;
    const auto due = test::list_all(*store_, filter, 100);
    ASSERT_TRUE(due) << due.error().message();
    EXPECT_GT(due->size(), 1000U);
    EXPECT_LT(due->size(), 2003U);
}

TEST_F(TamperingTest, WithoutItsOwnBooksTheQueueDoesNotOpen) {
    for (const std::string& key :
         {std::string{keys::meta_tail}, keys::meta_counts("example.com", "default")}) {
        flip(Family::meta, key);
        const auto opened = open_store(directory_.path(), test::test_epoch);
        ASSERT_FALSE(opened) << key;
        EXPECT_TRUE(opened.error().is(Errc::corrupt));
        EXPECT_NE(opened.error().context.find("meta/"), std::string::npos);
        flip(Family::meta, key);
        open();
    }
}

}  // namespace
}  // namespace siding::queue
