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
    EXPECT_TRUE(is<command::StartTls>("StartTLS"));
    EXPECT_TRUE(is<command::Xclient>("xclient ADDR=192.0.2.1"));
    EXPECT_TRUE(is<command::NotImplemented>("AUTH PLAIN"));
}

TEST(Command, chunks) {
    struct Case {
        std::string line;
        std::uint64_t octets;
        bool last;
    };
    const Case cases[] = {
        {"BDAT 0", 0, false},
        {"bdat 10  last ", 10, true},
        {"BDAT\t007\tLAST", 7, true},
        {"BDAT 18446744073709551615", 18446744073709551615U, false},
    };
    for (const Case& c : cases) {
        const auto parsed = parse_command(c.line);
        ASSERT_TRUE(parsed.has_value()) << c.line;
        EXPECT_EQ(std::get<command::Bdat>(*parsed).octets, c.octets) << c.line;
        EXPECT_EQ(std::get<command::Bdat>(*parsed).last, c.last) << c.line;
    }
    // Nobody knows where the octets of these end.
    for (const std::string& line : {
             std::string{"BDAT"},
             std::string{"BDAT LAST"},
             std::string{"BDAT -1"},
             std::string{"BDAT +1"},
             std::string{"BDAT 0x10"},
             std::string{"BDAT 1.5"},
             std::string{"BDAT 10LAST"},
             std::string{"BDAT 10 LAST LAST"},
             std::string{"BDAT 10 FIRST"},
             std::string{"BDAT 18446744073709551616"},
             std::string{"BDAT 10\n"},
             std::string{"BDAT 10\0", 8},
             std::string{"BDAT\r10"},
             std::string{"BDAT \xef\xbc\x91"},
         }) {
        const auto parsed = parse_command(line);
        ASSERT_TRUE(parsed.has_error()) << line;
        EXPECT_EQ(parsed.error().code, 521) << line;
    }
}

TEST(Command, other_scripts_where_names_and_addresses_stand) {
    for (const std::string_view line :
         {"EHLO m\xc3\xbcller.example",
          "HELO m\xc3\xbcller",
          "VRFY j\xc3\xb6rg",
          "MAIL FROM:<j\xc3\xb6rg@x.example> SMTPUTF8",
          "RCPT TO:<a@m\xc3\xbcller.example>"}) {
        EXPECT_TRUE(parse_command(line).has_value()) << line;
    }
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
        {"STARTTLS now", 501},
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
