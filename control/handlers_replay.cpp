#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/response.hpp"
#include "control/server_name.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

struct ReplayOrder {
    queue::Filter filter;
    std::string server;
    std::string why;
    bool dry_run = false;
};

Result<ReplayOrder> parse_order(const Request& request, WallTime now) {
    SIDING_ASSIGN(
        const Body body, Body::parse(request.http.body, {"filter", "to", "why", "all", "dry_run"})
    );
    SIDING_ASSIGN(const json::object fields, body.object("filter"));
    SIDING_ASSIGN(const bool all, body.flag("all"));
    ReplayOrder order;
    SIDING_ASSIGN(order.filter, filter_from_json(fields, now));
    SIDING_ASSIGN(order.server, body.required_text("to"));
    SIDING_ASSIGN(order.why, body.text("why"));
    SIDING_ASSIGN(order.dry_run, body.flag("dry_run"));
    if (order.filter.state.value_or(queue::State::delivered) != queue::State::delivered) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "only what was delivered can be replayed, not what is {}",
                queue::format_state(*order.filter.state)
            )};
    }
    if (is_everything(order.filter) && !all && !order.dry_run) {
        return Error{
            Errc::invalid_argument,
            "the filter is empty: say what is meant, or \"all\": true for all that is kept"};
    }
    order.filter.state = queue::State::delivered;
    // Whoever got a message as a parallel run's copy has got it as himself, too.
    order.filter.copy = order.filter.copy.value_or(false);
    return order;
}

queue::MoveRecipients make_move(
    const ReplayOrder& order, const queue::ListPage& page, std::uint64_t at_most
) {
    queue::MoveRecipients move;
    move.event = queue::Event::replay;
    for (const queue::Recipient& row : page.rows) {
        if (move.recipients.size() < at_most) {
            move.recipients.push_back(row.id);
        }
    }
    move.server = order.server;
    move.pinned = true;
    move.still = order.filter;
    move.why = order.why;
    return move;
}

net::awaitable<Result<std::uint64_t>> replay(
    Services& services, const ReplayOrder& order, const std::string& who
) {
    const std::uint64_t limit = order.filter.limit.value_or(UINT64_MAX);
    std::uint64_t total = 0;
    std::string cursor;
    do {
        auto list = [&order, cursor](const queue::Store& store) {
            return store.list(order.filter, cursor, limits::change_page_rows);
        };
        const auto page = co_await services.queue.read(std::move(list));
        SIDING_CO_TRY(page);
        cursor = page->cursor;
        queue::MoveRecipients move = make_move(order, *page, limit - total);
        move.due_at = services.clock.now();
        move.who = who;
        queue::Change change{std::move(move)};
        const auto applied = co_await services.queue.commit(std::move(change));
        SIDING_CO_TRY(applied);
        total += applied->moved;
        if (applied->moved > 0 && services.wake_lane) {
            services.wake_lane(order.server, services.clock.now());
        }
    } while (!cursor.empty() && total < limit);
    co_return total;
}

}  // namespace

Answer post_replay(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(ReplayOrder order, parse_order(request, services.clock.now()));
    const auto lanes = co_await services.lanes();
    SIDING_CO_TRY(check_server(lanes, order.server));
    // Mail that comes from now on is no part of this order.
    order.filter.up_to = services.queue.next_id();
    if (order.dry_run) {
        auto count = [&order](const queue::Store& store) { return store.count(order.filter); };
        const auto total = co_await services.queue.read(std::move(count));
        SIDING_CO_TRY(total);
        co_return json_response({{"recipients", total->recipients}, {"octets", total->octets}});
    }
    const auto moved = co_await replay(services, order, request.who);
    SIDING_CO_TRY(moved);
    logger.info(
        "replayed", {{"route", order.server}, {"recipients", *moved}, {"who", request.who}}
    );
    co_return json_response({{"moved", *moved}});
}

}  // namespace siding::control
