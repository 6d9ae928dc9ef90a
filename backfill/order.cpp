#include "backfill/order.hpp"

#include "backfill/ledger_records.pb.h"

#include <chrono>

namespace siding::backfill {
namespace {

constexpr auto order_count = static_cast<std::uint32_t>(Order::retry) + 1;

std::int64_t to_millis(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime from_millis(std::int64_t millis) {
    return WallTime{std::chrono::milliseconds{millis}};
}

void put_window(const CopyWindow& window, pb::Order& out) {
    if (window.since) {
        out.set_since_ms(to_millis(*window.since));
    }
    if (window.before) {
        out.set_before_ms(to_millis(*window.before));
    }
    if (window.octets_max) {
        out.set_octets_max(*window.octets_max);
    }
}

CopyWindow take_window(const pb::Order& in) {
    CopyWindow window;
    if (in.has_since_ms()) {
        window.since = from_millis(in.since_ms());
    }
    if (in.has_before_ms()) {
        window.before = from_millis(in.before_ms());
    }
    if (in.has_octets_max()) {
        window.octets_max = in.octets_max();
    }
    return window;
}

void put_retry(const RetryRequest& retry, pb::Order& out) {
    out.set_retry_mailbox(retry.mailbox);
    out.set_retry_uids(retry.uids.text());
    out.set_retry_automatic(retry.repair.automatic);
    out.set_retry_repairs(format_repairs(retry.repair.repairs));
}

Result<RetryRequest> take_retry(const pb::Order& in) {
    RetryRequest retry;
    retry.mailbox = in.retry_mailbox();
    if (!in.retry_uids().empty()) {
        SIDING_ASSIGN(retry.uids, ImapSet::parse(in.retry_uids()));
    }
    retry.repair.automatic = in.retry_automatic();
    SIDING_ASSIGN(retry.repair.repairs, parse_repairs(in.retry_repairs()));
    return retry;
}

void put(const GivenOrder& given, pb::Order& out) {
    const OrderOptions& options = given.options;
    out.set_order(static_cast<std::uint32_t>(given.order) + 1);
    put_window(options.window, out);
    out.set_compare_all_flags(options.compare_all_flags);
    out.set_is_back(options.is_back);
    out.set_is_final(options.is_final);
    out.set_quiet_ms(options.quiet.count());
    if (options.sample) {
        out.set_sample(options.sample->text());
    }
    if (options.seed) {
        out.set_seed(*options.seed);
    }
    out.set_canary(options.canary);
    out.set_limit(options.limit);
    put_retry(options.retry, out);
}

Result<GivenOrder> take(const pb::Order& in) {
    if (in.order() == 0 || in.order() > order_count) {
        return Error{Errc::corrupt, "an order of no kind"};
    }
    GivenOrder given;
    given.order = static_cast<Order>(in.order() - 1);
    OrderOptions& options = given.options;
    options.window = take_window(in);
    options.compare_all_flags = in.compare_all_flags();
    options.is_back = in.is_back();
    options.is_final = in.is_final();
    options.quiet = std::chrono::milliseconds{in.quiet_ms()};
    if (!in.sample().empty()) {
        SIDING_ASSIGN(options.sample, SampleSize::parse(in.sample()));
    }
    if (in.has_seed()) {
        options.seed = in.seed();
    }
    options.canary = in.canary();
    options.limit = in.limit();
    SIDING_ASSIGN(options.retry, take_retry(in));
    return given;
}

}  // namespace

std::string_view to_text(Order order) {
    switch (order) {
    case Order::copy:
        return "copy";
    case Order::verify:
        return "verify";
    case Order::check:
        return "check";
    case Order::archive:
        return "archive";
    case Order::restore:
        return "restore";
    case Order::retry:
        return "retry";
    case Order::assess:
        return "assess";
    }
    return "copy";
}

std::string encode_orders(const std::vector<GivenOrder>& orders) {
    pb::Orders out;
    for (const GivenOrder& given : orders) {
        put(given, *out.add_orders());
    }
    return out.SerializeAsString();
}

Result<std::vector<GivenOrder>> decode_orders(std::string_view stored) {
    pb::Orders in;
    if (!in.ParseFromArray(stored.data(), static_cast<int>(stored.size()))) {
        return Error{Errc::corrupt, "no orders"};
    }
    std::vector<GivenOrder> orders;
    for (const pb::Order& order : in.orders()) {
        auto given = take(order);
        if (!given) {
            return Error{Errc::corrupt, given.error().context};
        }
        orders.push_back(std::move(*given));
    }
    return orders;
}

}  // namespace siding::backfill
