#include "relay/redirect.hpp"

#include "base/limits.hpp"
#include "relay/router.hpp"

#include <map>

namespace siding::relay {

using boost::asio::awaitable;

awaitable<Result<void>> redirect(
    queue::Queue& queue, std::vector<queue::Recipient> rows, const WakeLane& wake_lane
) {
    const auto phases = queue.phases();
    const WallTime now = queue.clock().now();
    std::map<std::string, queue::MoveRecipients> moves;
    for (const queue::Recipient& row : rows) {
        const auto to = route(*phases, row.domain, row.wave, row.pinned_server);
        if (to == row.lane) {
            continue;
        }
        queue::MoveRecipients& move = moves[to.value_or("")];
        move.event = to ? queue::Event::reroute : queue::Event::hold;
        move.recipients.push_back(row.id);
        move.server = to.value_or("");
        move.due_at = now;
        // Parked or taken up for an attempt meanwhile: no longer a matter of the phase.
        move.still.emplace().state = queue::State::due;
        move.who = "sidingd";
        move.why = "the phase has changed";
    }
    for (auto& [server, move] : moves) {
        SIDING_CO_TRY(co_await queue.commit(std::move(move)));
        if (!server.empty()) {
            wake_lane(server, now);
        }
    }
    co_return Result<void>{};
}

awaitable<Result<void>> redirect_all(queue::Queue& queue, const WakeLane& wake_lane) {
    queue::Filter filter;
    filter.state = queue::State::due;
    std::string cursor;
    do {
        auto list = [filter, cursor](const queue::Store& store) {
            return store.list(filter, cursor, limits::change_page_rows);
        };
        SIDING_CO_ASSIGN(queue::ListPage page, co_await queue.read(std::move(list)));
        cursor = page.cursor;
        SIDING_CO_TRY(co_await redirect(queue, std::move(page.rows), wake_lane));
    } while (!cursor.empty());
    co_return Result<void>{};
}

}  // namespace siding::relay
