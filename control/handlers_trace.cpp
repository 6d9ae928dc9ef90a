#include "base/bytes.hpp"
#include "control/handlers.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

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

Result<json::array> trace(const queue::Store& store, const std::string& query) {
    json::array out;
    SIDING_ASSIGN(const auto messages, find_messages(store, query));
    for (const MessageId id : messages) {
        SIDING_ASSIGN(const auto entries, store.ledger_of(id));
        if (entries.empty()) {
            continue;
        }
        json::array lines;
        for (const queue::LedgerEntry& entry : entries) {
            lines.push_back(ledger_json(entry));
        }
        out.push_back(json::object{{"id", id.text()}, {"entries", std::move(lines)}});
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
    co_return json_response({{"messages", std::move(*messages)}});
}

}  // namespace siding::control
