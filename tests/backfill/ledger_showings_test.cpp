// Messages that the source shows in several mailboxes, as the ledger finds them by their identity.
#include "tests/backfill/ledger_fixture.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using test::make_row;

class LedgerShowingsTest : public test::LedgerTest {
protected:
    CopyRecord shown(std::uint64_t uid, std::string email_id) const {
        CopyRecord row = make_row(uid, CopyState::copied);
        row.email_id = std::move(email_id);
        return row;
    }
    std::vector<std::pair<std::string, std::uint64_t>> found(std::string_view email_id) const {
        std::vector<std::pair<std::string, std::uint64_t>> names;
        const auto showings = ledger_->showings(account_, email_id, 10);
        EXPECT_TRUE(showings.has_value());
        for (const Showing& each : *showings) {
            names.emplace_back(each.mailbox.source, each.row.uid);
        }
        return names;
    }
    using Found = std::vector<std::pair<std::string, std::uint64_t>>;
};

TEST_F(LedgerShowingsTest, AreFoundInEveryMailbox) {
    const MailboxRecord sent = ledger_->mailbox(account_, "Sent").value();
    const std::vector<CopyRecord> rows{shown(1, "gmail 77"), shown(2, "gmail 78"), shown(3, "")};
    const std::vector<CopyRecord> others{shown(9, "gmail 77")};
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    ASSERT_TRUE(ledger_->record(account_, sent, others));
    EXPECT_EQ(found("gmail 77"), (Found{{"INBOX", 1}, {"Sent", 9}}));
    EXPECT_EQ(found("gmail 78"), (Found{{"INBOX", 2}}));
    EXPECT_EQ(found(""), Found{});
    EXPECT_EQ(found("object 77"), Found{});
    EXPECT_EQ(ledger_->showings(account_, "gmail 77", 1).value().size(), 1U);
}

TEST_F(LedgerShowingsTest, AreThoseThatAreCopied) {
    std::vector<CopyRecord> rows{shown(1, "object A")};
    rows[0].state = CopyState::intent;
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    EXPECT_EQ(found("object A"), Found{});
    rows[0].state = CopyState::copied;
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    EXPECT_EQ(found("object A"), (Found{{"INBOX", 1}}));
    rows[0].state = CopyState::deleted;
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    EXPECT_EQ(found("object A"), Found{});
}

TEST_F(LedgerShowingsTest, EndWithTheEpoch) {
    const std::vector<CopyRecord> rows{shown(1, "object A")};
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    ASSERT_TRUE(ledger_->begin_epoch(account_, inbox_, "another"));
    EXPECT_EQ(found("object A"), Found{});
}

TEST_F(LedgerShowingsTest, AreNoTwins) {
    const std::vector<CopyRecord> rows{shown(1, "object A")};
    ASSERT_TRUE(ledger_->record(account_, inbox_, rows));
    EXPECT_EQ(ledger_->twins(account_, rows[0].digests.raw, 10).value().size(), 1U);
}

}  // namespace
}  // namespace siding::backfill
