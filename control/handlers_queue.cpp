#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "control/response.hpp"
#include "relay/dsn_order.hpp"

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
    bool dsn = false;
};

Result<MoveOrder> parse_move(
    const Request& request, std::initializer_list<std::string_view> keys, WallTime now
) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, keys));
    SIDING_ASSIGN(const json::object fields, body.object("filter"));
    SIDING_ASSIGN(const bool all, body.flag("all"));
    MoveOrder order;
    SIDING_ASSIGN(order.filter, filter_from_json(fields, now));
    SIDING_ASSIGN(order.why, body.text("why"));
    SIDING_ASSIGN(order.dsn, body.flag("dsn"));
    if (is_everything(order.filter) && !all) {
        return Error{
            Errc::invalid_argument,
            "the filter is empty: say what is meant, or \"all\": true for the whole queue"};
    }
    return order;
}

Answer move_all(Services& services, MoveOrder order, queue::Event event, const std::string& who) {
    const auto moved =
        co_await services.mover.move_all(event, std::move(order.filter), who, std::move(order.why));
    SIDING_CO_TRY(moved);
    logger.info(
        "moved", {{"event", queue::format_event(event)}, {"recipients", *moved}, {"who", who}}
    );
    co_return json_response({{"moved", *moved}});
}

// A report that nobody could send would be worse than none.
Result<std::string> find_report_server(const Services& services) {
    const auto config = services.config ? services.config() : nullptr;
    if (config == nullptr || !config->dsn.server) {
        return Error{
            Errc::conflict,
            "no server sends reports: name one in 'dsn.server' of the configuration"};
    }
    return *config->dsn.server;
}

Answer discard_and_report(Services& services, MoveOrder order, const std::string& who) {
    SIDING_CO_ASSIGN(std::string server, find_report_server(services));
    relay::DsnOrder discard{std::move(order.filter), std::move(server), services.hostname};
    discard.who = who;
    discard.why = std::move(order.why);
    const auto outcome = co_await relay::discard_with_reports(
        services.queue, std::move(discard), services.wake_lane
    );
    SIDING_CO_TRY(outcome);
    logger.info(
        "moved",
        {{"event", "discard"},
         {"recipients", outcome->discarded},
         {"reports", outcome->reports},
         {"who", who}}
    );
    co_return json_response({
        {"moved", outcome->discarded},
        {"reports", outcome->reports},
        {"unreported", outcome->unreported},
        {"left", outcome->left},
    });
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
    SIDING_CO_ASSIGN(
        MoveOrder order, parse_move(request, {"filter", "why", "all"}, services.clock.now())
    );
    co_return co_await move_all(services, std::move(order), queue::Event::hold, request.who);
}

Answer post_discard(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        MoveOrder order, parse_move(request, {"filter", "why", "all", "dsn"}, services.clock.now())
    );
    if (order.dsn) {
        co_return co_await discard_and_report(services, std::move(order), request.who);
    }
    co_return co_await move_all(services, std::move(order), queue::Event::discard, request.who);
}

}  // namespace siding::control
