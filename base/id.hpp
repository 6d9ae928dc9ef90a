// Ids that sort by time and nest: a recipient's id starts with its message's.
//
// A MessageId is 42 bits of milliseconds since 1970 and 22 bits of counter, so that it stays unique
// and ascending across restarts and clock steps: the generator starts above the largest id the
// queue has ever committed. Text: 13 characters of Crockford's base 32, lower case, sorting as the
// number.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace siding {

class MessageId {
public:
    constexpr MessageId() = default;
    constexpr explicit MessageId(std::uint64_t value) : value_{value} {}

    constexpr std::uint64_t value() const { return value_; }
    std::string text() const;
    static Result<MessageId> parse(std::string_view text);

    // When the id was made, or the start of the counter's millisecond after a clock step.
    WallTime time() const;

    // The smallest id that a generator could make at that time: a bound for listings by time.
    static MessageId at(WallTime time);

    auto operator<=>(const MessageId&) const = default;

private:
    std::uint64_t value_ = 0;
};

// One recipient of one message; text form "<message>.<n>", n counting from 0.
struct RecipientId {
    MessageId message;
    std::uint32_t number = 0;

    std::string text() const;
    static Result<RecipientId> parse(std::string_view text);

    auto operator<=>(const RecipientId&) const = default;
};

// Thread-safe. `floor` is the largest id known to be taken.
class IdGenerator {
public:
    IdGenerator(const Clock& clock, MessageId floor) : clock_{clock}, last_{floor.value()} {}
    MessageId next();

private:
    const Clock& clock_;
    std::mutex mutex_;
    std::uint64_t last_;
};

}  // namespace siding
