// The end of a message in the store: whether it goes with its last recipient or is retained for a
// replay, and when a retained one goes.
#include "queue/keys.hpp"
#include "queue/rocks_backend.hpp"

#include <algorithm>
#include <charconv>

namespace siding::queue {
namespace {

std::uint64_t octets_of(std::string_view retained_value) {
    std::uint64_t octets = 0;
    std::from_chars(retained_value.data(), retained_value.data() + retained_value.size(), octets);
    return octets;
}

}  // namespace

void RocksBatch::end_message(const RecipientRow& row) {
    const MessageId id = row.recipient.id.message;
    erase(Family::message, keys::message(id));
    for (std::uint32_t chunk = 0; chunk < row.chunks; ++chunk) {
        erase(Family::body, keys::body(id, chunk));
    }
}

// The next ones first: recipients end in their order, so that one that waits is mostly met at once.
RocksBatch::Others RocksBatch::look_at_others(const RecipientRow& row) {
    Others others;
    const RecipientId self = row.recipient.id;
    for (std::uint32_t step = 1; step < row.siblings && !others.wait; ++step) {
        const RecipientId id{self.message, (self.number + step) % row.siblings};
        const auto other = load(id);
        if (!other || is_quarantined(id)) {
            others.wait = true;  // unreadable counts as there: nothing is deleted under it
        } else if (other->has_value() && !is_final((*other)->recipient.state)) {
            others.wait = true;
        } else if (other->has_value()) {
            others.ended_at = std::max(others.ended_at, (*other)->recipient.ended_at);
            others.retained = true;
        }
    }
    return others;
}

void RocksBatch::retain_message(const RecipientRow& row, WallTime ended_at) {
    const std::uint64_t octets = row.recipient.size_octets;
    put(Family::held, keys::retained(ended_at, row.recipient.id.message), std::to_string(octets));
    tail_.retained.messages += 1;
    tail_.retained.octets += octets;
}

void RocksBatch::release_message(const std::string& retained_key, std::uint64_t octets) {
    erase(Family::held, retained_key);
    tail_.retained.messages -= std::min<std::uint64_t>(tail_.retained.messages, 1);
    tail_.retained.octets -= std::min(tail_.retained.octets, octets);
}

// One of a message that may have ended whole comes back.
void RocksBatch::revive_message(const RecipientRow& row) {
    const Others others = look_at_others(row);
    if (!others.wait) {
        const WallTime ended_at = std::max(others.ended_at, row.recipient.ended_at);
        release_message(
            keys::retained(ended_at, row.recipient.id.message), row.recipient.size_octets
        );
    }
}

Result<Applied> RocksBatch::apply(const PruneRetained& change) {
    struct Candidate {
        std::string key;
        std::uint64_t octets = 0;
        std::vector<RecipientRow> rows;
    };
    std::vector<Candidate> found;
    std::uint64_t octets_left = tail_.retained.octets;
    const auto look = [&](std::string_view key, std::string_view value) -> Result<bool> {
        const bool is_old = keys::retained_time(key) < change.before;
        if (found.size() >= change.messages_max || (!is_old && octets_left <= change.octets_max)) {
            return false;
        }
        Candidate one{std::string{key}, octets_of(value), {}};
        SIDING_ASSIGN(auto rows, load_retained(keys::tail_message(key), keys::retained_time(key)));
        if (rows) {
            one.rows = std::move(*rows);
            octets_left -= std::min(octets_left, one.octets);
            found.push_back(std::move(one));
        }
        return true;
    };
    SIDING_TRY(for_each(database_, Family::held, keys::retained_prefix(), look));
    Applied applied;
    for (const Candidate& one : found) {
        release_message(one.key, one.octets);
        if (!one.rows.empty() && look_at_others(one.rows.front()).wait) {
            continue;  // one of its records cannot be read: that is for an operator to see
        }
        for (const RecipientRow& row : one.rows) {
            const Recipient& gone = row.recipient;
            erase(Family::held, keys::index(gone));
            erase(Family::recipient, keys::recipient(gone.id));
            rows_[gone.id] = std::nullopt;
            count_retained(gone, -1);
        }
        if (!one.rows.empty()) {
            end_message(one.rows.front());
        }
        applied.moved += 1;
    }
    return applied;
}

// The rows of a message that ended at that time; nothing if it has come back in this batch.
Result<std::optional<std::vector<RecipientRow>>> RocksBatch::load_retained(
    MessageId message, WallTime ended_at
) {
    std::vector<RecipientRow> rows;
    WallTime last{};
    SIDING_TRY(for_each(
        database_,
        Family::recipient,
        keys::message(message),
        [&](std::string_view key, std::string_view) -> Result<bool> {
            SIDING_ASSIGN(auto row, load(keys::tail_recipient(key)));
            if (row) {
                last = std::max(last, row->recipient.ended_at);
                rows.push_back(std::move(*row));
            }
            return true;
        }
    ));
    const bool is_back = std::ranges::any_of(rows, [](const RecipientRow& row) {
        return !is_final(row.recipient.state);
    });
    if (is_back || (!rows.empty() && last != ended_at)) {
        return std::optional<std::vector<RecipientRow>>{};
    }
    return std::optional{std::move(rows)};
}

}  // namespace siding::queue
