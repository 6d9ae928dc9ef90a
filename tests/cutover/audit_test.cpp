#include "cutover/audit.hpp"

#include "queue/rocks_store.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/cutover/store_view.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace siding::cutover {
namespace {

using queue::OutcomeKind;
using test::StoreView;
using Problems = std::vector<std::string>;

bool has(const AuditReport& report, const std::string& problem) {
    const bool found = std::ranges::find(report.problems, problem) != report.problems.end();
    for (const std::string& one : report.problems) {
        EXPECT_TRUE(found) << one;
    }
    return found;
}

class AuditTest : public testing::Test {
protected:
    AuditTest() : store_{std::move(queue::open_store(directory_.path(), test::noon)).value()} {}

    // Eight recipients: held 3, due 1, in flight 1, parked 1, delivered 1, discarded 1.
    void fill() {
        test::apply(*store_, test::make_mail(id(1), {"a@example.com", "b@example.com"}));
        test::apply(*store_, test::make_mail(id(2), {"a@example.com", "b@example.net"}));
        test::apply(
            *store_,
            test::make_mail(
                id(3), {"a@example.com", "b@example.com", "c@example.com", "d@example.com"}
            )
        );
        test::release(*store_, {id(2), 0});
        test::release(*store_, {id(3), 0});
        test::attempt(*store_, {id(3), 0});
        test::release(*store_, {id(3), 1});
        test::attempt(*store_, {id(3), 1});
        test::finish(*store_, {id(3), 1}, OutcomeKind::parked);
        test::deliver(*store_, {id(3), 2});
        test::discard(*store_, {id(3), 3});
    }

    static MessageId id(std::uint64_t n) {
        return MessageId{MessageId::at(test::noon).value() + n};
    }

    test::TempDirectory directory_;
    std::unique_ptr<queue::Store> store_;
};

TEST_F(AuditTest, an_empty_queue_balances) {
    const auto report = audit(*store_, true).value();
    EXPECT_TRUE(report.balanced());
    EXPECT_TRUE(report.chain_ok);
    EXPECT_EQ(report.accepted, 0U);
}

TEST_F(AuditTest, counts_every_state) {
    fill();
    const auto report = audit(*store_, true).value();
    EXPECT_EQ(report.problems, Problems{});
    EXPECT_TRUE(report.chain_ok);
    EXPECT_EQ(report.accepted, 8U);
    EXPECT_EQ(report.held, 3U);
    EXPECT_EQ(report.due, 1U);
    EXPECT_EQ(report.in_flight, 1U);
    EXPECT_EQ(report.parked, 1U);
    EXPECT_EQ(report.delivered, 1U);
    EXPECT_EQ(report.discarded, 1U);
}

// Delivered and kept, replayed, delivered again: the books count each delivery.
class RetainedAuditTest : public AuditTest {
protected:
    void deliver_and_keep(RecipientId recipient) {
        test::attempt(*store_, recipient);
        queue::RecordOutcome outcome;
        outcome.outcomes = {{recipient, OutcomeKind::delivered, "250 ok"}};
        outcome.server = "new";
        outcome.retain = true;
        EXPECT_EQ(test::apply(*store_, outcome).moved, 1U);
    }
    void replay(RecipientId recipient) {
        queue::MoveRecipients move;
        move.event = queue::Event::replay;
        move.recipients = {recipient};
        move.server = "new";
        move.due_at = test::noon;
        EXPECT_EQ(test::apply(*store_, move).moved, 1U);
    }
    void fill_retained() {
        test::apply(*store_, test::make_mail(id(1), {"a@example.com", "b@example.com"}));
        test::apply(*store_, test::make_mail(id(2), {"a@example.com"}));
        for (const RecipientId one : {RecipientId{id(1), 0}, {id(1), 1}, {id(2), 0}}) {
            test::release(*store_, one);
            deliver_and_keep(one);
        }
        replay({id(1), 0});
        replay({id(2), 0});
        deliver_and_keep({id(2), 0});
    }
};

TEST_F(RetainedAuditTest, what_is_kept_and_replayed_balances) {
    fill_retained();
    queue::AcceptMessage passed = test::make_mail(id(3), {"p@example.com"});
    passed.placements = {{queue::State::delivered, "old"}};
    test::apply(*store_, passed);
    const auto report = audit(*store_, true).value();
    EXPECT_EQ(report.problems, Problems{});
    EXPECT_EQ(report.accepted, 4U);
    EXPECT_EQ(report.replayed, 2U);
    EXPECT_EQ(report.delivered, 5U);
    EXPECT_EQ(report.due, 1U);
    EXPECT_EQ(report.retained, 2U);
    EXPECT_EQ(
        report.accepted + report.replayed,
        report.delivered + report.held + report.due + report.in_flight + report.parked +
            report.discarded
    );
    test::apply(*store_, queue::PruneRetained{WallTime::max(), 0});
    const auto pruned = audit(*store_, true).value();
    EXPECT_EQ(pruned.problems, Problems{});
    EXPECT_EQ(pruned.retained, 1U) << "its message still has one to deliver";
    EXPECT_EQ(pruned.delivered, 5U);
}

TEST_F(RetainedAuditTest, a_kept_row_that_vanished_is_counted) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            auto page = store_.rows(cursor, max);
            std::erase_if(page->rows, [](const auto& row) { return row.id.message == id(2); });
            return page;
        }
    };
    fill_retained();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_TRUE(
        has(report,
            "example.com/default: 1 delivered recipients (4 octets) are retained, the counters say "
            "2 (8)")
    );
    EXPECT_TRUE(has(report, "1 delivered recipients are retained, their index finds 2"));
}

TEST_F(RetainedAuditTest, octets_of_what_is_kept_are_read) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<std::string> read_body_chunk(MessageId message, std::uint32_t chunk) const override {
            return message == id(2) ? Result<std::string>{"xx\r\n"}
                                    : store_.read_body_chunk(message, chunk);
        }
    };
    fill_retained();
    EXPECT_TRUE(audit(View{*store_}, false).value().balanced());
    const auto report = audit(View{*store_}, true).value();
    EXPECT_EQ(report.problems.size(), 1U);
    EXPECT_TRUE(
        has(report,
            "message " + id(2).text() +
                ": the stored octets are not those that were received (SHA-256 differs)")
    );
}

TEST_F(RetainedAuditTest, mail_that_is_replayed_during_the_walk_balances) {
    fill_retained();
    // The replay comes after the ledger was read once and before the rows are.
    class View final : public StoreView {
    public:
        View(const queue::Store& store, std::function<void()> meanwhile)
            : StoreView{store}, meanwhile_{std::move(meanwhile)} {}
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            if (meanwhile_) {
                std::exchange(meanwhile_, {})();
            }
            return store_.rows(cursor, max);
        }

    private:
        mutable std::function<void()> meanwhile_;
    };
    const auto meanwhile = [this] {
        replay({id(2), 0});
        replay({id(1), 1});
        deliver_and_keep({id(1), 1});
    };
    const auto report = audit(View{*store_, meanwhile}, false).value();
    EXPECT_EQ(report.problems, Problems{});
    EXPECT_EQ(report.replayed, 4U);
}

TEST_F(AuditTest, rows_that_change_wave_during_the_walk_balance) {
    fill();
    test::apply(
        *store_,
        queue::SetPhases{
            {{Domain::parse("example.com").value(), "pilot", Phase::hold, true}}, "ann", ""}
    );
    class View final : public StoreView {
    public:
        View(const queue::Store& store, std::function<void()> meanwhile)
            : StoreView{store}, meanwhile_{std::move(meanwhile)} {}
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            auto page = store_.rows(cursor, max);
            if (meanwhile_) {
                std::exchange(meanwhile_, {})();
            }
            return page;
        }

    private:
        mutable std::function<void()> meanwhile_;
    };
    const auto assign = [this] {
        const auto applied =
            test::apply(*store_, queue::AssignWave{{{id(1), 0}, {id(3), 0}}, "pilot", "ann", ""});
        EXPECT_EQ(applied.moved, 2U);
    };
    EXPECT_EQ(audit(View{*store_, assign}, false).value().problems, Problems{});
    EXPECT_EQ(audit(*store_, true).value().problems, Problems{});
}

TEST_F(AuditTest, a_row_that_vanished_is_named) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            auto page = store_.rows(cursor, max);
            std::erase_if(page->rows, [](const auto& row) { return row.id == lost(); });
            return page;
        }
        Result<queue::Recipient> read_recipient(RecipientId recipient) const override {
            if (recipient == lost()) {
                return Error{Errc::not_found, "gone"};
            }
            return store_.read_recipient(recipient);
        }
        static RecipientId lost() { return {id(1), 1}; }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_FALSE(report.balanced());
    EXPECT_TRUE(
        has(report,
            "recipient " + id(1).text() +
                ".1 was accepted and has not ended, but it is not in the queue")
    );
    EXPECT_TRUE(
        has(report, "example.com/default: the queue has 1 recipients held, the counters say 2")
    );
}

TEST_F(AuditTest, a_row_that_cannot_be_read_is_named) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            auto page = store_.rows(cursor, max);
            std::erase_if(page->rows, [](const auto& row) { return row.id.message == id(1); });
            return page;
        }
        Result<queue::Recipient> read_recipient(RecipientId recipient) const override {
            if (recipient.message == id(1)) {
                return Error{Errc::corrupt, "checksum differs"};
            }
            return store_.read_recipient(recipient);
        }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_TRUE(
        has(report, "recipient " + id(1).text() + ".0: its record cannot be read: checksum differs")
    );
}

TEST_F(AuditTest, a_row_that_never_arrived_is_named) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<queue::ListPage> rows(std::string_view cursor, std::size_t max) const override {
            auto page = store_.rows(cursor, max);
            page->rows.push_back(page->rows.front());
            page->rows.back().id = stranger();
            return page;
        }
        Result<queue::Recipient> read_recipient(RecipientId recipient) const override {
            return store_.read_recipient(
                recipient == stranger() ? RecipientId{id(1), 0} : recipient
            );
        }
        static RecipientId stranger() { return {id(9), 0}; }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_TRUE(
        has(report,
            "recipient " + id(9).text() +
                ".0 is in the queue, but the ledger says nothing of its arrival")
    );
}

TEST_F(AuditTest, wrong_counters_are_found) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        queue::Counters counters() const override {
            auto counters = store_.counters();
            counters.waves[{"example.com", "default"}].of(queue::State::delivered) += 1;
            return counters;
        }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_EQ(
        report.problems,
        (Problems{
            "the ledger has 8 recipients accepted, the counters say 9",
            "the ledger has 1 recipients delivered, the counters say 2"})
    );
}

TEST_F(AuditTest, a_row_without_its_index_is_found) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<Total> count(const queue::Filter& filter) const override {
            auto total = store_.count(filter);
            total->recipients -= filter.state == queue::State::held ? 1 : 0;
            return total;
        }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_EQ(report.problems, (Problems{"the queue has 3 recipients held, its index finds 2"}));
}

TEST_F(AuditTest, a_broken_chain_is_said_and_the_rest_is_still_looked_at) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<std::vector<queue::LedgerEntry>> read_ledger(std::uint64_t from, std::size_t)
            const override {
            if (from >= 3) {
                return Error{Errc::corrupt, "ledger line 3 does not chain"};
            }
            return store_.read_ledger(from, 1);
        }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_FALSE(report.chain_ok);
    EXPECT_EQ(report.problems, (Problems{"ledger line 3 does not chain"}));
    EXPECT_EQ(report.held, 3U);
}

TEST_F(AuditTest, a_missing_ledger_line_is_said) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<std::vector<queue::LedgerEntry>> read_ledger(std::uint64_t from, std::size_t max)
            const override {
            auto page = store_.read_ledger(from, max);
            std::erase_if(*page, [](const auto& entry) { return entry.sequence == 5; });
            return page;
        }
    };
    fill();
    const auto report = audit(View{*store_}, false).value();
    EXPECT_FALSE(report.chain_ok);
    EXPECT_EQ(report.problems, (Problems{"ledger line 5 is missing: the next one is 6"}));
}

TEST_F(AuditTest, a_ledger_that_was_cut_off_at_its_end_is_said) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<std::vector<queue::LedgerEntry>> read_ledger(std::uint64_t from, std::size_t max)
            const override {
            auto page = store_.read_ledger(from, max);
            std::erase_if(*page, [](const auto& entry) { return entry.sequence > 5; });
            return page;
        }
    };
    fill();
    const auto written = std::to_string(store_->ledger_tail().sequence);
    const auto report = audit(View{*store_}, false).value();
    EXPECT_FALSE(report.chain_ok);
    EXPECT_EQ(
        report.problems,
        (Problems{
            "the ledger ends with line 5, but " + written +
            " lines were written: its end was cut off"})
    );
}

TEST_F(AuditTest, a_ledger_that_ends_with_another_line_is_said) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        queue::LedgerTail ledger_tail() const override {
            return {store_.ledger_tail().sequence, sha256("what was written")};
        }
    };
    fill();
    const auto last = std::to_string(store_->ledger_tail().sequence);
    const auto report = audit(View{*store_}, false).value();
    EXPECT_FALSE(report.chain_ok);
    EXPECT_EQ(
        report.problems,
        (Problems{
            "ledger line " + last + " is not the one that was written: its chain value differs"})
    );
}

TEST_F(AuditTest, what_an_operator_has_put_on_hold_is_counted) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        queue::Counters counters() const override {
            auto counters = store_.counters();
            counters.waves[{"example.com", "default"}].kept += 1;
            return counters;
        }
    };
    fill();
    queue::MoveRecipients hold;
    hold.recipients = {{id(1), 0}};
    hold.keep = true;
    EXPECT_EQ(test::apply(*store_, hold).moved, 1U);
    EXPECT_EQ(audit(*store_, false).value().problems, Problems{});
    EXPECT_EQ(
        audit(View{*store_}, false).value().problems,
        (Problems{
            "example.com/default: the queue keeps 1 recipients on hold by an operator's order, the "
            "counters say 2"})
    );
}

TEST_F(AuditTest, a_failing_disk_is_no_report) {
    class View final : public StoreView {
    public:
        using StoreView::StoreView;
        Result<queue::ListPage> rows(std::string_view, std::size_t) const override {
            return Error{Errc::storage_failure, "cannot read"};
        }
    };
    fill();
    const auto report = audit(View{*store_}, false);
    ASSERT_TRUE(report.has_error());
    EXPECT_TRUE(report.error().is(Errc::storage_failure));
}

struct Octets {
    const char* name;
    Result<std::string> chunk;
    std::string problem;  // what follows the message's id
};

TEST_F(AuditTest, deep_reads_the_octets_once_for_each_message) {
    class View final : public StoreView {
    public:
        View(const queue::Store& store, Result<std::string> chunk)
            : StoreView{store}, chunk_{std::move(chunk)} {}
        Result<std::string> read_body_chunk(MessageId message, std::uint32_t chunk) const override {
            return message == id(3) ? chunk_ : store_.read_body_chunk(message, chunk);
        }

    private:
        Result<std::string> chunk_;
    };
    const Octets cases[] = {
        {"changed",
         std::string{"ho\r\n"},
         ": the stored octets are not those that were received (SHA-256 differs)"},
        {"cut", std::string{"hi"}, ": 4 octets were received, 2 are stored"},
        {"unreadable",
         Error{Errc::corrupt, "checksum"},
         ": piece 1 of 1 of its octets cannot be read: checksum"},
        {"gone",
         Error{Errc::not_found, "no such piece"},
         ": piece 1 of 1 of its octets cannot be read: no such piece"},
    };
    fill();
    for (const Octets& one : cases) {
        const View view{*store_, one.chunk};
        EXPECT_TRUE(audit(view, false).value().balanced()) << one.name;
        EXPECT_EQ(
            audit(view, true).value().problems, (Problems{"message " + id(3).text() + one.problem})
        ) << one.name;
    }
}

TEST_F(AuditTest, balances_while_mail_moves) {
    constexpr std::uint64_t old_mail = 3000;
    std::vector<queue::Change> changes;
    std::vector<const queue::Change*> batch;
    for (std::uint64_t n = 0; n < old_mail; ++n) {
        changes.push_back(test::make_mail(id(1000 + n), {"a@example.com", "b@example.com"}));
    }
    for (const queue::Change& change : changes) {
        batch.push_back(&change);
    }
    ASSERT_TRUE(store_->apply(batch, test::noon).has_value());

    std::atomic<bool> stop = false;
    std::thread writer{[&] {
        for (std::uint64_t n = 0; !stop && n < old_mail; ++n) {
            test::apply(*store_, test::make_mail(id(10'000 + n), {"c@example.com"}));
            if (n % 3 == 0) {
                test::deliver(*store_, {id(1000 + n), 0});
            } else if (n % 3 == 1) {
                test::deliver(*store_, {id(10'000 + n), 0});
            } else {
                test::discard(*store_, {id(1000 + n), 1});
            }
        }
    }};
    for (int round = 0; round < 8; ++round) {
        const auto report = audit(*store_, round == 0).value();
        EXPECT_EQ(report.problems, Problems{});
        EXPECT_EQ(
            report.accepted,
            report.delivered + report.discarded + report.held + report.due + report.in_flight +
                report.parked
        );
    }
    stop = true;
    writer.join();
}

}  // namespace
}  // namespace siding::cutover
