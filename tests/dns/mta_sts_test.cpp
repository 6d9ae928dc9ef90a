#include "dns/mta_sts.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

TEST(MtaSts, reads_the_record) {
    EXPECT_EQ(parse_sts_record("v=STSv1; id=20160831085700Z;").value(), "20160831085700Z");
    for (const char* const text :
         {"v=STSv1", "v=STSv1; id=", "v=STSv1; id=a-b", "id=1; v=STSv1", "v=STSv2; id=1", ""}) {
        EXPECT_TRUE(parse_sts_record(text).has_error()) << text;
    }
}

TEST(MtaSts, reads_a_policy) {
    // RFC 8461 §3.2
    const StsPolicy policy = parse_sts_policy(
                                 "version: STSv1\r\nmode: enforce\r\nmx: Mail.example.com\r\n"
                                 "mx: *.example.net\r\nnew_key: a\r\nmax_age: 604800\r\n"
    )
                                 .value();
    EXPECT_EQ(policy.mode, StsPolicy::Mode::enforce);
    EXPECT_EQ(policy.max_age, std::chrono::seconds{604800});
    const std::vector<std::string> expected{"mail.example.com", "*.example.net"};
    EXPECT_EQ(policy.mx, expected);
    EXPECT_EQ(parse_sts_policy(format_sts_policy(policy)).value().mx, expected);
}

TEST(MtaSts, takes_what_is_unusual) {
    EXPECT_TRUE(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0").has_value());
    // The first of two counts.
    EXPECT_EQ(
        parse_sts_policy("version:STSv1\nmode:testing\nmode:enforce\nmx:a.example\nmax_age:1\n\n")
            .value()
            .mode,
        StsPolicy::Mode::testing
    );
}

TEST(MtaSts, refuses_what_is_no_policy) {
    for (const char* const text : {
             "",
             "<html>",
             "version: STSv2\nmode: none\nmax_age: 1",
             "mode: none\nmax_age: 1",
             "version: STSv1\nmax_age: 1",
             "version: STSv1\nmode: enforce\nmax_age: 1",
             "version: STSv1\nmode: strict\nmx: a.example\nmax_age: 1",
             "version: STSv1\nmode: none\nmax_age: 31557601",
             "version: STSv1\nmode: none\nmax_age: 1d",
             "version: STSv1\nmode: none\nmax_age: -1",
             "version: STSv1\nmode: enforce\nmx: *.*.example\nmax_age: 1",
         }) {
        EXPECT_TRUE(parse_sts_policy(text).has_error()) << text;
    }
}

TEST(MtaSts, matches_hosts) {
    struct Row {
        const char* pattern;
        const char* host;
        bool matches;
    };
    for (const Row& row : std::initializer_list<Row>{
             {"mx.example.net", "MX.example.net", true},
             {"mx.example.net", "mx2.example.net", false},
             {"*.example.net", "mx.example.net", true},
             {"*.example.net", "a.mx.example.net", false},  // one label
             {"*.example.net", "example.net", false},
             {"*.example.net", ".example.net", false},
             {"mx.*.net", "mx.example.net", false},
         }) {
        EXPECT_EQ(matches_sts_pattern(row.pattern, row.host), row.matches)
            << row.pattern << ' ' << row.host;
    }
    const StsPolicy policy{.mx = {"a.example", "*.example.net"}};
    EXPECT_TRUE(policy.allows("mx.example.net"));
    EXPECT_FALSE(policy.allows("b.example"));
}

}  // namespace
}  // namespace siding::dns
