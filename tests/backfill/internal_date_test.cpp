#include "backfill/internal_date.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

std::string again(std::string_view text) {
    const auto date = parse_internal_date(text);
    return date ? format_time(date->time) + " = " + format_internal_date(*date) : "no date";
}

TEST(InternalDate, ReadsAndWrites) {
    struct Row {
        std::string_view text;
        std::string_view expected;
    };
    const Row rows[] = {
        {" 1-Feb-2024 10:00:00 +0100", "2024-02-01T09:00:00.000Z =  1-Feb-2024 10:00:00 +0100"},
        {"01-Feb-2024 10:00:00 +0100", "2024-02-01T09:00:00.000Z =  1-Feb-2024 10:00:00 +0100"},
        {"1-feb-2024 10:00:00 +0100", "2024-02-01T09:00:00.000Z =  1-Feb-2024 10:00:00 +0100"},
        {"17-Jul-1996 02:44:25 -0700", "1996-07-17T09:44:25.000Z = 17-Jul-1996 02:44:25 -0700"},
        {"31-Dec-1999 23:59:59 -1130", "2000-01-01T11:29:59.000Z = 31-Dec-1999 23:59:59 -1130"},
        {"29-Feb-2024 00:00:00 +0000", "2024-02-29T00:00:00.000Z = 29-Feb-2024 00:00:00 +0000"},
        {"19-Jan-2038 03:14:08 +0000", "2038-01-19T03:14:08.000Z = 19-Jan-2038 03:14:08 +0000"},
        {"31-Dec-2016 23:59:60 +0000",
         "2016-12-31T23:59:59.000Z = 31-Dec-2016 23:59:59 +0000"},  // a leap second
        {" 1-Jan-1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z =  1-Jan-1970 00:00:00 +0000"},
        {" 1-Feb-2024 10:00:00", "2024-02-01T10:00:00.000Z =  1-Feb-2024 10:00:00 +0000"},
        {"30-Dec-1899 00:00:00 +0000", "no date"},  // IceWarp
        {"00-Jan-0000 00:00:00 +0000", "no date"},  // Domino
        {" 1-Jan-1970 00:00:00 +0100", "no date"},  // before it
        {"30-Feb-2024 10:00:00 +0100", "no date"},
        {"29-Feb-2023 10:00:00 +0100", "no date"},
        {"32-Jan-2024 10:00:00 +0100", "no date"},
        {" 1-Foo-2024 10:00:00 +0100", "no date"},
        {" 1-Feb-24 10:00:00 +0100", "no date"},
        {" 1-Feb-2024 24:00:00 +0100", "no date"},
        {" 1-Feb-2024 10:60:00 +0100", "no date"},
        {" 1-Feb-2024 10:00:61 +0100", "no date"},
        {" 1-Feb-2024 10:00:00 +2400", "no date"},
        {" 1-Feb-2024 10:00:00 +0160", "no date"},
        {" 1-Feb-2024 10:00:00 0100", "no date"},
        {" 1-Feb-2024 10:00:00 +01000", "no date"},
        {" 1-Feb-2024 10:00:00 CET", "no date"},
        {" 1-Feb-2024", "no date"},
        {"Thu, 01 Feb 2024 10:00:00 +0100", "no date"},
        {"NIL", "no date"},
        {"", "no date"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(again(row.text), row.expected) << row.text;
    }
}

TEST(InternalDate, KeepsTheZone) {
    const auto date = parse_internal_date("17-Jul-1996 02:44:25 -0730").value();
    EXPECT_EQ(date.zone, std::chrono::minutes{-450});
}

}  // namespace
}  // namespace siding::backfill
