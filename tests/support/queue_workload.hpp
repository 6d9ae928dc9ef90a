// Samples and a seeded stream of changes for the queue: what a cutover does to it, in any order,
// with moves that do not fit their state among them.
#pragma once

#include "base/clock.hpp"
#include "queue/store.hpp"
#include "tests/support/queue_model.hpp"

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace siding::test {

inline const WallTime test_epoch = parse_time("2026-11-21T12:00:00Z").value();

Domain domain_of(std::string_view name);

struct To {
    std::string address;
    queue::Placement placement;
    std::string wave = "default";
};

// A message with its body inside.
queue::AcceptMessage make_message(
    MessageId id, const std::string& sender, const std::vector<To>& to, std::string body
);

Result<queue::Applied> apply_one(queue::Store& store, const queue::Change& change, WallTime now);

// What may precede a change: chunks of a body, or of one that is given up.
struct Step {
    queue::Change change;
    std::vector<std::string> chunks;     // of the AcceptMessage, in order
    std::optional<MessageId> abandoned;  // chunks written for it, and then nothing
    WallTime at{};
    std::string body;  // whole

    // Writes what precedes the change.
    Result<void> prepare(queue::Store& store) const;
    // That, then the change. The Result is the change's own.
    Result<queue::Applied> run(queue::Store& store) const;
};

class Workload {
public:
    struct Sizes {
        std::size_t inline_octets = 2000;
        std::size_t chunk_octets = 3000;
        int chunked_in = 10;  // one message in so many is written ahead
    };

    Workload(std::uint64_t seed, Sizes sizes) : random_{seed}, sizes_{sizes} {}

    // The next step, chosen by what the model holds.
    Step next(const QueueModel& model);
    // Chosen by the same random source: for the test's own dice.
    std::uint64_t roll(std::uint64_t below) { return random_() % below; }
    WallTime now() const { return clock_.now(); }

private:
    Step make_accept();
    queue::Placement make_placement();
    queue::Change make_attempt(const QueueModel& model);
    queue::Change make_outcome(const QueueModel& model);
    queue::Change make_move(const QueueModel& model);
    queue::Change make_phases(const QueueModel& model);
    queue::Change make_release(const QueueModel& model);
    queue::Change make_refusals();
    queue::Change make_values();

    std::string make_octets(std::size_t octets_max);
    std::string pick(const std::vector<std::string>& words) { return words[roll(words.size())]; }
    std::vector<RecipientId> pick_rows(const QueueModel& model, std::size_t rows_max);
    const queue::Recipient* pick_in(const QueueModel& model, queue::State state);
    std::uint64_t pick_release(const QueueModel& model);  // 0 if there is none

    std::mt19937_64 random_;
    Sizes sizes_;
    ManualClock clock_{test_epoch};
    IdGenerator ids_{clock_, MessageId{}};
};

}  // namespace siding::test
