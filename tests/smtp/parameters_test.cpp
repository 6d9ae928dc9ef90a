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
        {"AUTH=<>", 555},
        {"XSIZE=1", 555},
        {"S\xc3\xa9=1", 555},
        {"=", 555},
        {"SMTPUTF8=", 501},
        {"SMTPUTF8=1", 501},
        {"SMTPUTF8 smtputf8", 501},
        {"REQUIRETLS=yes", 501},
        {"RET", 501},
        {"RET=BODY", 501},
        {"RET=FULL RET=FULL", 501},
        {"ENVID", 501},
        {"ENVID=", 501},
        {"ENVID=a+00b", 501},
        {"ENVID=a+0", 501},
        {"ENVID=a+", 501},
        {"ENVID=a+zz", 501},
        {"ENVID=a+0Ab", 501},
        {"ENVID=a+E9", 501},
        {"ENVID=\xc3\xa9", 501},
        {"ENVID=a ENVID=b", 501},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_mail_parameters(c.text);
        ASSERT_TRUE(parsed.has_error()) << c.text;
        EXPECT_EQ(parsed.error().code, c.code) << c.text;
        EXPECT_EQ(parsed.error().enhanced, (EnhancedCode{5, 5, 4})) << c.text;
    }
}

TEST(MailParameters, of_all_extensions) {
    const std::string_view text = "BODY=BINARYMIME SMTPUTF8 REQUIRETLS RET=hdrs ENVID=QQ+2B3=1";
    const auto parsed = parse_mail_parameters(text);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->body, Body::binary_mime);
    EXPECT_TRUE(parsed->smtputf8);
    EXPECT_TRUE(parsed->requiretls);
    EXPECT_EQ(parsed->ret, Ret::hdrs);
    EXPECT_EQ(parsed->envid, "QQ+2B3=1");
    EXPECT_EQ(parsed->text(), text);
    EXPECT_EQ(*parse_mail_parameters(parsed->text()), *parsed);
}

TEST(MailParameters, only_of_what_is_offered) {
    struct Case {
        std::string_view text;
        Extension extension;
    };
    const Case cases[] = {
        {"SIZE=1", Extension::size},
        {"BODY=8BITMIME", Extension::eight_bit_mime},
        {"BODY=BINARYMIME", Extension::binarymime},
        {"SMTPUTF8", Extension::smtputf8},
        {"RET=FULL", Extension::dsn},
        {"ENVID=1", Extension::dsn},
        {"REQUIRETLS", Extension::requiretls},
    };
    for (const Case& c : cases) {
        Extensions without = Extensions::all();
        without.remove(c.extension);
        EXPECT_EQ(parse_mail_parameters(c.text, without).error().code, 555) << c.text;
        EXPECT_TRUE(parse_mail_parameters(c.text, Extensions{c.extension})) << c.text;
    }
    EXPECT_TRUE(parse_mail_parameters("BODY=7BIT", Extensions{Extension::binarymime}));
    EXPECT_EQ(parse_mail_parameters("BODY=7BIT", Extensions{}).error().code, 555);
    EXPECT_EQ(parse_rcpt_parameters("NOTIFY=NEVER", Extensions{}).error().code, 555);
}

TEST(RcptParameters, parse) {
    const auto parsed =
        parse_rcpt_parameters(" notify=SUCCESS,failure  ORCPT=rfc822;a+2Bb@c.example");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->notify, (Notify{.success = true, .failure = true}));
    EXPECT_EQ(parsed->orcpt, "rfc822;a+2Bb@c.example");
    EXPECT_EQ(parsed->text(), "notify=SUCCESS,failure ORCPT=rfc822;a+2Bb@c.example");
    EXPECT_EQ(*parse_rcpt_parameters(parsed->text()), *parsed);
    EXPECT_FALSE(parsed->needs_smtputf8());
    EXPECT_EQ(parse_rcpt_parameters(" ")->text(), "");
    EXPECT_EQ(parse_rcpt_parameters("NOTIFY=NEVER")->notify, Notify{.never = true});
    EXPECT_TRUE(parse_rcpt_parameters("ORCPT=utf-8;jörg@x.example")->needs_smtputf8());
    EXPECT_TRUE(parse_rcpt_parameters("ORCPT=utf-8;j\\x{F6}rg@x.example"));
}

TEST(RcptParameters, refusals) {
    struct Case {
        std::string_view text;
        int code;
    };
    const Case cases[] = {
        {"SIZE=1", 555},
        {"NOTIFY", 501},
        {"NOTIFY=", 501},
        {"NOTIFY=SUCCESS,", 501},
        {"NOTIFY=NEVER,DELAY", 501},
        {"NOTIFY=ALWAYS", 501},
        {"NOTIFY=DELAY NOTIFY=DELAY", 501},
        {"ORCPT=a@b.example", 501},
        {"ORCPT=rfc822;", 501},
        {"ORCPT=;a@b.example", 501},
        {"ORCPT=rfc 822;a", 501},
        {"ORCPT=rfc822;a+00@b.example", 501},
        {"ORCPT=rfc822;a+0D+0AX:y", 501},
        {"ORCPT=rfc822;a+", 501},
        {"ORCPT=rfc822;jörg@x.example", 501},
        {"ORCPT=rfc822;a ORCPT=rfc822;a", 501},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_rcpt_parameters(c.text);
        ASSERT_TRUE(parsed.has_error()) << c.text;
        EXPECT_EQ(parsed.error().code, c.code) << c.text;
        EXPECT_EQ(parsed.error().enhanced, (EnhancedCode{5, 5, 4})) << c.text;
    }
}

}  // namespace
}  // namespace siding::smtp
