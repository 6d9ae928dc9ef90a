// What an account is told to do, and how the ledger keeps it over a restart.
#pragma once

#include "backfill/order_options.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// The ledger keeps the numbers: new ones stand behind the others.
enum class Order { copy, verify, check, archive, restore, assess, retry };

std::string_view to_text(Order order);  // "copy"

struct GivenOrder {
    GivenOrder() = default;  // no aggregate: net/asio.hpp
    GivenOrder(Order what, OrderOptions how) : order{what}, options{std::move(how)} {}

    Order order = Order::copy;
    OrderOptions options;

    bool operator==(const GivenOrder&) const = default;
};

// Of one account, in their order. A value of the ledger; none is the empty text.
std::string encode_orders(const std::vector<GivenOrder>& orders);
// Errc::corrupt.
Result<std::vector<GivenOrder>> decode_orders(std::string_view stored);

}  // namespace siding::backfill
