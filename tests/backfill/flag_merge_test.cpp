// Flags on both sides, merged three ways.
#include "backfill/flag_merge.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using Flags = std::vector<std::string>;
constexpr FlagWinner by_source = FlagWinner::source;
constexpr FlagWinner by_destination = FlagWinner::destination;

TEST(FlagMergeTest, Table) {
    struct Row {
        std::optional<Flags> base;
        Flags source, destination;
        FlagWinner winner;
        Flags add, remove, next;
    };
    const std::vector<Row> rows{
        // nothing has changed
        {Flags{}, {}, {}, by_source, {}, {}, {}},
        {Flags{"\\Seen"}, {"\\Seen"}, {"\\Seen"}, by_source, {}, {}, {"\\Seen"}},
        // the source has changed it
        {Flags{}, {"\\Seen"}, {}, by_source, {"\\Seen"}, {}, {"\\Seen"}},
        {Flags{}, {"\\Seen"}, {}, by_destination, {"\\Seen"}, {}, {"\\Seen"}},
        {Flags{"\\Seen"}, {}, {"\\Seen"}, by_source, {}, {"\\Seen"}, {}},
        {Flags{"\\Seen"}, {}, {"\\SEEN"}, by_source, {}, {"\\SEEN"}, {}},
        // the destination's user has
        {Flags{}, {}, {"\\Flagged"}, by_source, {}, {}, {}},
        {Flags{"\\Seen"}, {"\\Seen"}, {}, by_source, {}, {}, {"\\Seen"}},
        // both have
        {Flags{}, {"$Forwarded"}, {"$forwarded"}, by_source, {}, {}, {"$Forwarded"}},
        {Flags{"\\Seen"}, {}, {}, by_source, {}, {}, {}},
        // each something else
        {Flags{"a"}, {"b"}, {"a", "c"}, by_source, {"b"}, {"a"}, {"b"}},
        // a keyword that the destination cannot keep is offered once
        {Flags{"odd"}, {"odd"}, {}, by_source, {}, {}, {"odd"}},
        // \Recent is nobody's
        {Flags{"\\Recent"},
         {"\\Recent", "\\Seen"},
         {"\\recent"},
         by_source,
         {"\\Seen"},
         {},
         {"\\Seen"}},
        // merged for the first time
        {std::nullopt, {"\\Seen"}, {"\\Flagged"}, by_source, {"\\Seen"}, {}, {"\\Seen"}},
        {std::nullopt, {"\\Seen"}, {"\\Flagged"}, by_destination, {}, {}, {"\\Seen"}},
        // what would delete mail of users who work at the destination
        {Flags{}, {"\\Deleted"}, {}, by_source, {"\\Deleted"}, {}, {"\\Deleted"}},
        {Flags{}, {"\\Deleted"}, {}, by_destination, {}, {}, {"\\Deleted"}},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        const FlagChange wanted{row.add, row.remove, row.next};
        EXPECT_EQ(merge_flags({row.base, row.source, row.destination}, row.winner), wanted) << i;
    }
}

TEST(FlagMergeTest, TheDestinationsUserStaysAfterManyPasses) {
    Flags base{"\\Seen"};
    const Flags source{"\\Seen", "\\Answered"};
    Flags destination{"\\Flagged"};  // unseen and flagged there
    for (int pass = 0; pass < 3; ++pass) {
        const FlagChange change = merge_flags({base, source, destination}, by_source);
        EXPECT_EQ(change.add, pass == 0 ? Flags{"\\Answered"} : Flags{});
        EXPECT_TRUE(change.remove.empty());
        destination.insert(destination.end(), change.add.begin(), change.add.end());
        base = change.base;
    }
    EXPECT_EQ(destination, (Flags{"\\Flagged", "\\Answered"}));
}

}  // namespace
}  // namespace siding::backfill
