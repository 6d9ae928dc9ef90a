#include "queue/rocks_listing.hpp"

#include "base/bytes.hpp"
#include "queue/keys.hpp"
#include "queue/record.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::queue {
namespace {

bool wants(const Filter& filter, State state) {
    return !filter.state || *filter.state == state;
}

// Rows at rest: one stretch for each wave, narrowed to one mailbox where the filter names one.
void plan_held(
    std::vector<Stretch>& plan, const Filter& filter, const Counters& counters, State state
) {
    if (!wants(filter, state)) {
        return;
    }
    for (const auto& [wave, counts] : counters.waves) {
        if ((filter.domain && filter.domain->text() != wave.first) ||
            (filter.wave && *filter.wave != wave.second)) {
            continue;
        }
        plan.push_back(
            {Family::held,
             keys::held_prefix(state, wave.first, wave.second, filter.recipient),
             Stretch::Shape::recipient_keys,
             {state}}
        );
    }
}

class Walker {
public:
    Walker(
        const RocksDatabase& database,
        const Filter& filter,
        const std::function<bool(Recipient)>& visit
    )
        : database_{database}, filter_{filter}, visit_{visit} {}

    // True to go on, false when `visit` has enough.
    Result<bool> offer_key(const Stretch& stretch, const rocksdb::Iterator& at) {
        const std::string_view key = at.key().ToStringView();
        if (stretch.shape == Stretch::Shape::message_keys) {
            return offer_message(stretch, keys::tail_message(key));
        }
        const RecipientId id = keys::tail_recipient(key);
        return stretch.family == Family::recipient
                   ? offer_row(stretch, id, at.value().ToStringView())
                   : offer(stretch, id);
    }

private:
    Result<bool> offer(const Stretch& stretch, RecipientId id) {
        if (!matches_id(filter_, id)) {
            return true;
        }
        const auto stored = database_.get(Family::recipient, keys::recipient(id));
        if (!stored && stored.error().is(Errc::corrupt)) {
            return true;  // its block on the disk; the others are served
        }
        SIDING_TRY(stored);
        if (!*stored) {
            return true;  // ended since the iterator was opened
        }
        return offer_row(stretch, id, **stored);
    }

    // The row as the iterator has it.
    Result<bool> offer_row(const Stretch& stretch, RecipientId id, std::string_view stored) {
        if (!matches_id(filter_, id)) {
            return true;
        }
        auto row = decode_recipient(stored, id);
        if (!row) {
            return true;  // the next change to it moves it to quarantine; audit names it
        }
        const State state = row->recipient.state;
        const bool here = stretch.states.empty()
                              ? !is_final(state) || filter_.state == state
                              : std::ranges::find(stretch.states, state) != stretch.states.end();
        return here && matches(filter_, row->recipient) ? visit_(std::move(row->recipient)) : true;
    }

    Result<bool> offer_message(const Stretch& stretch, MessageId message) {
        const std::string prefix = keys::message(message);
        const auto rows = database_.scan(Family::recipient, keys::after_prefix(prefix));
        bool more = true;
        // To the end even when `visit` has enough: the cursor names the message, not the recipient.
        for (rows->Seek(prefix); rows->Valid(); rows->Next()) {
            const RecipientId id = keys::tail_recipient(rows->key().ToStringView());
            SIDING_ASSIGN(
                const bool wants_more, offer_row(stretch, id, rows->value().ToStringView())
            );
            more = more && wants_more;
        }
        if (!rows->status().ok()) {
            return database_.read_error(rows->status(), "listing");
        }
        return more;
    }

    const RocksDatabase& database_;
    const Filter& filter_;
    const std::function<bool(Recipient)>& visit_;
};

struct Position {
    std::size_t stretch = 0;
    std::string key;  // go on after it; empty: from the start of the stretch
};

Result<Position> parse_cursor(std::string_view cursor) {
    Position position;
    if (cursor.empty()) {
        return position;
    }
    const auto colon = cursor.find(':');
    const bool good =
        colon != std::string_view::npos &&
        std::from_chars(cursor.data(), cursor.data() + colon, position.stretch).ec == std::errc{};
    if (!good || (cursor.size() - colon - 1) % 2 != 0) {
        return Error{
            Errc::invalid_argument, "not a cursor; give back the one from the page before"};
    }
    for (std::size_t i = colon + 1; i < cursor.size(); i += 2) {
        unsigned value = 0;
        if (std::from_chars(&cursor[i], &cursor[i] + 2, value, 16).ec != std::errc{}) {
            return Error{
                Errc::invalid_argument, "not a cursor; give back the one from the page before"};
        }
        position.key.push_back(static_cast<char>(value));
    }
    return position;
}

}  // namespace

std::vector<Stretch> plan_walk(const Filter& filter, const Counters& counters) {
    if (filter.message) {
        return {{Family::recipient, keys::message(*filter.message), {}, {}}};
    }
    if (filter.sender && !filter.recipient) {
        return {
            {Family::trace,
             keys::trace_prefix('s', *filter.sender),
             Stretch::Shape::message_keys,
             {}}};
    }
    std::vector<Stretch> plan;
    plan_held(plan, filter, counters, State::held);
    plan_held(plan, filter, counters, State::parked);
    if (filter.state == State::delivered) {
        plan_held(plan, filter, counters, State::delivered);
    }
    if (!wants(filter, State::due) && !wants(filter, State::in_flight)) {
        return plan;
    }
    if (filter.recipient) {
        plan.push_back(
            {Family::trace,
             keys::trace_prefix('r', *filter.recipient),
             Stretch::Shape::message_keys,
             {State::due, State::in_flight}}
        );
        return plan;
    }
    if (wants(filter, State::due)) {
        const std::string lanes = filter.server ? keys::due_prefix(*filter.server) : "d";
        plan.push_back({Family::due, lanes, Stretch::Shape::recipient_keys, {State::due}});
    }
    if (wants(filter, State::in_flight)) {
        plan.push_back(
            {Family::due,
             keys::in_flight_prefix(),
             Stretch::Shape::recipient_keys,
             {State::in_flight}}
        );
    }
    return plan;
}

std::vector<Stretch> plan_walk_by_age(const Filter& filter) {
    if (filter.message) {
        return {{Family::recipient, keys::message(*filter.message), {}, {}}};
    }
    if (filter.recipient || filter.sender) {
        const std::string prefix = filter.recipient ? keys::trace_prefix('r', *filter.recipient)
                                                    : keys::trace_prefix('s', *filter.sender);
        return {{Family::trace, prefix, Stretch::Shape::message_keys, {}}};
    }
    Stretch all{Family::recipient, {}, Stretch::Shape::recipient_keys, {}};
    if (filter.since) {
        all.from = keys::message(MessageId::at(*filter.since));
    }
    if (filter.before) {
        all.until = keys::message(MessageId::at(*filter.before));
    }
    if (filter.up_to && filter.up_to->value() != UINT64_MAX) {
        const std::string end = keys::message(MessageId{filter.up_to->value() + 1});
        all.until = all.until.empty() ? end : std::min(all.until, end);
    }
    return {all};
}

Result<std::string> walk(
    const RocksDatabase& database,
    const std::vector<Stretch>& plan,
    const Filter& filter,
    std::string_view cursor,
    const std::function<bool(Recipient)>& visit
) {
    SIDING_ASSIGN(const Position start, parse_cursor(cursor));
    Walker walker{database, filter, visit};
    for (std::size_t i = start.stretch; i < plan.size(); ++i) {
        const Stretch& stretch = plan[i];
        const auto keys_of = database.scan(
            stretch.family,
            stretch.until.empty() ? keys::after_prefix(stretch.prefix) : stretch.until
        );
        const bool resumed = i == start.stretch && !start.key.empty();
        const std::string& first = stretch.from.empty() ? stretch.prefix : stretch.from;
        keys_of->Seek(resumed ? start.key : first);
        if (resumed && keys_of->Valid() && keys_of->key() == start.key) {
            keys_of->Next();
        }
        for (; keys_of->Valid(); keys_of->Next()) {
            const std::string_view key = keys_of->key().ToStringView();
            SIDING_ASSIGN(const bool more, walker.offer_key(stretch, *keys_of));
            if (!more) {
                return fmt::format("{}:{}", i, to_hex(key));
            }
        }
        if (!keys_of->status().ok()) {
            return database.read_error(keys_of->status(), "listing");
        }
    }
    return std::string{};
}

}  // namespace siding::queue
