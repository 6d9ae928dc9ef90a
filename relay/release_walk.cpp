#include "relay/release_walk.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <algorithm>

namespace siding::relay {

using boost::asio::awaitable;

awaitable<Result<std::vector<RecipientId>>> ReleaseWalk::next(std::size_t rows_max) {
    if (!begun_) {
        is_gathered_ = is_worth_gathering();
        if (is_gathered_) {
            SIDING_CO_TRY(co_await gather());
        }
        begun_ = true;
    }
    std::vector<RecipientId> ids;
    if (is_gathered_) {
        const std::size_t end = std::min(gathered_.size(), given_ + rows_max);
        for (; given_ < end; ++given_) {
            ids.push_back(gathered_[given_]);
        }
        at_end_ = given_ == gathered_.size();
        co_return ids;
    }
    auto list = [this, rows_max](const queue::Store& store) {
        return store.list_by_age(pass_.filter, cursor_, rows_max);
    };
    SIDING_CO_ASSIGN(queue::ListPage page, co_await queue_.read(std::move(list)));
    cursor_ = std::move(page.cursor);
    at_end_ = cursor_.empty();
    for (const queue::Recipient& row : page.rows) {
        if (is_ours(row)) {
            ids.push_back(row.id);
        }
    }
    co_return ids;
}

bool ReleaseWalk::is_ours(const queue::Recipient& row) const {
    if (row.size_octets > pass_.octets_max) {
        return false;
    }
    return pass_.except.empty() || !(pass_.except.contains(to_lower(row.address)) ||
                                     pass_.except.contains("@" + row.domain.text()));
}

// Where the filter names a message, a recipient or a sender, reading in order costs no more.
bool ReleaseWalk::is_worth_gathering() const {
    const queue::Filter& filter = pass_.filter;
    if (filter.message || filter.recipient || filter.sender || !filter.state) {
        return false;
    }
    std::uint64_t here = 0;
    std::uint64_t all = 0;
    const queue::Counters counters = queue_.store().counters();
    for (const auto& [wave, counts] : counters.waves) {
        const bool matches = (!filter.domain || filter.domain->text() == wave.first) &&
                             (!filter.wave || *filter.wave == wave.second);
        here += matches ? counts.of(*filter.state) : 0;
        for (const queue::State state : queue::all_states) {
            all += queue::is_final(state) ? 0 : counts.of(state);
        }
        all += counts.retained;
    }
    // One that is found by its index costs a search, one that is read in passing does not.
    return here <= limits::release_gathered_max && here < all / 4 + limits::change_page_rows;
}

awaitable<Result<void>> ReleaseWalk::gather() {
    std::string cursor;
    std::vector<RecipientId> found;
    do {
        auto list = [this, cursor](const queue::Store& store) {
            return store.list(pass_.filter, cursor, limits::change_page_rows);
        };
        SIDING_CO_ASSIGN(const queue::ListPage page, co_await queue_.read(std::move(list)));
        cursor = page.cursor;
        for (const queue::Recipient& row : page.rows) {
            if (is_ours(row)) {
                found.push_back(row.id);
            }
        }
    } while (!cursor.empty());
    std::ranges::sort(found);
    gathered_ = std::move(found);
    co_return Result<void>{};
}

}  // namespace siding::relay
