// Every test of the store contract, over every backend: a Backend opens, closes and opens again.
#pragma once

#include "queue/rocks_store.hpp"
#include "tests/support/queue_describe.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace siding::queue {

struct Backend {
    const char* name;
    std::function<Result<std::unique_ptr<Store>>(const std::filesystem::path&, WallTime)> open;
    std::function<Result<std::unique_ptr<Store>>(const std::filesystem::path&)> open_read_only;
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
    *out << backend.name;
}

inline std::vector<Backend> backends() {
    return {
        {"RocksDB",
         [](const std::filesystem::path& directory, WallTime now) {
             return open_store(directory, now);
         },
         open_store_read_only},
    };
}

inline std::string backend_name(const testing::TestParamInfo<Backend>& one) {
    return one.param.name;
}

class StoreTest : public testing::TestWithParam<Backend> {
protected:
    void SetUp() override { open(); }

    void open() {
        auto opened = GetParam().open(directory_ / "queue", now());
        ASSERT_TRUE(opened) << opened.error().message();
        store_ = std::move(*opened);
    }
    void reopen() {
        store_.reset();
        open();
    }

    WallTime now() const { return clock_.now(); }
    MessageId next_id() { return ids_.next(); }

    Result<Applied> apply(const Change& change) { return test::apply_one(*store_, change, now()); }

    // A held message of one recipient, its body its own address.
    RecipientId accept(
        const std::string& address, const std::string& sender = "ann@sender.example"
    ) {
        const MessageId id = next_id();
        EXPECT_TRUE(apply(test::make_message(id, sender, {{address, {}}}, address)));
        return {id, 0};
    }
    RecipientId accept_due(const std::string& address, const std::string& lane) {
        const MessageId id = next_id();
        EXPECT_TRUE(apply(
            test::make_message(id, "ann@sender.example", {{address, {State::due, lane}}}, address)
        ));
        return {id, 0};
    }
    std::uint64_t move(Event event, std::vector<RecipientId> rows, const std::string& server = {}) {
        MoveRecipients change;
        change.event = event;
        change.recipients = std::move(rows);
        change.server = server;
        change.due_at = now();
        change.who = "uid:0 root";
        change.why = "a test";
        const auto applied = apply(change);
        EXPECT_TRUE(applied);
        return applied ? applied->moved : 0;
    }
    std::size_t attempt(RecipientId row, const std::string& server) {
        const auto applied = apply(StartAttempt{{row}, server});
        EXPECT_TRUE(applied);
        return applied ? applied->started.size() : 0;
    }
    std::uint64_t outcome(RecipientId row, OutcomeKind kind, const std::string& reply = "250 ok") {
        using namespace std::chrono_literals;
        const auto applied =
            apply(RecordOutcome{{{row, kind, reply, now() + 1h}}, "new", "192.0.2.9:25"});
        EXPECT_TRUE(applied);
        return applied ? applied->moved : 0;
    }
    Recipient row(RecipientId id) { return store_->read_recipient(id).value(); }

    std::vector<std::string> list_ids(const Filter& filter, std::size_t page_rows = 100) {
        auto rows = test::list_all(*store_, filter, page_rows);
        EXPECT_TRUE(rows) << rows.error().message();
        return rows ? test::ids_of(*rows) : std::vector<std::string>{};
    }
    std::vector<std::string> list_ids_by_age(const Filter& filter, std::size_t page_rows = 100) {
        std::vector<Recipient> rows;
        std::string cursor;
        do {
            auto page = store_->list_by_age(filter, cursor, page_rows);
            EXPECT_TRUE(page) << page.error().message();
            std::ranges::move(page->rows, std::back_inserter(rows));
            cursor = page->cursor;
        } while (!cursor.empty());
        return test::ids_of(rows);
    }
    std::vector<LedgerKind> ledger_kinds(MessageId id) {
        std::vector<LedgerKind> kinds;
        for (const LedgerEntry& line : store_->ledger_of(id).value()) {
            kinds.push_back(line.kind);
        }
        return kinds;
    }

    ManualClock clock_{test::test_epoch};
    IdGenerator ids_{clock_, MessageId{}};
    test::TempDirectory directory_;
    std::unique_ptr<Store> store_;
};

}  // namespace siding::queue
