#include "relay/wave_follow.hpp"

#include "base/limits.hpp"
#include "config/config.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>

namespace siding::relay {
namespace {

using boost::asio::awaitable;

// Rows that go to another wave, by that wave.
using Moves = std::map<std::string, std::vector<queue::Recipient>>;

struct Page {
    Moves moves;
    std::string cursor;
};

// What one walk goes by.
struct Walk {
    std::shared_ptr<const WaveTable> table;
    std::shared_ptr<const queue::PhaseTable> phases;
    Domain domain;
    std::string delimiter;

    std::string wave_of(std::string_view said, const std::string& name) const {
        std::string wave = wave_of_names(*table, domain, said, {name}, delimiter);
        return phases->find(domain, wave) ? wave : config::default_wave;
    }
};

// Only a row that would change costs the reading of its envelope: it knows what the client said.
std::string wave_of_row(const Walk& walk, const queue::Recipient& row, const queue::Store& store) {
    std::string wave = walk.wave_of(row.address, row.address);
    if (wave == row.wave) {
        return wave;
    }
    const auto envelope = store.read_envelope(row.id.message);
    if (!envelope || row.id.number >= envelope->recipients.size()) {
        return wave;
    }
    const std::string& original = envelope->recipients[row.id.number].original;
    return original.empty() ? wave : walk.wave_of(original, row.address);
}

Result<Page> read_page(const Walk& walk, const std::string& cursor, const queue::Store& store) {
    queue::Filter filter;
    filter.domain = walk.domain;
    SIDING_ASSIGN(queue::ListPage rows, store.list(filter, cursor, limits::change_page_rows));
    Page page;
    for (queue::Recipient& row : rows.rows) {
        if (!queue::is_final(row.state)) {
            std::string wave = wave_of_row(walk, row, store);
            if (wave != row.wave) {
                page.moves[std::move(wave)].push_back(std::move(row));
            }
        }
    }
    page.cursor = std::move(rows.cursor);
    return page;
}

awaitable<Result<std::uint64_t>> assign(
    queue::Queue& queue,
    std::string wave,
    std::vector<queue::Recipient> rows,
    const WakeLane& wake_lane
) {
    queue::AssignWave change;
    change.wave = wave;
    change.who = "sidingd";
    change.why = "the members of the wave have changed";
    for (queue::Recipient& row : rows) {
        change.recipients.push_back(row.id);
        row.wave = wave;
    }
    queue::Change order{std::move(change)};
    SIDING_CO_ASSIGN(const queue::Applied applied, co_await queue.commit(std::move(order)));
    std::erase_if(rows, [](const queue::Recipient& row) { return row.state != queue::State::due; });
    SIDING_CO_TRY(co_await redirect(queue, std::move(rows), wake_lane));
    co_return applied.moved;
}

}  // namespace

std::string wave_of_names(
    const WaveTable& table,
    const Domain& domain,
    std::string_view said,
    const std::vector<std::string>& names,
    std::string_view delimiter
) {
    std::string wave = table.wave_of(domain, said, delimiter);
    for (const std::string& name : names) {
        if (wave != config::default_wave) {
            break;
        }
        wave = table.wave_of(domain, name, delimiter);
    }
    return wave;
}

awaitable<Result<std::uint64_t>> follow_waves(
    queue::Queue& queue,
    std::shared_ptr<const WaveTable> table,
    Domain domain,
    std::string delimiter,
    WakeLane wake_lane
) {
    const auto walk = std::make_shared<Walk>(Walk{
        std::move(table), queue.phases(), std::move(domain), std::move(delimiter)});
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    std::uint64_t moved = 0;
    std::string cursor;
    do {
        auto read = [walk, cursor](const queue::Store& store) {
            return read_page(*walk, cursor, store);
        };
        SIDING_CO_ASSIGN(Page page, co_await queue.read(std::move(read)));
        for (auto& [wave, rows] : page.moves) {
            std::string to = wave;
            std::vector<queue::Recipient> moving = std::move(rows);
            SIDING_CO_ASSIGN(
                const std::uint64_t count,
                co_await assign(queue, std::move(to), std::move(moving), wake_lane)
            );
            moved += count;
        }
        cursor = std::move(page.cursor);
    } while (!cursor.empty() && state.cancelled() == boost::asio::cancellation_type::none);
    co_return moved;
}

}  // namespace siding::relay
