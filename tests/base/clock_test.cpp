#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

TEST(Time, TextComesBack) {
    const WallTime time = parse_time("2026-11-21T14:07:30.250Z").value();
    EXPECT_EQ(format_time(time), "2026-11-21T14:07:30.250Z");
    EXPECT_EQ(format_time(parse_time("1970-01-01T00:00:00Z").value()), "1970-01-01T00:00:00.000Z");
}

TEST(Time, RefusesOtherShapes) {
    for (const char* text :
         {"", "2026-11-21", "2026-11-21T14:07:30", "2026-11-21T14:07:30.5Z", "now"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
}

TEST(Time, Rfc5322DateHasZoneInBothForms) {
    setenv("TZ", "CET-1", 1);
    tzset();
    EXPECT_EQ(
        format_rfc5322_date(parse_time("2026-11-21T13:07:30Z").value()),
        "Sat, 21 Nov 2026 14:07:30 +0100 (CET)"
    );
    unsetenv("TZ");
    tzset();
}

}  // namespace
}  // namespace siding
