#include "base/bytes.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/message_view.hpp"
#include "control/remote_queue_id.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

constexpr std::size_t messages_max = 100;

// Newest first, however they were found.
Result<std::vector<MessageId>> find_messages(const queue::Store& store, const std::string& query) {
    if (const auto id = RecipientId::parse(query); id.has_value()) {
        return std::vector{id->message};
    }
    std::vector<MessageId> found;
    const auto look = [&](queue::TraceKey key, const std::string& value) -> Result<void> {
        SIDING_ASSIGN(const auto more, store.find_messages(key, value, messages_max));
        found.insert(found.end(), more.begin(), more.end());
        return {};
    };
    if (query != "<>") {
        SIDING_TRY(look(queue::TraceKey::message_id_header, query));
        SIDING_TRY(look(queue::TraceKey::message_id_header, "<" + query + ">"));
        SIDING_TRY(look(queue::TraceKey::recipient, to_lower(query)));
    }
    SIDING_TRY(look(queue::TraceKey::sender, query == "<>" ? "" : to_lower(query)));
    std::ranges::sort(found, std::greater{});
    const auto repeated = std::ranges::unique(found);
    found.erase(repeated.begin(), repeated.end());
    found.resize(std::min(found.size(), messages_max));
    return found;
}

// Far more than anybody flips while one message waits.
constexpr std::size_t flips_max = 1000;

// The (domain, wave) pairs that a message's recipients belong to, or once did.
using Waves = std::set<std::pair<std::string, std::string>>;

Waves waves_of(const std::vector<queue::LedgerEntry>& entries) {
    Waves waves;
    std::set<std::string> domains;
    for (const queue::LedgerEntry& entry : entries) {
        for (const queue::AcceptedRecipient& recipient : entry.recipients) {
            waves.emplace(recipient.domain, recipient.wave);
            domains.insert(recipient.domain);
        }
        if (entry.kind == queue::LedgerKind::assigned) {
            for (const std::string& domain : domains) {
                waves.emplace(domain, entry.to_state);
            }
        }
    }
    return waves;
}

json::object flip_json(const queue::FlipRecord& flip, const Waves& waves) {
    json::array moves;
    for (const queue::FlipMove& move : flip.moves) {
        if (waves.contains({move.domain.text(), move.wave})) {
            moves.push_back(json::object{
                {"domain", move.domain.text()},
                {"wave", json_text(move.wave)},
                {"from", format_phase(move.from)},
                {"to", format_phase(move.to)},
                {"copy_from", json_text(move.copy_from)},
                {"copy_to", json_text(move.copy_to)},
            });
        }
    }
    return {
        {"epoch", flip.epoch},
        {"at", json_time(flip.at)},
        {"who", json_text(flip.who)},
        {"why", json_text(flip.why)},
        {"undoes", flip.undoes},
        {"moves", std::move(moves)},
    };
}

// Flips of these waves from `begin` to `end`, oldest first.
json::array flips_between(
    const std::vector<queue::FlipRecord>& flips, const Waves& waves, WallTime begin, WallTime end
) {
    json::array out;
    for (auto flip = flips.rbegin(); flip != flips.rend(); ++flip) {
        if (flip->at < begin || flip->at > end) {
            continue;
        }
        json::object document = flip_json(*flip, waves);
        if (!document.at("moves").as_array().empty()) {
            out.push_back(std::move(document));
        }
    }
    return out;
}

// What the waves' phases were then: today's, with every later flip taken back. Nothing for what is
// older than the flips that are remembered.
json::array phases_at(
    const queue::PhaseTable& table,
    const std::vector<queue::FlipRecord>& flips,
    const Waves& waves,
    WallTime then
) {
    auto phases = table.phases;
    for (const queue::FlipRecord& flip : flips) {
        if (flip.at <= then) {
            break;
        }
        for (const queue::FlipMove& move : flip.moves) {
            phases.insert_or_assign({move.domain.text(), move.wave}, move.from);
        }
    }
    json::array out;
    const bool is_known = flips.size() < flips_max || flips.back().at <= then;
    for (const auto& wave : waves) {
        const auto phase = phases.find(wave);
        if (is_known && phase != phases.end()) {
            out.push_back(json::object{
                {"domain", json_text(wave.first)},
                {"wave", json_text(wave.second)},
                {"phase", format_phase(phase->second)},
            });
        }
    }
    return out;
}

json::object entry_json(const queue::LedgerEntry& entry) {
    json::object out = ledger_json(entry);
    if (entry.kind == queue::LedgerKind::delivered) {
        if (const std::string id = find_remote_queue_id(entry.reply); !id.empty()) {
            out["remote_id"] = json_text(id);
        }
    }
    return out;
}

// What is known of a message that is still in the queue, or kept for a replay.
struct Present {
    json::value document;
    bool is_open = false;  // not all of its recipients have ended
};

Result<Present> read_present(const queue::Store& store, MessageId id) {
    const auto view = read_message(store, id);
    if (view.has_error()) {
        return view.error().is(Errc::storage_failure) ? Result<Present>{view.error()} : Present{};
    }
    const bool is_open = std::ranges::any_of(view->rows, [](const auto& row) {
        return !queue::is_final(row.second.state);
    });
    return Present{json::value(message_json(*view)), is_open};
}

Result<json::array> trace(const queue::Store& store, const std::string& query) {
    json::array out;
    SIDING_ASSIGN(const auto messages, find_messages(store, query));
    SIDING_ASSIGN(const auto flips, store.flips(flips_max));
    const queue::PhaseTable table = store.phases();
    for (const MessageId id : messages) {
        SIDING_ASSIGN(const auto entries, store.ledger_of(id));
        if (entries.empty()) {
            continue;
        }
        json::array lines;
        for (const queue::LedgerEntry& entry : entries) {
            lines.push_back(entry_json(entry));
        }
        SIDING_ASSIGN(Present present, read_present(store, id));
        const Waves waves = waves_of(entries);
        const WallTime begin = entries.front().at;
        const WallTime end = present.is_open ? WallTime::max() : entries.back().at;
        out.push_back(json::object{
            {"id", id.text()},
            {"entries", std::move(lines)},
            {"phases", phases_at(table, flips, waves, begin)},
            {"flips", flips_between(flips, waves, begin, end)},
            {"message", std::move(present.document)},
        });
    }
    return out;
}

json::object servers_json(const std::vector<relay::LaneStatus>& lanes) {
    json::object out;
    for (const relay::LaneStatus& lane : lanes) {
        out[lane.server] = json_text(lane.address);
    }
    return out;
}

}  // namespace

Answer get_trace(Services& services, const Request& request) {
    const auto query = request.http.query.find("query");
    if (query == request.http.query.end() || query->second.empty()) {
        co_return Error{
            Errc::invalid_argument,
            "'query' is missing: give a message id, an address or a Message-ID"};
    }
    auto read = [text = query->second](const queue::Store& store) { return trace(store, text); };
    auto messages = co_await services.queue.read(std::move(read));
    SIDING_CO_TRY(messages);
    const auto lanes = co_await services.lanes();
    co_return json_response({{"messages", std::move(*messages)}, {"servers", servers_json(lanes)}});
}

}  // namespace siding::control
