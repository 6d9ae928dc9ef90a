#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

constexpr std::uint64_t page_rows_default = 100;

// A filter's limit counts over all pages, so the cursor carries what is left of it: "LEFT.CURSOR",
// with an empty LEFT where there is no limit.
struct ListOrder {
    queue::Filter filter;
    std::string cursor;
    std::optional<std::uint64_t> left;
    std::size_t rows_max = page_rows_default;
};

Result<void> parse_cursor(ListOrder& order, std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) {
        return Error{
            Errc::invalid_argument, "'cursor' is not one that a page before this one has given"};
    }
    if (dot > 0) {
        SIDING_ASSIGN(order.left, parse_number("cursor", text.substr(0, dot)));
    }
    order.cursor = text.substr(dot + 1);
    return {};
}

Result<ListOrder> parse_list(const net::HttpQuery& query, WallTime now) {
    ListOrder order;
    SIDING_ASSIGN(order.filter, filter_from_query(query, {"cursor", "page"}, now));
    order.left = std::exchange(order.filter.limit, std::nullopt);
    if (const auto cursor = query.find("cursor");
        cursor != query.end() && !cursor->second.empty()) {
        SIDING_TRY(parse_cursor(order, cursor->second));
    }
    std::uint64_t page = page_rows_default;
    if (const auto given = query.find("page"); given != query.end()) {
        SIDING_ASSIGN(page, parse_number("page", given->second));
    }
    if (page == 0 || page > limits::list_page_rows_max) {
        return Error{
            Errc::invalid_argument,
            fmt::format("'page' must be from 1 to {}", limits::list_page_rows_max)};
    }
    order.rows_max = std::min(page, order.left.value_or(page));
    return order;
}

json::object page_json(const ListOrder& order, const queue::ListPage& page) {
    json::array rows;
    for (const queue::Recipient& row : page.rows) {
        if (order.left && rows.size() == *order.left) {
            break;
        }
        rows.push_back(recipient_json(row));
    }
    std::string cursor;
    const std::uint64_t left = order.left ? *order.left - rows.size() : 0;
    if (!page.cursor.empty() && (!order.left || left > 0)) {
        cursor = fmt::format("{}.{}", order.left ? std::to_string(left) : "", page.cursor);
    }
    return {{"rows", std::move(rows)}, {"cursor", std::move(cursor)}};
}

struct MoveOrder {
    queue::Filter filter;
    std::string why;
};

Result<MoveOrder> parse_move(const Request& request, WallTime now) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"filter", "why", "all"}));
    SIDING_ASSIGN(const json::object fields, body.object("filter"));
    SIDING_ASSIGN(const bool all, body.flag("all"));
    MoveOrder order;
    SIDING_ASSIGN(order.filter, filter_from_json(fields, now));
    SIDING_ASSIGN(order.why, body.text("why"));
    if (is_everything(order.filter) && !all) {
        return Error{
            Errc::invalid_argument,
            "the filter is empty: say what is meant, or \"all\": true for the whole queue"};
    }
    return order;
}

Answer move_all(Services& services, const Request& request, queue::Event event) {
    SIDING_CO_ASSIGN(MoveOrder order, parse_move(request, services.clock.now()));
    const auto moved = co_await services.mover.move_all(
        event, std::move(order.filter), request.who, std::move(order.why)
    );
    SIDING_CO_TRY(moved);
    logger.info(
        "moved",
        {{"event", queue::format_event(event)}, {"recipients", *moved}, {"who", request.who}}
    );
    co_return json_response({{"moved", *moved}});
}

}  // namespace

Answer get_queue(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const ListOrder order, parse_list(request.http.query, services.clock.now()));
    auto list = [&order](const queue::Store& store) {
        return store.list(order.filter, order.cursor, order.rows_max);
    };
    const auto page = co_await services.queue.read(std::move(list));
    SIDING_CO_TRY(page);
    co_return json_response(page_json(order, *page));
}

Answer get_queue_count(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        const queue::Filter filter, filter_from_query(request.http.query, {}, services.clock.now())
    );
    auto count = [&filter](const queue::Store& store) { return store.count(filter); };
    const auto total = co_await services.queue.read(std::move(count));
    SIDING_CO_TRY(total);
    co_return json_response({{"recipients", total->recipients}, {"octets", total->octets}});
}

Answer post_hold(Services& services, const Request& request) {
    return move_all(services, request, queue::Event::hold);
}

Answer post_discard(Services& services, const Request& request) {
    return move_all(services, request, queue::Event::discard);
}

}  // namespace siding::control
