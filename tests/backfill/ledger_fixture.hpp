// A ledger of one test's own, and rows to put into it.
#pragma once

#include "backfill/ledger.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace siding::backfill::test {

inline CopyRecord make_row(std::uint64_t uid, CopyState state, std::string_view text = {}) {
    CopyRecord row;
    row.uid = uid;
    row.state = state;
    const std::string octets = text.empty() ? fmt::format("message {}", uid) : std::string{text};
    row.digests = {
        sha256(octets), sha256(octets + "c"), sha256(octets + "h"), sha256(octets + "b")};
    row.octets = 1000 + uid;
    row.internal_date = " 1-Feb-2024 10:00:00 +0100";
    row.flags = {"$Forwarded", "\\Seen"};
    row.destination_uid = state == CopyState::copied ? 100'000 + uid : 0;
    row.pass = 1;
    return row;
}

class LedgerTest : public testing::Test {
protected:
    void SetUp() override { open(); }
    void open() {
        ledger_.reset();
        auto opened = Ledger::open(directory_.path());
        ASSERT_TRUE(opened) << opened.error().message();
        ledger_ = std::move(*opened);
        account_ = ledger_->account("ann").value().id;
        inbox_ = ledger_->mailbox(account_, "INBOX").value();
        if (inbox_.source_uid_validity.empty()) {
            inbox_.source_uid_validity = "1700000000";
            ASSERT_TRUE(ledger_->put(account_, inbox_));
        }
    }
    void record(const std::vector<CopyRecord>& rows) {
        const auto written = ledger_->record(account_, inbox_, rows);
        ASSERT_TRUE(written) << written.error().message();
    }
    std::vector<std::uint64_t> uids(const std::vector<CopyRecord>& rows) const {
        std::vector<std::uint64_t> out;
        for (const CopyRecord& row : rows) {
            out.push_back(row.uid);
        }
        return out;
    }

    siding::test::TempDirectory directory_{siding::test::fast_directory()};
    std::unique_ptr<Ledger> ledger_;
    AccountId account_ = 0;
    MailboxRecord inbox_;
};

}  // namespace siding::backfill::test
