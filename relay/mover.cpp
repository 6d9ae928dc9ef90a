#include "relay/mover.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

std::vector<RecipientId> ids_of(const queue::ListPage& page, std::uint64_t at_most) {
    std::vector<RecipientId> ids;
    for (const queue::Recipient& row : page.rows) {
        if (ids.size() < at_most) {
            ids.push_back(row.id);
        }
    }
    return ids;
}

}  // namespace

using boost::asio::awaitable;

awaitable<Result<std::uint64_t>> Mover::move_all(
    queue::Event event, queue::Filter filter, std::string who, std::string why
) {
    queue::MoveRecipients order;
    order.event = event;
    order.keep = event == queue::Event::hold;
    order.who = std::move(who);
    order.why = std::move(why);
    co_return co_await move_all(std::move(order), std::move(filter));
}

awaitable<Result<std::uint64_t>> Mover::move_all(
    queue::MoveRecipients order, queue::Filter filter
) {
    filter.up_to = queue_.next_id();
    order.still = filter;
    const std::uint64_t limit = filter.limit.value_or(UINT64_MAX);
    std::uint64_t total = 0;
    std::string cursor;
    do {
        auto list = [filter, cursor](const queue::Store& store) {
            return store.list(filter, cursor, limits::change_page_rows);
        };
        SIDING_CO_ASSIGN(const queue::ListPage page, co_await queue_.read(std::move(list)));
        cursor = page.cursor;
        order.recipients = ids_of(page, limit - total);
        queue::Change change = order;
        SIDING_CO_ASSIGN(const queue::Applied applied, co_await queue_.commit(std::move(change)));
        total += applied.moved;
    } while (!cursor.empty() && total < limit);
    co_return total;
}

}  // namespace siding::relay
