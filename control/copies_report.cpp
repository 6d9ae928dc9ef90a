#include "control/copies_report.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "control/json.hpp"
#include "smtp/cause.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::LedgerKind;

constexpr std::size_t rows_shown_default = 100;
constexpr std::size_t examples_max = 3;
// A line is written a moment after its message was received.
constexpr auto start_margin = std::chrono::minutes{1};

bool is_answer(LedgerKind kind) {
    using enum LedgerKind;
    return kind == delivered || kind == parked || kind == deferred || kind == in_doubt;
}

queue::Recipient row_of(
    const queue::LedgerEntry& line, std::uint32_t number, const Domain& domain
) {
    const queue::AcceptedRecipient& recipient = line.recipients[number];
    return {
        .id = {line.recipient.message, number},
        .domain = domain,
        .wave = recipient.wave,
        .address = recipient.address,
        .sender = line.sender,
        .size_octets = line.size_octets,
        .lane = {},
        .pinned_server = {},
        .last_reply = {},
        .tags = line.tags,
    };
}

// What an operator should read first: which side refused, and why.
std::string cause_of(const std::string& cause, const std::string& reply) {
    return cause.empty() ? std::string{smtp::to_text(smtp::cause_of_text(reply))} : cause;
}

}  // namespace

CopiesReport::CopiesReport(queue::Filter filter, Show show)
    : filter_{std::move(filter)},
      show_{show},
      rows_max_{std::exchange(filter_.limit, std::nullopt).value_or(rows_shown_default)} {}

Result<bool> CopiesReport::step(const queue::Store& store) {
    if (filter_.message) {
        SIDING_ASSIGN(const auto lines, store.ledger_of(*filter_.message));
        std::ranges::for_each(lines, [this](const auto& line) { on_line(line); });
        return true;
    }
    if (next_sequence_ == 0) {
        SIDING_ASSIGN(next_sequence_, find_start(store));
    }
    SIDING_ASSIGN(const auto lines, store.read_ledger(next_sequence_, limits::list_page_rows_max));
    for (const queue::LedgerEntry& line : lines) {
        on_line(line);
        next_sequence_ = line.sequence + 1;
    }
    return lines.empty();
}

// The first line that may tell of `since`; lines are in the order of time.
Result<std::uint64_t> CopiesReport::find_start(const queue::Store& store) const {
    if (!filter_.since) {
        return 1;
    }
    const WallTime wanted = *filter_.since - start_margin;
    std::uint64_t low = 1;
    std::uint64_t high = store.ledger_tail().sequence + 1;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        SIDING_ASSIGN(const auto lines, store.read_ledger(middle, 1));
        if (lines.empty() || lines.front().at >= wanted) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void CopiesReport::on_line(const queue::LedgerEntry& line) {
    if (line.kind == LedgerKind::accepted) {
        on_accepted(line);
    } else if (is_answer(line.kind)) {
        on_answer(line);
    }
}

void CopiesReport::on_accepted(const queue::LedgerEntry& line) {
    const auto& recipients = line.recipients;
    for (std::uint32_t copy = 0; copy < recipients.size(); ++copy) {
        if (!recipients[copy].copy) {
            continue;
        }
        const std::string address = to_lower(recipients[copy].address);
        const auto first = std::ranges::find_if(recipients, [&](const auto& other) {
            return !other.copy && to_lower(other.address) == address;
        });
        if (first != recipients.end()) {
            add_pair(line, static_cast<std::uint32_t>(first - recipients.begin()), copy);
        }
    }
}

void CopiesReport::add_pair(
    const queue::LedgerEntry& line, std::uint32_t first, std::uint32_t copy
) {
    const auto domain = Domain::parse(line.recipients[copy].domain);
    if (!domain || !queue::matches(filter_, row_of(line, first, *domain))) {
        return;
    }
    const MessageId message = line.recipient.message;
    const PairKey key{message, copy};
    pairs_.emplace(
        key,
        Pair{
            message,
            message.time(),
            line.recipients[copy].address,
            line.sender,
            {},
            {},
        }
    );
    pairs_of_[{message, first}].push_back(key);
    pairs_of_[{message, copy}].push_back(key);
    messages_ += message == last_message_ ? 0 : 1;
    last_message_ = message;
    if (pairs_.size() > copies_pairs_max) {
        settle(pairs_.begin());
    }
}

void CopiesReport::on_answer(const queue::LedgerEntry& line) {
    const auto found = pairs_of_.find(line.recipient);
    if (found == pairs_of_.end()) {
        return;
    }
    const std::vector<PairKey> keys = found->second;
    for (const PairKey& key : keys) {
        const auto pair = pairs_.find(key);
        if (pair == pairs_.end()) {
            continue;
        }
        const bool of_copy = line.recipient.number == key.second;
        (of_copy ? pair->second.copy : pair->second.first) =
            Answer{line.kind, line.server, line.reply, line.cause, line.at};
        if (pair->second.first.kind == LedgerKind::delivered &&
            pair->second.copy.kind == LedgerKind::delivered) {
            settle(pair);
        }
    }
}

void CopiesReport::settle(std::map<PairKey, Pair>::iterator pair) {
    const PairKey key = pair->first;
    count(std::move(pair->second));
    pairs_.erase(pair);
    for (auto side = pairs_of_.lower_bound({key.first, 0});
         side != pairs_of_.end() && side->first.message == key.first;) {
        std::erase(side->second, key);
        side = side->second.empty() ? pairs_of_.erase(side) : std::next(side);
    }
}

void CopiesReport::count(Pair pair) {
    const Comparison result = compare(pair);
    agree_ += result == Comparison::agree ? 1 : 0;
    differ_ += result == Comparison::differ ? 1 : 0;
    waiting_ += result == Comparison::waiting ? 1 : 0;
    if (result == Comparison::differ) {
        const bool copy_refused = pair.copy.kind == LedgerKind::parked;
        const Answer& refused = copy_refused ? pair.copy : pair.first;
        Difference& difference = differences_[{
            copy_refused ? "copy_refused" : "first_refused",
            cause_of(refused.cause, refused.reply)}];
        difference.recipients += 1;
        if (difference.examples.size() < examples_max) {
            difference.examples.push_back(pair);
        }
    }
    const bool is_shown = show_ == Show::all ||
                          (show_ == Show::differing && result == Comparison::differ) ||
                          (show_ == Show::waiting && result == Comparison::waiting);
    if (is_shown && rows_max_ > 0) {
        rows_.push_back(std::move(pair));
        if (rows_.size() > rows_max_) {
            rows_.pop_front();
        }
    }
}

// A server has decided when it took the message or refused it for good.
CopiesReport::Comparison CopiesReport::compare(const Pair& pair) {
    const auto has_decided = [](const Answer& answer) {
        return answer.kind == LedgerKind::delivered || answer.kind == LedgerKind::parked;
    };
    if (!has_decided(pair.first) || !has_decided(pair.copy)) {
        return Comparison::waiting;
    }
    return pair.first.kind == pair.copy.kind ? Comparison::agree : Comparison::differ;
}

json::object CopiesReport::answer_json(const Answer& answer) {
    const bool none = answer.kind == LedgerKind::accepted;
    return {
        {"kind", none ? json::value(nullptr) : json::value(queue::format_ledger_kind(answer.kind))},
        {"server", json_text(answer.server)},
        {"reply", json_text(answer.reply)},
        {"at", json_time(answer.at)},
    };
}

json::object CopiesReport::pair_json(const Pair& pair) {
    const Comparison result = compare(pair);
    return {
        {"message", pair.message.text()},
        {"received_at", json_time(pair.received_at)},
        {"recipient", json_text(pair.recipient)},
        {"sender", json_text(pair.sender)},
        {"agree",
         result == Comparison::waiting ? json::value(nullptr)
                                       : json::value(result == Comparison::agree)},
        {"first", answer_json(pair.first)},
        {"copy", answer_json(pair.copy)},
    };
}

json::object CopiesReport::document() {
    while (!pairs_.empty()) {
        settle(pairs_.begin());
    }
    json::array differences;
    for (const auto& [how, difference] : differences_) {
        json::array examples;
        for (const Pair& pair : difference.examples) {
            examples.push_back(pair_json(pair));
        }
        const auto known = smtp::parse_cause(how.second).value_or(smtp::Cause::other);
        differences.push_back(json::object{
            {"how", json_text(how.first)},
            {"cause", json_text(how.second)},
            {"what", smtp::describe(known).sentence},
            {"recipients", difference.recipients},
            {"examples", std::move(examples)},
        });
    }
    json::array rows;
    for (const Pair& pair : rows_) {
        rows.push_back(pair_json(pair));
    }
    return {
        {"messages", messages_},
        {"recipients", agree_ + differ_ + waiting_},
        {"agree", agree_},
        {"differ", differ_},
        {"waiting", waiting_},
        {"differences", std::move(differences)},
        {"rows", std::move(rows)},
    };
}

}  // namespace siding::control
