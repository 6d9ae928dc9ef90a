#include "smtp/command.hpp"

#include <gtest/gtest.h>

namespace siding::smtp {
namespace {

template <typename T>
bool is(std::string_view line) {
    const auto parsed = parse_command(line);
    return parsed.has_value() && std::holds_alternative<T>(*parsed);
}

TEST(Command, verbs_in_any_case_with_white_space_at_the_end) {
    EXPECT_TRUE(is<command::Data>("DATA"));
    EXPECT_TRUE(is<command::Data>("dAtA \t "));
    EXPECT_TRUE(is<command::Rset>("rset"));
    EXPECT_TRUE(is<command::Noop>("NOOP whatever"));
    EXPECT_TRUE(is<command::Vrfy>("VRFY a"));
    EXPECT_TRUE(is<command::Quit>("QUIT now"));
    EXPECT_TRUE(is<command::NotImplemented>("StartTLS"));
    EXPECT_TRUE(is<command::NotImplemented>("BDAT 10 LAST"));
}

TEST(Command, hello_keeps_the_name_as_said) {
    const auto ehlo = std::get<command::Hello>(*parse_command("EHLO  [192.0.2.1] "));
    EXPECT_EQ(ehlo.name, "[192.0.2.1]");
    EXPECT_TRUE(ehlo.extended);
    EXPECT_FALSE(std::get<command::Hello>(*parse_command("helo Joe_PC")).extended);
}

TEST(Command, mail_and_rcpt_carry_path_and_parameters) {
    const auto mail = std::get<command::Mail>(*parse_command("MAIL FROM:<a@x.example> SIZE=7"));
    EXPECT_EQ(mail.reverse_path.text, "a@x.example");
    EXPECT_EQ(mail.parameters.size, 7U);
    const auto rcpt = std::get<command::Rcpt>(*parse_command("rcpt to: b@x.example"));
    EXPECT_EQ(rcpt.forward_path.text, "b@x.example");
}

TEST(Command, other_protocols) {
    for (const std::string_view line :
         {"GET / HTTP/1.1",
          "post /",
          "CONNECT x:25 HTTP/1.1",
          "PRI * HTTP/2.0",
          "Host: x",
          "X-A:b"}) {
        EXPECT_TRUE(is<command::Foreign>(line)) << line;
    }
    EXPECT_FALSE(is<command::Foreign>("GETX"));
}

TEST(Command, refusals) {
    struct Case {
        std::string line;
        int code;
    };
    const Case cases[] = {
        {"", 500},
        {" NOOP", 500},
        {"FROB", 500},
        {"MAILFROM:<a@x.example>", 221},  // looks like a header field
        {"DATA now", 501},
        {"RSET x", 501},
        {"EHLO", 501},
        {"HELO ", 501},
        {"VRFY", 501},
        {"MAIL FROM <a@x.example>", 501},
        {"MAIL FROM:", 501},
        {"RCPT FROM:<a@x.example>", 501},
        {std::string{"NOOP\0", 5}, 500},
        {"NOOP\r", 500},
        {"NOOP \xc3", 500},
        {"NOOP \xc3\xa9", 500},
        {"NOOP \xc2\x9b", 500},  // a C1 control in UTF-8
        {"\x16\x03\x01", 500},   // a TLS client hello
        {"MAIL FROM:<\xc3\xa9@x.example>", 553},
        {"MAIL FROM:<\xe9@x.example>", 500},  // Latin-1
        {"MAIL FROM:<a@x.example> FOO", 555},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_command(c.line);
        EXPECT_EQ(parsed.has_error() ? parsed.error().code : 221, c.code) << c.line;
    }
}

}  // namespace
}  // namespace siding::smtp
