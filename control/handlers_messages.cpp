#include "control/handlers.hpp"
#include "control/message_view.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <fmt/format.h>
#include <memory>

namespace siding::control {
namespace {

// The message of a path's {id}; a recipient's id names its message too.
Result<MessageId> parse_message(const Request& request) {
    SIDING_ASSIGN(const RecipientId id, RecipientId::parse(request.captures.at(0)));
    return id.message;
}

Error of_message(const Error& error, MessageId id) {
    if (!error.is(Errc::not_found)) {
        return error;
    }
    return {
        Errc::not_found,
        fmt::format(
            "message {} is not in the queue; 'siding trace {}' shows what became of it",
            id.text(),
            id.text()
        )};
}

struct Octets {
    queue::Queue& queue;
    MessageId id;
    std::string trace_header;
    std::uint32_t chunks;
    std::uint32_t next_chunk = 0;
};

using Piece = Result<std::optional<std::string>>;

net::awaitable<Piece> next_piece(std::shared_ptr<Octets> octets) {
    if (!octets->trace_header.empty()) {
        co_return std::optional{std::exchange(octets->trace_header, {})};
    }
    if (octets->next_chunk == octets->chunks) {
        co_return std::optional<std::string>{};
    }
    auto read = [octets](const queue::Store& store) {
        return store.read_body_chunk(octets->id, octets->next_chunk);
    };
    auto chunk = co_await octets->queue.read(std::move(read));
    SIDING_CO_TRY(chunk);
    ++octets->next_chunk;
    co_return std::optional{std::move(*chunk)};
}

}  // namespace

Answer get_message(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const MessageId id, parse_message(request));
    auto read = [id](const queue::Store& store) { return read_message(store, id); };
    const auto view = co_await services.queue.read(std::move(read));
    if (view.has_error()) {
        co_return of_message(view.error(), id);
    }
    co_return json_response(message_json(*view));
}

Answer get_message_octets(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const MessageId id, parse_message(request));
    const auto& query = request.http.query;
    const auto trace = query.find("trace");
    const bool with_trace = trace == query.end() || trace->second != "0";
    auto read = [id](const queue::Store& store) { return store.read_envelope(id); };
    const auto envelope = co_await services.queue.read(std::move(read));
    if (envelope.has_error()) {
        co_return of_message(envelope.error(), id);
    }
    auto octets = std::make_shared<Octets>(Octets{
        services.queue, id, with_trace ? envelope->trace_header : "", envelope->body.chunks});
    net::HttpResponse response;
    response.content_type = "message/rfc822";
    response.produce = [octets = std::move(octets)] { return next_piece(octets); };
    co_return response;
}

}  // namespace siding::control
