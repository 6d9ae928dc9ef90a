#include "queue/keys.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace siding::queue::keys {
namespace {

// NUL becomes 01 01 and 01 becomes 01 02: order is kept and NUL only ever ends a text.
void put_text(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '\0' || c == '\1') {
            out.push_back('\1');
            out.push_back(c == '\0' ? '\1' : '\2');
        } else {
            out.push_back(c);
        }
    }
    out.push_back('\0');
}

void put_recipient(std::string& out, RecipientId id) {
    put_u64(out, id.message.value());
    put_u32(out, id.number);
}

std::string kind_and_number(char kind, std::uint64_t number) {
    std::string out(1, kind);
    put_u64(out, number);
    return out;
}

std::string kind_and_wave(char kind, std::string_view domain, std::string_view wave) {
    std::string out(1, kind);
    put_text(out, domain);
    put_text(out, wave);
    return out;
}

char kind_at_rest(State state) {
    switch (state) {
    case State::held:
        return 'h';
    case State::parked:
        return 'p';
    case State::delivered:
        return 'd';
    case State::due:
    case State::in_flight:
    case State::discarded:
        break;
    }
    SIDING_UNREACHABLE(format_state(state));
}

}  // namespace

std::string message(MessageId id) {
    std::string out;
    put_u64(out, id.value());
    return out;
}

std::string recipient(RecipientId id) {
    std::string out;
    put_recipient(out, id);
    return out;
}

std::string body(MessageId id, std::uint32_t chunk) {
    return recipient({id, chunk});
}

std::string held_prefix(
    State state,
    std::string_view domain,
    std::string_view wave,
    std::optional<std::string_view> address
) {
    std::string out = kind_and_wave(kind_at_rest(state), domain, wave);
    if (address) {
        put_text(out, *address);
    }
    return out;
}

std::string held(const Recipient& row) {
    std::string out = held_prefix(row.state, row.domain.text(), row.wave, to_lower(row.address));
    put_recipient(out, row.id);
    return out;
}

std::string retained_prefix() {
    return "e";
}

std::string retained(WallTime ended_at, MessageId id) {
    std::string out = retained_prefix();
    put_u64(out, static_cast<std::uint64_t>(ended_at.time_since_epoch().count()));
    put_u64(out, id.value());
    return out;
}

std::string due_prefix(std::string_view lane) {
    std::string out(1, 'd');
    put_text(out, lane);
    return out;
}

std::string due(std::string_view lane, WallTime due_at, RecipientId id) {
    std::string out = due_prefix(lane);
    put_u64(out, static_cast<std::uint64_t>(due_at.time_since_epoch().count()));
    put_recipient(out, id);
    return out;
}

std::string in_flight_prefix() {
    return "f";
}

std::string in_flight(RecipientId id) {
    std::string out = in_flight_prefix();
    put_recipient(out, id);
    return out;
}

std::string index(const Recipient& row) {
    switch (row.state) {
    case State::held:
    case State::parked:
    case State::delivered:
        return held(row);
    case State::due:
        return due(row.lane, row.due_at, row.id);
    case State::in_flight:
        return in_flight(row.id);
    case State::discarded:
        return {};
    }
    return {};
}

std::string ledger(std::uint64_t sequence) {
    std::string out;
    put_u64(out, sequence);
    return out;
}

std::string trace_prefix(char kind, std::string_view text) {
    std::string out(1, kind);
    put_text(out, text);
    return out;
}

std::string trace(char kind, std::string_view text, MessageId id) {
    std::string out = trace_prefix(kind, text);
    put_u64(out, id.value());
    return out;
}

std::string trace_ledger_prefix(MessageId id) {
    return kind_and_number('i', id.value());
}

std::string trace_ledger(MessageId id, std::uint64_t sequence) {
    std::string out = trace_ledger_prefix(id);
    put_u64(out, sequence);
    return out;
}

std::string meta_counts(std::string_view domain, std::string_view wave) {
    return kind_and_wave(meta_counts_kind, domain, wave);
}
std::string meta_release_counts(std::uint64_t release) {
    return kind_and_number(meta_release_counts_kind, release);
}
std::string meta_release(std::uint64_t release) {
    return kind_and_number(meta_release_kind, release);
}
std::string meta_phase(std::string_view domain, std::string_view wave) {
    return kind_and_wave(meta_phase_kind, domain, wave);
}
std::string meta_copy(std::string_view domain, std::string_view wave) {
    return kind_and_wave(meta_copy_kind, domain, wave);
}
std::string meta_flip(std::uint64_t epoch) {
    return kind_and_number(meta_flip_kind, epoch);
}
std::string meta_writing(MessageId id) {
    return kind_and_number(meta_writing_kind, id.value());
}

// Nothing follows the text, so it needs no end and no escapes.
std::string meta_value(std::string_view key) {
    return std::string(1, meta_value_kind).append(key);
}

RecipientId tail_recipient(std::string_view key) {
    SIDING_CHECK(key.size() >= 12, "key without a recipient id");
    const std::string_view tail = key.substr(key.size() - 12);
    return {
        MessageId{get_number(tail.substr(0, 8))},
        static_cast<std::uint32_t>(get_number(tail.substr(8)))};
}

std::uint64_t tail_number(std::string_view key) {
    SIDING_CHECK(key.size() >= 8, "key without a number");
    return get_number(key.substr(key.size() - 8));
}

MessageId tail_message(std::string_view key) {
    return MessageId{tail_number(key)};
}

WallTime due_time(std::string_view due_key) {
    SIDING_CHECK(due_key.size() >= 20, "due key without a time");
    const std::uint64_t millis = get_number(due_key.substr(due_key.size() - 20, 8));
    return WallTime{std::chrono::milliseconds{millis}};
}

WallTime retained_time(std::string_view retained_key) {
    SIDING_CHECK(retained_key.size() >= 16, "retained key without a time");
    const std::uint64_t millis = get_number(retained_key.substr(retained_key.size() - 16, 8));
    return WallTime{std::chrono::milliseconds{millis}};
}

std::optional<std::string> take_text(std::string_view& key) {
    std::string out;
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (key[i] == '\0') {
            key.remove_prefix(i + 1);
            return out;
        }
        if (key[i] == '\1' && i + 1 < key.size()) {
            out.push_back(key[++i] == '\1' ? '\0' : '\1');
        } else {
            out.push_back(key[i]);
        }
    }
    return std::nullopt;
}

}  // namespace siding::queue::keys
