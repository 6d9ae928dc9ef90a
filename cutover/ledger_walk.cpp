#include "cutover/ledger_walk.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <fmt/format.h>

namespace siding::cutover {
namespace {

using queue::LedgerEntry;
using queue::LedgerKind;
using queue::State;

// 16 octets each. At ten thousand a second this is a walk of a hundred seconds.
constexpr std::size_t moved_max = 1'000'000;

RecipientId recipient_of(const LedgerEntry& accepted, std::size_t index) {
    return {accepted.recipient.message, static_cast<std::uint32_t>(index)};
}

bool is_end(LedgerKind kind) {
    return kind == LedgerKind::delivered || kind == LedgerKind::discarded;
}

}  // namespace

void LedgerWalk::broken(std::string text) {
    whole_ = false;
    problems_.add(std::move(text));
}

Result<bool> LedgerWalk::read_page(const queue::Store& store) {
    if (!whole_) {
        return true;
    }
    const queue::LedgerTail written = store.ledger_tail();
    const auto page = store.read_ledger(next_sequence_, limits::change_page_rows);
    if (page.has_error()) {
        if (!page.error().is(Errc::corrupt)) {
            return page.error();
        }
        broken(page.error().message());
        return true;
    }
    for (const LedgerEntry& entry : *page) {
        if (entries_ > 0 && entry.sequence != next_sequence_) {
            broken(fmt::format(
                "ledger line {} is missing: the next one is {}", next_sequence_, entry.sequence
            ));
            return true;
        }
        SIDING_TRY(take(entry));
        ++entries_;
        next_sequence_ = entry.sequence + 1;
        last_ = {entry.sequence, entry.chain};
        if (!check_chain(written)) {
            return true;
        }
    }
    if (page->empty() && check_chain(written) && last_.sequence < written.sequence) {
        broken(fmt::format(
            "the ledger ends with line {}, but {} lines were written: its end was cut off",
            last_.sequence,
            written.sequence
        ));
    }
    return page->empty();
}

bool LedgerWalk::check_chain(const queue::LedgerTail& written) {
    if (last_.sequence == written.sequence && last_.chain != written.chain) {
        broken(fmt::format(
            "ledger line {} is not the one that was written: its chain value differs",
            written.sequence
        ));
    }
    return whole_;
}

Result<void> LedgerWalk::take(const LedgerEntry& entry) {
    if (following_ && moved_.size() > moved_max) {
        return Error{
            Errc::unavailable,
            "more mail moved during the audit than it can follow; run it again at a quieter time"};
    }
    if (entry.kind == LedgerKind::accepted) {
        take_accepted(entry);
    } else if (is_end(entry.kind)) {
        take_end(entry);
    } else if (entry.kind == LedgerKind::replayed) {
        take_replayed(entry);
    } else if (entry.kind == LedgerKind::quarantined) {
        problems_.add(fmt::format(
            "the record {} could not be read and was moved aside: {}",
            escape(entry.quarantined_key),
            escape(entry.reply)
        ));
    }
    if (following_) {
        note_move(entry);
    }
    return {};
}

void LedgerWalk::take_accepted(const LedgerEntry& entry) {
    accepted_ += entry.recipients.size();
    for (std::size_t i = 0; i < entry.recipients.size(); ++i) {
        const RecipientId id = recipient_of(entry, i);
        if (following_) {
            moved_.emplace_back(id, Fingerprint::Side::removed);
        } else {
            fingerprint_.add(id);
        }
    }
    if (following_) {
        accepted_since_.insert(entry.recipient.message.value());
    }
}

void LedgerWalk::take_end(const LedgerEntry& entry) {
    ++(entry.kind == LedgerKind::delivered ? delivered_ : discarded_);
    if (!following_) {
        fingerprint_.remove(entry.recipient);
    } else if (!accepted_since_.contains(entry.recipient.message.value())) {
        moved_.emplace_back(entry.recipient, Fingerprint::Side::added);
    }
}

void LedgerWalk::take_replayed(const LedgerEntry& entry) {
    ++replayed_;
    if (following_) {
        moved_.emplace_back(entry.recipient, Fingerprint::Side::removed);
    } else {
        fingerprint_.add(entry.recipient);
    }
}

// What a recipient was and became. Lines of attempts and their outcomes leave it to the kind.
void LedgerWalk::note_move(const LedgerEntry& entry) {
    const auto count = [&](State state, std::uint64_t by = 1) {
        moves_[static_cast<std::size_t>(state)] += by;
    };
    switch (entry.kind) {
    case LedgerKind::accepted:
        count(State::held, entry.recipients.size());
        count(State::due, entry.recipients.size());
        break;
    case LedgerKind::attempt:
    case LedgerKind::deferred:
    case LedgerKind::in_doubt:
        count(State::due);
        count(State::in_flight);
        break;
    case LedgerKind::delivered:
        count(State::in_flight);
        count(State::delivered);
        break;
    case LedgerKind::parked:
        count(State::in_flight);
        count(State::parked);
        break;
    case LedgerKind::assigned:  // within its state, from one wave to another
        for (const State state : states_in_queue) {
            count(state);
        }
        break;
    case LedgerKind::released:
    case LedgerKind::held:
    case LedgerKind::rerouted:
    case LedgerKind::recovered:
    case LedgerKind::discarded:
    case LedgerKind::phase:
    case LedgerKind::quarantined:
    case LedgerKind::started:
    case LedgerKind::refused:
    case LedgerKind::replayed:
    case LedgerKind::remapped:
        break;
    }
    if (entry.kind == LedgerKind::phase || entry.kind == LedgerKind::assigned) {
        return;  // these are of phases and waves
    }
    for (const std::string& name : {entry.from_state, entry.to_state}) {
        if (const auto state = queue::parse_state(name); state.has_value()) {
            count(*state);
        }
    }
}

Result<void> for_each_accepted(
    const queue::Store& store, const std::function<Result<void>(RecipientId)>& visit
) {
    std::uint64_t next = 0;
    while (true) {
        SIDING_ASSIGN(const auto page, store.read_ledger(next, limits::change_page_rows));
        if (page.empty()) {
            return {};
        }
        for (const LedgerEntry& entry : page) {
            if (entry.kind != LedgerKind::accepted) {
                continue;
            }
            for (std::size_t i = 0; i < entry.recipients.size(); ++i) {
                SIDING_TRY(visit(recipient_of(entry, i)));
            }
        }
        next = page.back().sequence + 1;
    }
}

Result<Life> life_of(const queue::Store& store, RecipientId id) {
    SIDING_ASSIGN(const auto entries, store.ledger_of(id.message));
    Life life = Life::unknown;
    for (const LedgerEntry& entry : entries) {
        if (entry.kind == LedgerKind::accepted && id.number < entry.recipients.size()) {
            life = Life::in_queue;
        } else if (is_end(entry.kind) && entry.recipient == id) {
            life = Life::ended;
        } else if (entry.kind == LedgerKind::replayed && entry.recipient == id) {
            life = Life::in_queue;
        }
    }
    return life;
}

}  // namespace siding::cutover
