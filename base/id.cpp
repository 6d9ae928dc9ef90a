#include "base/id.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int counter_bits = 22;
constexpr std::size_t text_length = 13;  // 13 × 5 bits ≥ 64 bits

}  // namespace

std::string MessageId::text() const {
    std::string out(text_length, '0');
    std::uint64_t rest = value_;
    for (std::size_t i = text_length; i-- > 0; rest >>= 5) {
        out[i] = alphabet[rest & 31];
    }
    return out;
}

Result<MessageId> MessageId::parse(std::string_view text) {
    std::uint64_t value = 0;
    bool good = text.size() == text_length && text[0] <= 'f';
    for (const char c : text) {
        const auto digit = alphabet.find(c);
        good = good && digit != std::string_view::npos;
        value = value << 5 | (digit & 31);
    }
    if (!good) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is not a message id; ids have 13 characters, see 'siding queue list'", text
            )};
    }
    return MessageId{value};
}

WallTime MessageId::time() const {
    return WallTime{std::chrono::milliseconds{value_ >> counter_bits}};
}

MessageId MessageId::at(WallTime time) {
    const auto millis = std::max<std::int64_t>(0, time.time_since_epoch().count());
    return MessageId{static_cast<std::uint64_t>(millis) << counter_bits};
}

std::string RecipientId::text() const {
    return fmt::format("{}.{}", message.text(), number);
}

Result<RecipientId> RecipientId::parse(std::string_view text) {
    const auto dot = text.find('.');
    SIDING_ASSIGN(const MessageId message, MessageId::parse(text.substr(0, dot)));
    RecipientId id{message, 0};
    if (dot != std::string_view::npos) {
        const char* end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data() + dot + 1, end, id.number);
        if (error != std::errc{} || rest != end) {
            return Error{Errc::invalid_argument, fmt::format("'{}' is not a recipient id", text)};
        }
    }
    return id;
}

MessageId IdGenerator::next() {
    const std::lock_guard lock{mutex_};
    last_ = std::max(last_ + 1, MessageId::at(clock_.now()).value());
    return MessageId{last_};
}

}  // namespace siding
