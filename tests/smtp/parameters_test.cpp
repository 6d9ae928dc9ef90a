#include "smtp/parameters.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

TEST(MailParameters, keep_order_and_case_and_read_back) {
    const auto parsed = parse_mail_parameters("  body=8bitmime   SIZE=0123 ");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->size, 123U);
    EXPECT_EQ(parsed->body, Body::eight_bit_mime);
    EXPECT_EQ(parsed->text(), "body=8bitmime SIZE=0123");
    EXPECT_EQ(*parse_mail_parameters(parsed->text()), *parsed);
}

TEST(MailParameters, none) {
    const auto parsed = parse_mail_parameters("");
    EXPECT_EQ(parsed->text(), "");
    EXPECT_FALSE(parsed->size.has_value());
    EXPECT_FALSE(parsed->body.has_value());
}

TEST(MailParameters, refusals) {
    struct Case {
        std::string_view text;
        int code;
    };
    const Case cases[] = {
        {"SIZE", 501},
        {"SIZE=", 501},
        {"SIZE=-1", 501},
        {"SIZE=1x", 501},
        {"SIZE=18446744073709551616", 501},
        {"SIZE=1 SIZE=1", 501},
        {"BODY", 501},
        {"BODY=9BIT", 501},
        {"BODY=7BIT body=7BIT", 501},
        {"SIZE=\xc3\xa9", 501},
        {"SMTPUTF8", 555},
        {"RET=HDRS", 555},
        {"=", 555},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_mail_parameters(c.text);
        ASSERT_TRUE(parsed.has_error()) << c.text;
        EXPECT_EQ(parsed.error().code, c.code) << c.text;
        EXPECT_EQ(parsed.error().enhanced, (EnhancedCode{5, 5, 4})) << c.text;
    }
}

TEST(RcptParameters, none_are_offered_yet) {
    EXPECT_EQ(parse_rcpt_parameters(" ")->text(), "");
    EXPECT_EQ(parse_rcpt_parameters("ORCPT=rfc822;a@b").error().code, 555);
}

}  // namespace
}  // namespace siding::smtp
