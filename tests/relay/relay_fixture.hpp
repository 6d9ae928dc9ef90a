// A queue of its own, a loop that the test runs, and mail in it.
#pragma once

#include "config/live.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/queue_workload.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

using queue::LedgerKind;
using queue::State;
using test::To;

class RelayTest : public testing::Test {
protected:
    RelayTest() { open(); }
    ~RelayTest() override {
        queue_.reset();
        runtime_.stop();
    }

    void open() {
        auto opened = queue::Queue::open(options(), runtime_.blocking(), clock_, metrics_);
        ASSERT_TRUE(opened) << opened.error().message();
        queue_ = std::move(*opened);
    }
    queue::QueueOptions options() const {
        queue::QueueOptions out;
        out.directory = directory_ / "queue";
        out.reserve = reserve_;
        return out;
    }

    static config::Config make_config() {
        config::Config config;
        config.hostname = "hold.example.net";
        config.domains.emplace(example(), config::DomainSettings{});
        config.servers["new"] = {};
        return config;
    }
    static Domain example() { return Domain::parse("example.com").value(); }

    queue::Applied commit(queue::Change change) {
        std::promise<Result<queue::Applied>> done;
        queue_->committer().submit(std::move(change), [&done](Result<queue::Applied> applied) {
            done.set_value(std::move(applied));
        });
        auto applied = done.get_future().get();
        EXPECT_TRUE(applied) << applied.error().message();
        return applied ? *applied : queue::Applied{};
    }
    void set_phase(Phase phase, bool initial = false) {
        queue::SetPhases phases;
        phases.moves.push_back({example(), "default", phase, initial});
        commit(std::move(phases));
    }
    MessageId accept(const std::vector<To>& to, const std::string& body = "hi\r\n") {
        const MessageId id = queue_->next_id();
        auto mail = test::make_message(id, "ann@sender.example", to, body);
        mail.envelope.received_at = clock_.now();
        mail.envelope.mail_parameters = {"BODY=8BITMIME"};
        commit(std::move(mail));
        return id;
    }
    void move(queue::Event event, RecipientId id, bool keep = false) {
        queue::MoveRecipients change;
        change.event = event;
        change.recipients = {id};
        change.server = "new";
        change.due_at = clock_.now();
        change.keep = keep;
        EXPECT_EQ(commit(std::move(change)).moved, 1U);
    }

    // What the ledger says last; ended recipients have no row any more.
    std::vector<LedgerKind> ledger_of(RecipientId id) const {
        std::vector<LedgerKind> kinds;
        for (const auto& line : queue_->store().ledger_of(id.message).value()) {
            if (line.kind == LedgerKind::accepted || line.recipient == id) {
                kinds.push_back(line.kind);
            }
        }
        return kinds;
    }
    queue::Recipient row(RecipientId id) const {
        return queue_->store().read_recipient(id).value();
    }
    std::uint64_t count(State state) const { return queue_->store().counters().all().of(state); }

    // Runs the loop until it is so; looked at after everything that happens on the loop.
    void run_until(const std::function<bool()>& is_so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        loop_.context().restart();
        while (!is_so() && std::chrono::steady_clock::now() < end) {
            // The counters are published by another thread, a moment before the loop hears of it.
            loop_.context().run_one_for(std::chrono::milliseconds{20});
        }
        ASSERT_TRUE(is_so()) << "the loop ran out of time";
    }

    template <typename T>
    static net::awaitable<void> keep(net::awaitable<T> work, std::optional<T>& out) {
        auto result = co_await std::move(work);
        out = std::move(result);
    }
    template <typename T>
    T get(net::awaitable<T> work) {
        std::optional<T> out;
        loop_.run(keep(std::move(work), out));
        return std::move(*out);
    }

    queue::DiskSpace::Reserve reserve_ = [](std::uint64_t) { return std::uint64_t{0}; };
    test::TempDirectory directory_{test::fast_directory()};
    ManualClock clock_{test::test_epoch};
    Metrics metrics_;
    net::RunLoop loop_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 2}};
    std::unique_ptr<queue::Queue> queue_;
};

}  // namespace siding::relay
