#include "relay/refusal_log.hpp"

#include "tests/relay/relay_fixture.hpp"

namespace siding::relay {
namespace {

class RefusalLogTest : public RelayTest {
protected:
    std::vector<queue::LedgerEntry> refused() const {
        std::vector<queue::LedgerEntry> found;
        for (const queue::LedgerEntry& entry : queue_->store().read_ledger(1, 1000).value()) {
            if (entry.kind == LedgerKind::refused) {
                found.push_back(entry);
            }
        }
        return found;
    }
    void note(RefusalClass reason, std::string_view recipient) {
        refusals_.note(
            reason,
            {.client_address = "192.0.2.1",
             .sender = "ann@sender.example",
             .recipient = recipient,
             .reply = "550 5.1.1 Recipient unknown"}
        );
    }

    RefusalLog refusals_{*queue_};
};

TEST_F(RefusalLogTest, EachClassHasItsCountAndItsFirstExample) {
    EXPECT_TRUE(get(refusals_.flush()));
    EXPECT_TRUE(refused().empty()) << "nothing is written for nothing";
    for (int i = 0; i < 1000; ++i) {
        note(RefusalClass::unknown_recipient, "nobody" + std::to_string(i) + "@example.com");
    }
    refusals_.note(RefusalClass::early_talker, {.client_address = "2001:db8::1"});
    EXPECT_TRUE(get(refusals_.flush()));

    const auto lines = refused();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].reason, "unknown_recipient");
    EXPECT_EQ(lines[0].count, 1000U);
    EXPECT_EQ(lines[0].client_address, "192.0.2.1");
    EXPECT_EQ(lines[0].sender, "ann@sender.example");
    EXPECT_EQ(lines[0].address, "nobody0@example.com");
    EXPECT_EQ(lines[0].reply, "550 5.1.1 Recipient unknown");
    EXPECT_EQ(lines[1].reason, "early_talker");
    EXPECT_EQ(lines[1].count, 1U);

    EXPECT_TRUE(get(refusals_.flush()));
    EXPECT_EQ(refused().size(), 2U) << "each is written once";
    note(RefusalClass::unknown_recipient, "later@example.com");
    EXPECT_TRUE(get(refusals_.flush()));
    ASSERT_EQ(refused().size(), 3U);
    EXPECT_EQ(refused().back().address, "later@example.com");
}

TEST_F(RefusalLogTest, LongExamplesAreCut) {
    note(RefusalClass::bad_sender, std::string(5000, 'x'));
    EXPECT_TRUE(get(refusals_.flush()));
    ASSERT_EQ(refused().size(), 1U);
    EXPECT_EQ(refused().front().address.size(), 256U);
}

TEST_F(RefusalLogTest, WritesBeforeItStops) {
    net::TaskGroup tasks{loop_.executor(), "refusals", 1};
    ASSERT_TRUE(tasks.spawn(refusals_.run()));
    note(RefusalClass::loop, "joe@example.com");
    loop_.context().restart();
    loop_.context().poll();
    EXPECT_TRUE(refused().empty()) << "the minute is not over";
    tasks.cancel();
    loop_.run(tasks.join());
    ASSERT_EQ(refused().size(), 1U);
    EXPECT_EQ(refused().front().reason, "loop");
}

TEST_F(RefusalLogTest, WritesAtEachInterval) {
    RefusalLog often{*queue_, std::chrono::milliseconds{1}};
    net::TaskGroup tasks{loop_.executor(), "refusals", 1};
    ASSERT_TRUE(tasks.spawn(often.run()));
    for (std::size_t written = 1; written <= 2; ++written) {
        often.note(RefusalClass::rate, {.client_address = "192.0.2.1"});
        run_until([&] { return refused().size() == written; });
    }
    tasks.cancel();
    loop_.run(tasks.join());
}

}  // namespace
}  // namespace siding::relay
