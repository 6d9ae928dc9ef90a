// The recipients of one pass of a release job, oldest message first, in pages. Few are gathered
// and put in order here; many are read in order, which costs a look at every row of the queue.
#pragma once

#include "queue/queue.hpp"
#include "relay/release_order.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace siding::relay {

class ReleaseWalk {
public:
    ReleaseWalk(const queue::Queue& queue, ReleasePass pass)
        : queue_{queue}, pass_{std::move(pass)} {}

    // Some of what matches; empty with at_end() at the end, and sometimes before.
    boost::asio::awaitable<Result<std::vector<RecipientId>>> next(std::size_t rows_max);

    bool at_end() const { return at_end_; }
    const ReleasePass& pass() const { return pass_; }

private:
    bool is_worth_gathering() const;
    boost::asio::awaitable<Result<void>> gather();
    bool is_ours(const queue::Recipient& row) const;

    const queue::Queue& queue_;
    ReleasePass pass_;
    bool begun_ = false;
    bool at_end_ = false;
    std::string cursor_;  // read in order: where to go on
    bool is_gathered_ = false;
    std::vector<RecipientId> gathered_;  // in order
    std::size_t given_ = 0;              // so many of them
};

}  // namespace siding::relay
