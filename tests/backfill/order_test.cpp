#include "backfill/order.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

TEST(OrderTest, WhatIsKeptIsWhatWasGiven) {
    OrderOptions part;
    part.window.since = WallTime{std::chrono::milliseconds{1'700'000'000'123}};
    part.window.before = WallTime{};
    part.window.octets_max = 0;
    part.is_back = true;
    OrderOptions last;
    last.compare_all_flags = true;
    last.is_final = true;
    last.quiet = std::chrono::minutes{7};
    OrderOptions proof;
    proof.sample = SampleSize::parse("2.5%").value();
    proof.seed = 0;
    OrderOptions check;
    check.canary = true;
    OrderOptions assess;
    assess.limit = UINT64_MAX;
    OrderOptions retry;
    retry.retry.mailbox = "Entw\xC3\xBCrfe\xFF";
    retry.retry.uids = ImapSet{3, 5};
    retry.retry.repair.repairs = {true, true, false};
    OrderOptions automatic;
    automatic.retry.repair.automatic = true;
    const std::vector<GivenOrder> orders{
        {Order::copy, {}},
        {Order::copy, part},
        {Order::copy, last},
        {Order::verify, proof},
        {Order::check, check},
        {Order::archive, {}},
        {Order::restore, {}},
        {Order::assess, assess},
        {Order::retry, retry},
        {Order::retry, automatic}};
    const auto kept = decode_orders(encode_orders(orders));
    ASSERT_TRUE(kept) << kept.error().message();
    EXPECT_EQ(*kept, orders);
}

TEST(OrderTest, NoneIsNoText) {
    EXPECT_EQ(encode_orders({}), "");
    EXPECT_EQ(decode_orders("").value(), std::vector<GivenOrder>{});
}

TEST(OrderTest, OctetsThatAreNoOrdersAreCorrupt) {
    using namespace std::string_literals;
    // No protobuf; an order of no kind, and of one that there is not yet.
    for (const std::string& stored : {"\xFF"s, "\x0A\x00"s, "\x0A\x02\x08\x63"s}) {
        const auto kept = decode_orders(stored);
        ASSERT_TRUE(kept.has_error());
        EXPECT_TRUE(kept.error().is(Errc::corrupt)) << kept.error().message();
    }
}

}  // namespace
}  // namespace siding::backfill
