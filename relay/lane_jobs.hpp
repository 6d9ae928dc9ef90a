// What a lane has claimed and not begun: transactions in the order in which they became due, minus
// what a limit keeps back. Who is kept back waits in a line of its own, oldest message first, and
// stops nobody else. Pure; the time is an argument.
#pragma once

#include "base/clock.hpp"
#include "queue/recipient.hpp"
#include "relay/lane_limits.hpp"
#include "relay/token_bucket.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

// Recipients of one message that go in one transaction.
struct LaneJob {
    LaneJob(MessageId id, std::vector<queue::Recipient> rows)  // no aggregate: net/asio.hpp
        : message{id}, recipients{std::move(rows)} {}

    MessageId message;
    std::vector<queue::Recipient> recipients;

    std::uint64_t octets() const;
};

class LaneJobs {
public:
    // In all lines, and in one: a mailbox that takes twenty a minute must not fill the memory. The
    // rest stays in the store.
    static constexpr std::size_t waiting_max = 10'000;
    static constexpr std::size_t line_max = 500;

    // From a page of due rows, in its order.
    void add(std::vector<queue::Recipient> rows);

    // At most `jobs_max` that may begin now, each of at most `recipients_max` (0: any number). They
    // count against the limits from here on; each recipient is finished or put back one day.
    std::vector<LaneJob> take(std::size_t jobs_max, std::size_t recipients_max, WallTime now);

    // Of a recipient that was taken: it has had its attempt.
    void finish(const queue::Recipient& recipient);
    // It has not: what it took of the rates is given back too.
    void put_back(const LaneJob& job);

    // Nothing for this recipient before `until`.
    void block(const std::string& address, WallTime now, WallTime until);

    // When take() gives something; nothing where there is nothing.
    std::optional<WallTime> ready_at(WallTime now);

    // What no line had room for, since the last call. It is still due.
    std::vector<queue::Recipient> take_overflow() { return std::exchange(overflow_, {}); }
    // Everything; it is still due.
    std::vector<queue::Recipient> clear();

    void set_limits(const LaneLimits& limits);
    void set_one_domain() { one_domain_ = true; }  // the server has asked for it

    bool empty() const { return jobs_.empty() && waiting_ == 0; }
    std::size_t size() const { return jobs_.size(); }  // that no limit has met so far
    std::size_t waiting() const { return waiting_; }   // recipients in lines

private:
    // Who waits for the same thing: a recipient by address, a domain by "@" and name.
    struct Line {
        std::map<RecipientId, queue::Recipient> rows;
        WallTime look_at{};
    };

    void take_from_lines(std::size_t jobs_max, WallTime now, std::vector<LaneJob>& out);
    void take_from_line(
        const std::string& name, std::size_t jobs_max, WallTime now, std::vector<LaneJob>& out
    );
    LaneJob split(LaneJob& job, std::size_t recipients_max, WallTime now);
    bool one_domain() const { return one_domain_ || limits_.one_domain; }
    bool admits(const std::string& address, WallTime now);
    void release(const std::string& address);
    void wait(const std::string& name, queue::Recipient row, WallTime look_at);
    WallTime ready_at(const std::string& line, WallTime now);
    void look_at(const std::string& name, Line& line, WallTime when);
    bool limits_recipients() const;

    LaneLimits limits_;
    bool one_domain_ = false;
    TokenBucket rate_;
    TokenBuckets domains_;
    TokenBuckets addresses_;
    bool blocks_ = false;                         // some address is blocked, or was
    std::map<std::string, std::size_t> at_once_;  // by address, where that is limited

    std::deque<LaneJob> jobs_;
    std::map<std::string, Line> lines_;
    std::set<std::pair<WallTime, std::string>> agenda_;  // when which line is worth a look
    std::size_t waiting_ = 0;
    std::vector<queue::Recipient> overflow_;
};

}  // namespace siding::relay
