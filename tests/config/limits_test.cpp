#include "tests/config/mistakes.hpp"

namespace siding::config {
namespace {

TEST(Limits, NobodyOrSomeAreExempt) {
    const auto none = load_text(with_line("limits: {}", "limits: { exempt: [] }"), "f");
    ASSERT_TRUE(none) << none.error().text();
    EXPECT_TRUE(none->limits.exempt.empty());
    const auto some = load_text(
        with_line("limits: {}", "limits: { exempt: [192.0.2.0/24, \"2001:db8::/32\"] }"), "f"
    );
    ASSERT_TRUE(some) << some.error().text();
    EXPECT_TRUE(contains(some->limits.exempt, "192.0.2.77"));
    EXPECT_FALSE(contains(some->limits.exempt, "198.51.100.1"));
}

TEST(Limits, ZeroIsNoLimitWhereThatIsAllowed) {
    const auto loaded = load_text(
        with_line(
            "limits: {}",
            "limits: { commands: 0, connection_rate: 0, message_rate: 0, recipient_rate: 0 }\n"
            "timeouts: { data_rate_min: 0 }\ngreeting_delay: 0s"
        ),
        "f"
    );
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(loaded->limits.commands, 0U);
    EXPECT_EQ(loaded->timeouts.data_rate_min, 0U);
}

constexpr Mistake mistakes[] = {
    {"limits: {}",
     "limits: { exempt: everybody }",
     "f:8:19: limits.exempt: 'everybody' is no network; write 192.0.2.1, 10.0.0.0/8 or "
     "2001:db8::/32"},
    {"limits: {}",
     "limits: { exempt: [192.0.2.1, 192.0.2.1/32] }",
     "f:8:31: limits.exempt: '192.0.2.1/32' stands here a second time; write it once"},
    {"limits: {}",
     "limits: { exempt: { a: b } }",
     "f:8:19: limits.exempt: needs at least one entry, or [] for none; allowed: a list of "
     "networks, such as 10.0.0.0/8 or 2001:db8::/32"},
    {"limits: {}",
     "limits: { stress: 80 }",
     "f:8:19: limits.stress: '80' is not accepted; allowed: a percentage from 1% to 100%"},
    {"limits: {}",
     "limits: { stress: 0% }",
     "f:8:19: limits.stress: '0%' is not accepted; allowed: a percentage from 1% to 100%"},
    {"limits: {}",
     "limits: { received: 0 }",
     "f:8:21: limits.received: '0' is not accepted; allowed: a number from 10 to 1000"},
    {"limits: {}",
     "limits: { header_size: 0B }",
     "f:8:24: limits.header_size: '0B' is not accepted; allowed: a size from 1KiB to 64MiB"},
    {"limits: {}",
     "limits: { message_rate: 1/s }",
     "f:8:25: limits.message_rate: '1/s' is not accepted; allowed: a number from 0 to 1000000"},
    {"limits: {}",
     "timeouts: { command: 0s }",
     "f:8:22: timeouts.command: '0s' is not accepted; allowed: a duration from 1s to 1h"},
    {"limits: {}",
     "timeouts: { message: 2d }",
     "f:8:22: timeouts.message: '2d' is not accepted; allowed: a duration from 1s to 1d"},
    {"limits: {}",
     "timeouts: { comand: 5m }",
     "f:8:13: timeouts.comand: unknown key; did you mean 'command'?"},
    {"limits: {}",
     "early_talkers: refuse",
     "f:8:16: early_talkers: 'refuse' is not accepted; allowed: reject, log or ignore"},
    {"limits: {}",
     "greeting_delay: 2m",
     "f:8:17: greeting_delay: '2m' is not accepted; allowed: a duration from 0ms to 1m"},
};

TEST(Limits, EachMistakeIsTold) {
    expect_told(mistakes);
}

}  // namespace
}  // namespace siding::config
