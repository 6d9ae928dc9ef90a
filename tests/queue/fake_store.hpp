// A store for the committer: it remembers the groups that it was given, waits at a gate where told
// to, refuses what it is told to refuse. It keeps nothing.
#pragma once

#include "queue/store.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace siding::queue {

class FakeStore final : public Store {
public:
    // From now on apply() waits until open_gate().
    void close_gate() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
    }
    void open_gate() {
        const std::lock_guard lock{mutex_};
        closed_ = false;
        changed_.notify_all();
    }
    void wait_until_at_gate() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return waiting_; });
    }
    void wait_until_settled() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return settled_ > 0; });
    }
    void fail_from_now_on() {
        const std::lock_guard lock{mutex_};
        failed_ = true;
    }
    std::vector<std::size_t> groups() const {
        const std::lock_guard lock{mutex_};
        return groups_;
    }
    // The message of each StartAttempt, as applied.
    std::vector<MessageId> order() const {
        const std::lock_guard lock{mutex_};
        return order_;
    }

    Result<std::vector<Result<Applied>>> apply(std::span<const Change* const> changes, WallTime)
        override {
        std::unique_lock lock{mutex_};
        waiting_ = closed_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !closed_; });
        waiting_ = false;
        groups_.push_back(changes.size());
        if (failed_) {
            return Error{Errc::storage_failure, "the disk is gone"};
        }
        std::vector<Result<Applied>> results;
        for (const Change* change : changes) {
            results.push_back(apply_one(*change));
        }
        return results;
    }
    Result<void> settle() override {
        const std::lock_guard lock{mutex_};
        settled_ += 1;
        changed_.notify_all();
        return {};
    }
    PhaseTable phases() const override {
        const std::lock_guard lock{mutex_};
        return phases_;
    }
    bool failed() const override {
        const std::lock_guard lock{mutex_};
        return failed_;
    }
    std::string failure() const override { return "the disk is gone"; }

    // The committer asks none of these.
    Result<void> append_body_chunk(MessageId, std::uint32_t, std::string_view) override {
        return none();
    }
    Result<void> abort_body(MessageId, std::uint32_t) override { return none(); }
    Result<ListPage> list(const Filter&, std::string_view, std::size_t) const override {
        return none();
    }
    Result<ListPage> list_by_age(const Filter&, std::string_view, std::size_t) const override {
        return none();
    }
    Result<ListPage> rows(std::string_view, std::size_t) const override { return none(); }
    Result<Total> count(const Filter&) const override { return none(); }
    Result<ListPage> due(std::string_view, WallTime, std::string_view, std::size_t) const override {
        return none();
    }
    std::string due_cursor(std::string_view, WallTime) const override { return {}; }
    Result<std::optional<WallTime>> first_due_at(std::string_view) const override { return none(); }
    Result<std::vector<std::string>> lanes() const override { return none(); }
    Result<Envelope> read_envelope(MessageId) const override { return none(); }
    Result<std::string> read_body_chunk(MessageId, std::uint32_t) const override { return none(); }
    Result<Recipient> read_recipient(RecipientId) const override { return none(); }
    Result<std::vector<LedgerEntry>> read_ledger(std::uint64_t, std::size_t) const override {
        return none();
    }
    Result<std::vector<LedgerEntry>> ledger_of(MessageId) const override { return none(); }
    LedgerTail ledger_tail() const override { return {}; }
    Result<std::vector<MessageId>> find_messages(TraceKey, std::string_view, std::size_t)
        const override {
        return none();
    }
    Result<std::optional<std::string>> read_value(std::string_view) const override {
        return none();
    }
    Result<ValuePage> list_values(std::string_view, std::string_view, std::size_t) const override {
        return none();
    }
    Counters counters() const override { return {}; }
    Result<std::vector<ReleaseJob>> releases() const override { return none(); }
    Result<std::vector<FlipRecord>> flips(std::size_t) const override { return none(); }
    MessageId last_id() const override { return {}; }

private:
    static Error none() { return {Errc::internal, "not for this test"}; }

    Result<Applied> apply_one(const Change& change) {
        if (const auto* attempt = std::get_if<StartAttempt>(&change)) {
            order_.push_back(attempt->recipients.at(0).message);
        }
        if (std::holds_alternative<RecordOutcome>(change)) {
            return Error{Errc::conflict, "does not fit"};
        }
        if (std::holds_alternative<SetPhases>(change)) {
            phases_.epoch += 1;
        }
        return Applied{.started = {}, .moved = order_.size(), .epoch = phases_.epoch};
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool closed_ = false;
    bool waiting_ = false;
    bool failed_ = false;
    int settled_ = 0;
    std::vector<std::size_t> groups_;
    std::vector<MessageId> order_;
    PhaseTable phases_;
};

}  // namespace siding::queue
