#include "cutover/sender_log.hpp"

#include "cutover/sender_log_exchange.hpp"
#include "cutover/sender_log_file.hpp"
#include "cutover/sender_log_postfix.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;
using test::noon;

std::vector<LoggedMail> read(
    LogFormat format, const std::string& text, std::chrono::minutes offset = 0min
) {
    const auto log = make_sender_log(format, {noon, offset});
    std::vector<LoggedMail> mails;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        log->take(line, mails);
    }
    log->finish(mails);
    return mails;
}

std::vector<LoggedMail> read_postfix(const std::string& text, std::chrono::minutes offset = 0min) {
    return read(LogFormat::postfix, text, offset);
}

const std::string one_mail =
    "Nov 21 09:07:30 old postfix/smtpd[812]: connect from mail-wr1.google.com[209.85.221.51]\n"
    "Nov 21 09:07:30 old postfix/smtpd[812]: 4F2A81C3: client=mail-wr1.google.com[209.85.221.51]\n"
    "Nov 21 09:07:30 old postfix/cleanup[815]: 4F2A81C3: message-id=<x@mail.gmail.com>\n"
    "Nov 21 09:07:30 old postfix/qmgr[9]: 4F2A81C3: from=<ann@gmail.com>, size=2048, nrcpt=2 "
    "(queue active)\n"
    "Nov 21 09:07:31 old postfix/lmtp[816]: 4F2A81C3: to=<joe@int.example.com>, "
    "orig_to=<joe@example.com>, relay=dovecot, delay=0.3, dsn=2.0.0, status=sent (250 2.0.0 ok)\n"
    "Nov 21 09:07:31 old postfix/lmtp[816]: 4F2A81C3: to=<nobody@example.com>, relay=dovecot, "
    "dsn=5.1.1, status=bounced (no such user)\n"
    "Nov 21 09:07:31 old postfix/qmgr[9]: 4F2A81C3: removed\n";

TEST(SenderLog, postfix_lines_of_one_queue_id_are_one_mail) {
    const auto mails = read_postfix(one_mail);
    ASSERT_EQ(mails.size(), 1U);
    LoggedMail expected;
    expected.at = noon - 2h - 52min - 30s;
    expected.client_name = "mail-wr1.google.com";
    expected.client_address = "209.85.221.51";
    expected.sender = "ann@gmail.com";
    expected.recipients = {"joe@example.com"};
    EXPECT_EQ(mails[0], expected);
}

TEST(SenderLog, postfix_times_are_of_the_servers_zone_and_the_newest_year) {
    EXPECT_EQ(read_postfix(one_mail, 60min)[0].at, noon - 3h - 52min - 30s);
    const auto at = [](const std::string& time) {
        const auto mails = read_postfix(
            time + " old postfix/smtpd[8]: 4F2A81C3: client=a.example[192.0.2.1]\n" + time +
            " old postfix/local[8]: 4F2A81C3: to=<joe@example.com>, status=sent (ok)\n"
        );
        return mails.empty() ? std::string{"none"} : format_time(mails[0].at);
    };
    EXPECT_EQ(at("Dec 31 23:59:59"), "2025-12-31T23:59:59.000Z");
    EXPECT_EQ(at("Jan  1 00:00:00"), "2026-01-01T00:00:00.000Z");
    EXPECT_EQ(at("Feb 29 12:00:00"), "2024-02-29T12:00:00.000Z");
    EXPECT_EQ(at("Nov 22 11:00:00"), "2026-11-22T11:00:00.000Z") << "a clock that is a little fast";
    EXPECT_EQ(at("2026-11-21T10:00:00.123456+01:00"), "2026-11-21T09:00:00.123Z");
    EXPECT_EQ(at("2026-11-21T10:00:00-0330"), "2026-11-21T13:30:00.000Z");
    EXPECT_EQ(at("Feb 30 12:00:00"), "none");
    EXPECT_EQ(at("2026-13-21T10:00:00Z"), "none");
    EXPECT_EQ(at("Nov 21 25:00:00"), "none");
}

TEST(SenderLog, postfix_mail_of_the_organisation_itself_is_internal) {
    const auto is_internal = [](const std::string& program, const std::string& text) {
        const auto mails = read_postfix(
            "Nov 21 09:00:00 old postfix" + program + "[8]: 4F2A81C3: " + text +
            "\nNov 21 09:00:00 old postfix/local[8]: 4F2A81C3: to=<joe@example.com>, status=sent "
            "(ok)\n"
        );
        return mails.size() == 1 && mails[0].is_internal;
    };
    EXPECT_FALSE(is_internal("/smtpd", "client=a.example[192.0.2.1]"));
    EXPECT_FALSE(is_internal("/smtpd", "client=unknown[2001:db8::1]:4711"));
    EXPECT_TRUE(
        is_internal("/smtpd", "client=a.example[192.0.2.1], sasl_method=PLAIN, sasl_username=x")
    );
    EXPECT_TRUE(is_internal("/submission/smtpd", "client=a.example[192.0.2.1]"));
    EXPECT_TRUE(is_internal("/smtpd", "client=printer[10.1.2.3]"));
    EXPECT_TRUE(is_internal("/pickup", "uid=0 from=<root>"));
    EXPECT_FALSE(is_internal(
        "/smtpd", "client=localhost[127.0.0.1], orig_queue_id=AB12CD34, orig_client=a[1.2.3.4]"
    )) << "no mail of its own";
}

TEST(SenderLog, postfix_mail_that_waits_is_given_after_a_minute_and_once) {
    PostfixLog log{{noon}};
    std::vector<LoggedMail> mails;
    log.take("Nov 21 09:00:00 old postfix/smtpd[8]: 4F2A81C3: client=a.example[192.0.2.1]", mails);
    log.take(
        "Nov 21 09:00:05 old postfix/smtp[8]: 4F2A81C3: to=<j@example.com>, relay=none, "
        "status=deferred (x)",
        mails
    );
    log.take("Nov 21 09:00:59 old postfix/anvil[8]: statistics: max", mails);
    EXPECT_TRUE(mails.empty());
    log.take("Nov 21 09:01:00 old postfix/anvil[8]: statistics: max", mails);
    ASSERT_EQ(mails.size(), 1U);
    log.take(
        "Nov 21 09:30:00 old postfix/smtp[8]: 4F2A81C3: to=<j@example.com>, relay=x, status=sent "
        "(ok)",
        mails
    );
    log.take("Nov 21 09:30:00 old postfix/qmgr[8]: 4F2A81C3: removed", mails);
    log.finish(mails);
    EXPECT_EQ(mails.size(), 1U);
}

TEST(SenderLog, postfix_pending_mail_is_bounded) {
    PostfixLog log{{noon}};
    std::vector<LoggedMail> mails;
    for (int i = 0; i < 25000; ++i) {
        char line[200];
        std::snprintf(
            line,
            sizeof line,
            "Nov 21 09:00:00 old postfix/smtpd[8]: %08X: client=a.example[192.0.2.1]",
            i
        );
        log.take(line, mails);
    }
    log.take(
        "Nov 21 09:00:00 old postfix/local[8]: 000061A7: to=<j@example.com>, status=sent (ok)",
        mails
    );
    log.finish(mails);
    EXPECT_EQ(mails.size(), 1U) << "the last one is still known";
}

TEST(SenderLog, exchange) {
    const std::string text =
        "#Software: Microsoft Exchange Server\n#Version: 15.02\n#Log-type: Message Tracking Log\n"
        "#Fields: date-time,client-ip,client-hostname,server-ip,source,event-id,recipient-address,"
        "message-subject,sender-address,directionality,original-client-ip\n"
        "2026-11-21T09:00:00.123Z,192.168.1.9,mx.partner.example,192.168.1.9,SMTP,RECEIVE,"
        "joe@example.com;ann@example.com,\"Hello, "
        "\"\"you\"\"\",bob@partner.example,Incoming,198.51.100.7\n"
        "2026-11-21T09:00:01.123Z,,,,STOREDRIVER,DELIVER,joe@example.com,x,bob@partner.example,"
        "Incoming,\n"
        "2026-11-21T09:00:02.123Z,192.168.1.9,pc,192.168.1.9,SMTP,RECEIVE,x@other.example,y,joe@"
        "example.com,Originating,198.51.100.8\n"
        "2026-11-21T09:00:03.123Z,203.0.113.5,host,192.168.1.9,SMTP,RECEIVE,joe@example.com,z,<>,"
        "Incoming,\n";
    const auto mails = read(LogFormat::exchange, text);
    ASSERT_EQ(mails.size(), 3U);
    EXPECT_EQ(mails[0].client_address, "198.51.100.7");
    EXPECT_EQ(mails[0].client_name, "") << "what it calls itself proves nothing";
    EXPECT_EQ(mails[0].helo, "mx.partner.example");
    EXPECT_EQ(mails[0].sender, "bob@partner.example");
    EXPECT_EQ(
        mails[0].recipients, (std::vector<std::string>{"joe@example.com", "ann@example.com"})
    );
    EXPECT_FALSE(mails[0].is_internal);
    EXPECT_TRUE(mails[1].is_internal);
    EXPECT_EQ(mails[2].client_address, "203.0.113.5");
    EXPECT_EQ(mails[2].sender, "");
}

TEST(SenderLog, csv) {
    using Fields = std::vector<std::string>;
    EXPECT_EQ(split_csv("a,,\"b,\"\"c\"\"\",d"), (Fields{"a", "", "b,\"c\"", "d"}));
    EXPECT_EQ(split_csv(""), Fields{""});
    EXPECT_EQ(split_csv("\"open, end"), Fields{"open, end"});
}

TEST(SenderLog, plain) {
    const auto mails = read(
        LogFormat::plain,
        "# a comment\n\n"
        "2026-11-21T09:00:00Z 192.0.2.1 mail.example.net <ann@example.net> <joe@example.com>\n"
        "2026-11-21T09:00:00Z, -, mail.example.net, <>, joe@example.com, ann@example.com # two\n"
        "2026-11-21T09:00:00Z 10.0.0.1 - x@y.example joe@example.com\n"
        "2026-11-21T09:00:00Z 192.0.2.300 - x@y.example joe@example.com\n"
        "2026-11-21T09:00:00Z - - x@y.example joe@example.com\n"
        "yesterday 192.0.2.1 - x@y.example joe@example.com\n"
        "2026-11-21T09:00:00Z 192.0.2.1 - x@y.example joe\n"
        "2026-11-21T09:00:00Z 192.0.2.1 - x@y.example\n"
    );
    ASSERT_EQ(mails.size(), 3U);
    EXPECT_EQ(mails[0].sender, "ann@example.net");
    EXPECT_EQ(mails[0].recipients, std::vector<std::string>{"joe@example.com"});
    EXPECT_EQ(mails[1].sender, "");
    EXPECT_EQ(mails[1].recipients.size(), 2U);
    EXPECT_TRUE(mails[2].is_internal);
}

TEST(SenderLog, formats_are_guessed) {
    EXPECT_EQ(guess_log_format(one_mail), LogFormat::postfix);
    EXPECT_EQ(
        guess_log_format("Nov 21 09:00:00 old dovecot: imap(x): Logged out\r\n" + one_mail),
        LogFormat::postfix
    );
    EXPECT_EQ(guess_log_format("#Software: Microsoft Exchange Server\r\n"), LogFormat::exchange);
    EXPECT_EQ(
        guess_log_format("# mine\n2026-11-21T09:00:00Z 192.0.2.1 - a@b.example c@d.example\n"),
        LogFormat::plain
    );
    EXPECT_FALSE(guess_log_format("192.0.2.1 - - [21/Nov/2026:09:00:00] \"GET / HTTP/1.1\" 200\n"));
    EXPECT_FALSE(guess_log_format("Nov 21 09:00:00 old sshd[3]: Accepted publickey\n"));
    EXPECT_FALSE(guess_log_format(""));
    for (const LogFormat format : {LogFormat::postfix, LogFormat::exchange, LogFormat::plain}) {
        EXPECT_EQ(parse_log_format(format_log_format(format)), format);
    }
    EXPECT_FALSE(parse_log_format("auto"));
}

class SenderLogFileTest : public testing::Test {
protected:
    std::filesystem::path put(const std::string& name, const std::string& octets) {
        const auto path = directory_.path() / name;
        std::ofstream{path, std::ios::binary} << octets;
        return path;
    }

    Result<LogSummary> read_file(
        const std::filesystem::path& path, std::optional<LogFormat> format = {}
    ) {
        mails_.clear();
        return read_sender_log(path, format, {noon}, [&](const LoggedMail& mail) {
            mails_.push_back(mail);
        });
    }

    test::TempDirectory directory_;
    std::vector<LoggedMail> mails_;
};

TEST_F(SenderLogFileTest, plain_and_compressed_files_are_the_same) {
    const auto plain = read_file(put("mail.log", one_mail));
    ASSERT_TRUE(plain.has_value()) << plain.error().message();
    EXPECT_EQ(plain->format, LogFormat::postfix);
    EXPECT_EQ(plain->lines, 7U);
    EXPECT_EQ(plain->mails, 1U);
    const auto path = directory_.path() / "mail.log.1.gz";
    gzFile const file = gzopen(path.c_str(), "wb");
    gzwrite(file, one_mail.data(), static_cast<unsigned>(one_mail.size()));
    gzclose(file);
    ASSERT_TRUE(read_file(path).has_value());
    ASSERT_EQ(mails_.size(), 1U);
    EXPECT_EQ(mails_[0].client_address, "209.85.221.51");
}

TEST_F(SenderLogFileTest, marks_crlf_and_a_missing_last_line_end_do_no_harm) {
    const auto summary = read_file(
        put("a.csv",
            "\xef\xbb\xbf#Fields: date-time,client-ip,source,event-id,recipient-address\r\n"
            "2026-11-21T09:00:00.123Z,192.0.2.1,SMTP,RECEIVE,joe@example.com")
    );
    ASSERT_TRUE(summary.has_value()) << summary.error().message();
    EXPECT_EQ(summary->mails, 1U);
}

TEST_F(SenderLogFileTest, long_lines_do_not_take_memory_and_the_next_ones_count) {
    const auto summary = read_file(
        put("mail.log", std::string(3 * 1024 * 1024, 'x') + "\n" + one_mail), LogFormat::postfix
    );
    ASSERT_TRUE(summary.has_value()) << summary.error().message();
    EXPECT_EQ(summary->mails, 1U);
}

TEST_F(SenderLogFileTest, other_files_are_refused_in_one_line) {
    const auto web = read_file(put("access.log", "192.0.2.1 - - \"GET / HTTP/1.1\" 200\n"));
    ASSERT_TRUE(web.has_error());
    EXPECT_TRUE(web.error().is(Errc::invalid_argument));
    EXPECT_NE(web.error().message().find("begins with: 192.0.2.1"), std::string::npos);
    EXPECT_EQ(web.error().message().find('\n'), std::string::npos);
    const auto wrong = read_file(put("mail.log", one_mail), LogFormat::exchange);
    EXPECT_NE(wrong.error().message().find("is no exchange log"), std::string::npos);
    EXPECT_TRUE(read_file(directory_.path() / "none").error().is(Errc::not_found));
    EXPECT_TRUE(read_file(directory_.path()).has_error());
    EXPECT_TRUE(read_file(put("empty", "")).error().is(Errc::invalid_argument));
    EXPECT_TRUE(read_file(put("broken.gz", std::string{"\x1f\x8b\x08\0", 4})).has_error());
}

}  // namespace
}  // namespace siding::cutover
