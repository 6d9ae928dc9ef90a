// The ledger over its store: what was recorded is there again, in order, with totals and indices
// in step; what the disk has changed is told by name.
#include "backfill/ledger.hpp"

#include "backfill/ledger_codec.hpp"
#include "backfill/ledger_database.hpp"
#include "backfill/ledger_keys.hpp"
#include "tests/backfill/ledger_fixture.hpp"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include <thread>

namespace siding::backfill {
namespace {

using namespace std::literals;
using test::make_row;
using Uids = std::vector<std::uint64_t>;

class LedgerTest : public test::LedgerTest {
protected:
    // Changes what is stored, with a checksum of RocksDB's own that fits.
    void flip(LedgerFamily family, const std::string& key) {
        ledger_.reset();
        const auto database = LedgerDatabase::open(directory_ / "db").value();
        std::string octets = database->get(family, key).value().value();
        octets.back() = static_cast<char>(octets.back() ^ 1);
        rocksdb::WriteBatch batch;
        batch.Put(database->handle(family), key, octets);
        ASSERT_TRUE(database->write(batch));
    }
    std::string row_key(std::uint64_t uid) const {
        return keys::message(
            {account_, inbox_.id, keys::to_epoch(inbox_.source_uid_validity)}, uid
        );
    }
    std::map<CopyState, std::uint64_t> counts() const {
        return ledger_->totals(account_, inbox_).value().messages;
    }
};

TEST_F(LedgerTest, NamesKeepTheirIds) {
    AccountRecord bob = ledger_->account("bob").value();
    EXPECT_EQ(bob.phase, "new");
    EXPECT_NE(bob.id, account_);
    bob.phase = "failed";
    bob.words = "wrong\0password"s;
    bob.pass = 7;
    bob.changed_at = WallTime{std::chrono::hours{3}};
    ASSERT_TRUE(ledger_->put(bob));
    const std::vector<std::string> names{
        "Sent",
        "INBOX",
        "Gr\xC3\xBC\xC3\x9F"
        "e/\xFF",
        "Sent",
        ""};
    const auto made = ledger_->mailboxes(account_, names).value();
    EXPECT_EQ(made[1], inbox_);
    EXPECT_EQ(made[0], made[3]);
    MailboxRecord sent = made[0];
    sent.destination = "Gesendet";
    sent.uid_next = 1ULL << 40;
    sent.modseq = ~0ULL;
    sent.messages = 3;
    sent.copied_below = 5;
    sent.pass = 2;
    sent.destination_uid_validity = "1";
    sent.finished_at = WallTime{std::chrono::hours{4}};
    ASSERT_TRUE(ledger_->put(account_, sent));
    // The same name of another account is another mailbox.
    EXPECT_EQ(ledger_->mailbox(bob.id, "Sent").value().destination, "");

    open();
    EXPECT_EQ(ledger_->account("bob").value(), bob);
    EXPECT_EQ(ledger_->accounts().value().size(), 2U);
    EXPECT_EQ(ledger_->mailbox(account_, "Sent").value(), sent);
    const auto all = ledger_->mailboxes(account_).value();
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0], inbox_);
    EXPECT_EQ(all[1], sent);
    EXPECT_EQ(all[2].source, names[2]);
    EXPECT_EQ(ledger_->mailbox(account_, "new").value().id, 5U);
}

TEST_F(LedgerTest, RowsAreThereAgainInOrderAndInPages) {
    CopyRecord refused = make_row(300, CopyState::refused);
    refused.words = "NO [TOOBIG] no";
    refused.flags.clear();
    refused.is_gone_at_source = true;
    CopyRecord large = make_row((1ULL << 63) + 5, CopyState::copied);
    large.digests.header.clear();
    record({refused, make_row(2, CopyState::copied), large});
    record({make_row(256, CopyState::intent), make_row(1, CopyState::skipped)});
    open();
    EXPECT_EQ(ledger_->find(account_, inbox_, 300).value(), refused);
    EXPECT_EQ(ledger_->find(account_, inbox_, large.uid).value(), large);
    EXPECT_EQ(ledger_->find(account_, inbox_, 3).value(), std::nullopt);

    const LedgerPage first = ledger_->list(account_, inbox_, 0, 3).value();
    EXPECT_EQ(uids(first.rows), (Uids{1, 2, 256}));
    EXPECT_EQ(first.next_uid, 300U);
    const LedgerPage second = ledger_->list(account_, inbox_, first.next_uid, 3).value();
    EXPECT_EQ(uids(second.rows), (Uids{300, large.uid}));
    EXPECT_EQ(second.next_uid, 0U);
    EXPECT_EQ(uids(ledger_->list(account_, inbox_, 3, 1).value().rows), Uids{256});

    const MailboxRecord other = ledger_->mailbox(account_, "Other").value();
    EXPECT_TRUE(ledger_->list(account_, other, 0, 9).value().rows.empty());
}

TEST_F(LedgerTest, TheMailboxIsWrittenBesideItsRows) {
    inbox_.copied_below = 3;
    inbox_.messages = 2;
    record({make_row(2, CopyState::copied)});
    open();
    EXPECT_EQ(inbox_.copied_below, 3U);
    EXPECT_EQ(ledger_->mailbox(account_, "INBOX").value().messages, 2U);
}

TEST_F(LedgerTest, IndicesAndTotalsFollowEachRow) {
    record({make_row(1, CopyState::intent), make_row(2, CopyState::intent)});
    EXPECT_EQ(uids(ledger_->intents(account_, inbox_).value()), (Uids{1, 2}));
    EXPECT_EQ(counts(), (std::map<CopyState, std::uint64_t>{{CopyState::intent, 2}}));
    EXPECT_TRUE(ledger_->twins(account_, sha256("message 1"), 9).value().empty());

    record({make_row(1, CopyState::copied)});
    EXPECT_EQ(uids(ledger_->intents(account_, inbox_).value()), Uids{2});
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'001).value()->uid, 1U);
    EXPECT_EQ(ledger_->twins(account_, sha256("message 1"), 9).value().size(), 1U);
    const MailboxTotals totals = ledger_->totals(account_, inbox_).value();
    EXPECT_EQ(totals.copied_octets, 1001U);
    EXPECT_EQ(
        totals.messages,
        (std::map<CopyState, std::uint64_t>{{CopyState::intent, 1}, {CopyState::copied, 1}})
    );

    // Another UID at the destination; the same row twice in one batch, the last one counts.
    CopyRecord moved = make_row(1, CopyState::copied);
    moved.destination_uid = 7;
    moved.octets = 5;
    CopyRecord gone = make_row(2, CopyState::deleted);
    gone.destination_uid = 8;
    record({moved, make_row(2, CopyState::copied), gone});
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'001).value(), std::nullopt);
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'002).value(), std::nullopt);
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 7).value(), moved);
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 8).value(), gone);
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 0).value(), std::nullopt);
    EXPECT_TRUE(ledger_->intents(account_, inbox_).value().empty());
    EXPECT_TRUE(ledger_->twins(account_, sha256("message 2"), 9).value().empty());
    EXPECT_EQ(ledger_->totals(account_, inbox_).value().copied_octets, 5U);
    EXPECT_EQ(
        counts(),
        (std::map<CopyState, std::uint64_t>{{CopyState::copied, 1}, {CopyState::deleted, 1}})
    );
}

TEST_F(LedgerTest, TwinsAreFoundInTheWholeAccount) {
    const MailboxRecord sent = ledger_->mailbox(account_, "Sent").value();
    const AccountId other = ledger_->account("bob").value().id;
    const MailboxRecord foreign = ledger_->mailbox(other, "INBOX").value();
    record({make_row(1, CopyState::copied, "same"), make_row(2, CopyState::copied, "same")});
    const std::vector<CopyRecord> row{make_row(3, CopyState::copied, "same")};
    ASSERT_TRUE(ledger_->record(account_, sent, row));
    ASSERT_TRUE(ledger_->record(other, foreign, row));
    const auto twins = ledger_->twins(account_, sha256("same"), 9).value();
    ASSERT_EQ(twins.size(), 3U);
    EXPECT_EQ(twins[0].mailbox, inbox_.id);
    EXPECT_EQ(twins[2].mailbox, sent.id);
    EXPECT_EQ(twins[2].uid, 3U);
    EXPECT_EQ(ledger_->twins(account_, sha256("same"), 2).value().size(), 2U);
    // The key has half of the digest only.
    Digest near = sha256("same");
    near.back() = static_cast<char>(near.back() ^ 1);
    EXPECT_TRUE(ledger_->twins(account_, near, 9).value().empty());
    EXPECT_TRUE(ledger_->twins(account_, "", 9).value().empty());
}

TEST_F(LedgerTest, AnotherUidValidityStartsAnewAndTheOldRowsStay) {
    const std::string before = inbox_.source_uid_validity;
    inbox_.uid_next = 9;
    inbox_.copied_below = 9;
    inbox_.pass = 3;
    inbox_.destination = "INBOX";
    record({make_row(1, CopyState::copied), make_row(2, CopyState::intent)});

    inbox_ = ledger_->begin_epoch(account_, inbox_, "99999999999999999999").value();
    EXPECT_EQ(inbox_.uid_next + inbox_.copied_below + inbox_.pass, 0U);
    EXPECT_EQ(inbox_.destination, "INBOX");
    open();
    EXPECT_EQ(inbox_.source_uid_validity, "99999999999999999999");
    EXPECT_TRUE(ledger_->list(account_, inbox_, 0, 9).value().rows.empty());
    EXPECT_TRUE(ledger_->intents(account_, inbox_).value().empty());
    EXPECT_TRUE(counts().empty());
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'001).value(), std::nullopt);
    // UIDs of an ended epoch name nothing any more.
    EXPECT_TRUE(ledger_->twins(account_, sha256("message 1"), 9).value().empty());
    const auto old = ledger_->epoch_rows(account_, inbox_, before, 0, 9).value();
    EXPECT_EQ(uids(old.rows), (Uids{1, 2}));

    record({make_row(1, CopyState::copied, "other")});
    EXPECT_EQ(ledger_->epoch_rows(account_, inbox_, before, 0, 9).value().rows, old.rows);
    inbox_ = ledger_->begin_epoch(account_, inbox_, before).value();
    EXPECT_EQ(ledger_->list(account_, inbox_, 0, 9).value().rows, old.rows);
    EXPECT_EQ(counts().size(), 2U);
}

TEST_F(LedgerTest, ValuesOfAnAccount) {
    ASSERT_TRUE(ledger_->put_value(account_, "plan", "a"));
    ASSERT_TRUE(ledger_->put_value(account_, "plan", "b\0c"s));
    ASSERT_TRUE(ledger_->put_value(account_, "verify/1", ""));
    ASSERT_TRUE(ledger_->put_value(account_, "verify/2", "x"));
    ASSERT_TRUE(ledger_->put_value(account_ + 1, "verify/3", "y"));
    open();
    EXPECT_EQ(ledger_->value(account_, "plan").value(), "b\0c"s);
    EXPECT_EQ(ledger_->value(account_, "none").value(), std::nullopt);
    EXPECT_EQ(
        ledger_->values(account_, "verify/").value(),
        (std::map<std::string, std::string>{{"verify/1", ""}, {"verify/2", "x"}})
    );
    EXPECT_EQ(ledger_->values(account_, "").value().size(), 3U);
}

TEST_F(LedgerTest, OneProcessHasIt) {
    const auto second = Ledger::open(directory_.path());
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(Errc::already_exists)) << second.error().message();
    record({make_row(1, CopyState::copied)});
    ledger_.reset();

    const auto reader = Ledger::open_read_only(directory_.path()).value();
    EXPECT_EQ(uids(reader->list(account_, inbox_, 0, 9).value().rows), Uids{1});
    const auto refused = reader->put(account_, inbox_);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(Errc::conflict));
    EXPECT_FALSE(reader->failed());
    const auto none = Ledger::open_read_only(directory_ / "none");
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(Errc::not_found));
}

TEST_F(LedgerTest, AChangedRowIsToldByNameAndIsNeverSkipped) {
    record(
        {make_row(1, CopyState::copied),
         make_row(2, CopyState::copied),
         make_row(3, CopyState::intent)}
    );
    flip(LedgerFamily::message, row_key(2));
    open();
    const auto listed = ledger_->list(account_, inbox_, 0, 9);
    ASSERT_FALSE(listed);
    EXPECT_TRUE(listed.error().is(Errc::corrupt));
    EXPECT_NE(listed.error().context.find("UID 2 in mailbox 1 of account 1"), std::string::npos)
        << listed.error().context;
    EXPECT_TRUE(ledger_->find(account_, inbox_, 2).error().is(Errc::corrupt));
    EXPECT_TRUE(ledger_->twins(account_, sha256("message 2"), 9).error().is(Errc::corrupt));
    EXPECT_EQ(ledger_->find(account_, inbox_, 1).value()->uid, 1U);
    EXPECT_FALSE(ledger_->failed());

    EXPECT_EQ(ledger_->put_aside_corrupt(account_, inbox_).value(), Uids{2});
    EXPECT_EQ(ledger_->put_aside_corrupt(account_, inbox_).value(), Uids{});
    // Whether it was copied is in doubt now; it is not forgotten.
    EXPECT_EQ(uids(ledger_->intents(account_, inbox_).value()), (Uids{2, 3}));
    EXPECT_EQ(
        counts(),
        (std::map<CopyState, std::uint64_t>{{CopyState::intent, 2}, {CopyState::copied, 1}})
    );
    EXPECT_EQ(ledger_->totals(account_, inbox_).value().copied_octets, 1001U);
    // The stale entries of its indices name nothing.
    EXPECT_TRUE(ledger_->twins(account_, sha256("message 2"), 9).value().empty());
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'002).value(), std::nullopt);
    record({make_row(2, CopyState::copied)});
    EXPECT_EQ(ledger_->find_by_destination(account_, inbox_, 100'002).value()->uid, 2U);

    const std::string key = row_key(2);
    ledger_.reset();
    const auto database = LedgerDatabase::open(directory_ / "db", true).value();
    EXPECT_TRUE(database->get(LedgerFamily::quarantine, key).value());
}

TEST_F(LedgerTest, AChangedRowMayBeWrittenAnew) {
    record({make_row(1, CopyState::intent), make_row(2, CopyState::copied)});
    flip(LedgerFamily::message, row_key(1));
    open();
    EXPECT_TRUE(ledger_->intents(account_, inbox_).error().is(Errc::corrupt));
    record({make_row(1, CopyState::refused)});
    EXPECT_TRUE(ledger_->intents(account_, inbox_).value().empty());
    EXPECT_EQ(
        counts(),
        (std::map<CopyState, std::uint64_t>{{CopyState::refused, 1}, {CopyState::copied, 1}})
    );
}

TEST_F(LedgerTest, ChangedTotalsAreCountedAgain) {
    record({make_row(1, CopyState::copied), make_row(2, CopyState::copied)});
    const keys::EpochKey of{account_, inbox_.id, keys::to_epoch(inbox_.source_uid_validity)};
    flip(LedgerFamily::records, keys::totals(of));
    open();
    EXPECT_EQ(counts(), (std::map<CopyState, std::uint64_t>{{CopyState::copied, 2}}));
    record({make_row(3, CopyState::copied)});
    EXPECT_EQ(counts(), (std::map<CopyState, std::uint64_t>{{CopyState::copied, 3}}));
}

TEST_F(LedgerTest, ChangedRecordsOfMailboxesAndAccountsAreTold) {
    flip(LedgerFamily::records, keys::mailbox(account_, inbox_.id));
    ledger_ = Ledger::open(directory_.path()).value();
    EXPECT_TRUE(ledger_->mailbox(account_, "INBOX").error().is(Errc::corrupt));
    EXPECT_TRUE(ledger_->mailboxes(account_).error().is(Errc::corrupt));
    flip(LedgerFamily::records, keys::account(account_));
    ledger_ = Ledger::open(directory_.path()).value();
    EXPECT_TRUE(ledger_->account("ann").error().is(Errc::corrupt));
}

TEST_F(LedgerTest, ManyThreadsOnManyMailboxes) {
    constexpr std::uint64_t rounds = 20;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([this, i] {
            const AccountId account = ledger_->account(fmt::format("user{}", i % 4)).value().id;
            const MailboxRecord box =
                ledger_->mailbox(account, fmt::format("box{}", i / 4)).value();
            for (std::uint64_t uid = 1; uid <= rounds; ++uid) {
                const std::vector<CopyRecord> rows{
                    make_row(uid, CopyState::copied), make_row(1000 + uid, CopyState::intent)};
                EXPECT_TRUE(ledger_->record(account, box, rows));
            }
        });
    }
    threads.clear();
    EXPECT_EQ(ledger_->accounts().value().size(), 5U);
    for (const AccountRecord& account : ledger_->accounts().value()) {
        for (const MailboxRecord& box : ledger_->mailboxes(account.id).value()) {
            const bool is_theirs = account.id != account_;
            EXPECT_EQ(
                ledger_->totals(account.id, box).value().messages[CopyState::copied],
                is_theirs ? rounds : 0
            );
        }
    }
}

}  // namespace
}  // namespace siding::backfill
