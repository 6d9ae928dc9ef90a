#include "relay/dsn.hpp"

#include "relay/dsn_mime.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

namespace siding::relay {
namespace {

namespace json = boost::json;

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();

queue::Envelope make_envelope(std::vector<std::string> parameters = {}) {
    queue::Envelope envelope;
    envelope.id = MessageId{1 << 22};
    envelope.received_at = noon;
    envelope.reverse_path = "ann@sender.example";
    envelope.mail_parameters = std::move(parameters);
    envelope.trace_header = "Received: from mx.sender.example\r\n";
    envelope.recipients.push_back({"joe@example.com", {}, Domain::parse("example.com").value()});
    return envelope;
}

queue::Recipient make_row(const std::string& reply) {
    queue::Recipient row{
        .id = {MessageId{1 << 22}, 0},
        .domain = Domain::parse("example.com").value(),
        .wave = "default",
        .address = {},
        .sender = {},
        .lane = {},
        .pinned_server = {},
        .last_reply = reply,
    };
    row.last_attempt_at = noon;
    return row;
}

Dsn make(
    const queue::Envelope& about,
    const queue::Recipient& row,
    const std::string& octets = "Subject: hi\r\n\r\nbody\r\n",
    bool is_whole = false
) {
    std::vector<DsnRecipient> recipients;
    for (const queue::EnvelopeRecipient& recipient : about.recipients) {
        recipients.push_back({recipient, row});
    }
    return make_dsn(DsnFacts{
        .hostname = "hold.example.net",
        .id = MessageId{2 << 22},
        .now = noon,
        .about = about,
        .recipients = std::move(recipients),
        .octets = octets,
        .is_whole = is_whole,
    });
}

// What Python's email package, which is somebody else's reading of the RFCs, makes of a report.
json::object read_by_python(const std::string& octets) {
    const test::TempDirectory directory;
    const std::string file = (directory / "report.eml").string();
    std::ofstream{file, std::ios::binary} << octets;
    const std::string command = "python3 -B tests/relay/read_report.py " + file;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
        text.append(buffer.data(), n);
    }
    boost::system::error_code failure;
    const json::value parsed = json::parse(text, failure);
    EXPECT_FALSE(failure) << text << octets;
    return parsed.is_object() ? parsed.get_object() : json::object{};
}

std::string text_of(const json::object& from, std::string_view key) {
    return from.contains(key) ? std::string{from.at(key).as_string()} : "(none)";
}

TEST(Dsn, IsWhatRfc3464Says) {
    const auto about = make_envelope({"RET=HDRS", "ENVID=QQ+2B314"});
    const Dsn dsn = make(about, make_row("550 5.1.1 <joe@example.com>: User unknown"));
    const json::object report = read_by_python(dsn.octets);
    EXPECT_EQ(text_of(report, "type"), "multipart/report");
    EXPECT_EQ(text_of(report, "report_type"), "delivery-status");
    EXPECT_EQ(text_of(report, "auto_submitted"), "auto-replied");
    EXPECT_EQ(text_of(report, "to"), "ann@sender.example");
    EXPECT_EQ(
        report.at("parts"),
        json::parse(R"(["text/plain","message/delivery-status","text/rfc822-headers"])")
    );
    const json::object& message = report.at("message_fields").as_object();
    EXPECT_EQ(text_of(message, "Reporting-MTA"), "dns; hold.example.net");
    EXPECT_EQ(text_of(message, "Original-Envelope-Id"), "QQ+314");
    EXPECT_NE(text_of(message, "Arrival-Date").find("21 Nov 2026"), std::string::npos);
    const json::object& recipient = report.at("recipient_fields").at(0).as_object();
    EXPECT_EQ(text_of(recipient, "Final-Recipient"), "rfc822; joe@example.com");
    EXPECT_EQ(text_of(recipient, "Action"), "failed");
    EXPECT_EQ(text_of(recipient, "Status"), "5.1.1");
    EXPECT_EQ(
        text_of(recipient, "Diagnostic-Code"), "smtp; 550 5.1.1 <joe@example.com>: User unknown"
    );
    EXPECT_EQ(text_of(recipient, "Original-Recipient"), "(none)");
    EXPECT_EQ(text_of(report, "returned"), "Received: from mx.sender.example\nSubject: hi\n");
    EXPECT_EQ(report.at("defects").as_array().size(), 0U) << json::value(report);
    EXPECT_NE(text_of(report, "text").find("<joe@example.com>"), std::string::npos);

    EXPECT_EQ(dsn.envelope.reverse_path, "");
    ASSERT_EQ(dsn.envelope.recipients.size(), 1U);
    EXPECT_EQ(dsn.envelope.recipients[0].address, "ann@sender.example");
    EXPECT_EQ(dsn.envelope.recipients[0].parameters, (std::vector<std::string>{"NOTIFY=NEVER"}));
    EXPECT_EQ(dsn.envelope.recipients[0].domain.text(), "hold.example.net");
    EXPECT_EQ(dsn.envelope.recipients[0].wave, dsn_wave);
    EXPECT_EQ(dsn.envelope.tags, (std::vector<std::string>{"dsn"}));
    EXPECT_TRUE(dsn.envelope.mail_parameters.empty());
    EXPECT_FALSE(has_octets_beyond_ascii(dsn.octets));
}

TEST(Dsn, TellsOfEachRecipient) {
    auto about = make_envelope();
    about.recipients[0].parameters = {"ORCPT=rfc822;J+2Boe@old.example"};
    about.recipients.push_back({"sue@example.com", {}, Domain::parse("example.com").value()});
    about.recipients[1].original = "susan@example.com";
    const json::object report = read_by_python(make(about, make_row("connection refused")).octets);
    const json::array& recipients = report.at("recipient_fields").as_array();
    ASSERT_EQ(recipients.size(), 2U);
    EXPECT_EQ(text_of(recipients[0].as_object(), "Original-Recipient"), "rfc822; J+oe@old.example");
    EXPECT_EQ(
        text_of(recipients[1].as_object(), "Original-Recipient"), "rfc822; susan@example.com"
    );
    EXPECT_EQ(text_of(recipients[1].as_object(), "Final-Recipient"), "rfc822; sue@example.com");
    EXPECT_EQ(text_of(recipients[1].as_object(), "Status"), "5.0.0");
    EXPECT_EQ(
        text_of(recipients[1].as_object(), "Diagnostic-Code"), "x-siding; connection refused"
    );
    EXPECT_EQ(report.at("defects").as_array().size(), 0U) << json::value(report);
}

TEST(Dsn, ReturnsTheWholeMessageWhereTheSenderAskedForIt) {
    auto about = make_envelope({"RET=FULL", "BODY=8BITMIME"});
    EXPECT_TRUE(wants_whole_message(about));
    const std::string octets = "Subject: hi\r\n\r\ncaf\xC3\xA9\r\n";
    const Dsn dsn = make(about, make_row("552 5.3.4 too big"), octets, true);
    const json::object report = read_by_python(dsn.octets);
    EXPECT_EQ(report.at("parts").at(2).as_string(), "message/rfc822");
    EXPECT_NE(text_of(report, "returned").find("Subject: hi"), std::string::npos);
    EXPECT_NE(dsn.octets.find(octets), std::string::npos);
    EXPECT_EQ(dsn.envelope.mail_parameters, (std::vector<std::string>{"BODY=8BITMIME"}));

    about.body.binary = true;
    EXPECT_FALSE(wants_whole_message(about));
    EXPECT_FALSE(wants_whole_message(make_envelope({"RET=HDRS"})));
    EXPECT_FALSE(wants_whole_message(make_envelope()));
}

// RFC 6533: addresses in UTF-8 are told as they are.
TEST(Dsn, SpeaksUtf8ToThoseWhoDo) {
    auto about = make_envelope({"SMTPUTF8"});
    about.reverse_path = "änn@sender.example";
    about.recipients[0].address = "jöe@example.com";
    const Dsn dsn = make(about, make_row("550 5.1.1 no"), "Subject: grüße\r\n\r\n");
    const json::object report = read_by_python(dsn.octets);
    EXPECT_EQ(
        report.at("parts"),
        json::parse(R"(["text/plain","message/global-delivery-status","message/global-headers"])")
    );
    EXPECT_NE(dsn.octets.find("Final-Recipient: utf-8; jöe@example.com\r\n"), std::string::npos);
    EXPECT_NE(dsn.octets.find("Subject: grüße\r\n"), std::string::npos);
    EXPECT_EQ(
        dsn.envelope.mail_parameters, (std::vector<std::string>{"BODY=8BITMIME", "SMTPUTF8"})
    );
}

// A server without 8BITMIME must be able to take a report of headers.
TEST(Dsn, StaysSevenBitWhereHeadersAreNot) {
    const Dsn dsn = make(make_envelope(), make_row("550 no"), "Subject: caf\xE9 \r\n\r\n");
    EXPECT_FALSE(has_octets_beyond_ascii(dsn.octets));
    EXPECT_NE(dsn.octets.find("Subject: caf=E9=20\r\n"), std::string::npos) << dsn.octets;
    EXPECT_TRUE(dsn.envelope.mail_parameters.empty());
}

TEST(Dsn, GoesToNobodyWhoDoesNotWantIt) {
    const auto wants = [](std::vector<std::string> parameters) {
        auto about = make_envelope();
        about.recipients[0].parameters = std::move(parameters);
        return wants_dsn(about, about.recipients[0]);
    };
    EXPECT_TRUE(wants({}));
    EXPECT_TRUE(wants({"NOTIFY=FAILURE"}));
    EXPECT_TRUE(wants({"NOTIFY=SUCCESS,FAILURE"}));
    EXPECT_FALSE(wants({"NOTIFY=NEVER"}));
    EXPECT_FALSE(wants({"NOTIFY=SUCCESS"}));
    EXPECT_FALSE(wants({"NOTIFY=DELAY,SUCCESS"}));

    auto about = make_envelope();
    about.recipients[0].copy = true;
    EXPECT_FALSE(wants_dsn(about, about.recipients[0]));
    about.recipients[0].copy = false;
    about.reverse_path = "";
    EXPECT_FALSE(wants_dsn(about, about.recipients[0]));
    about.reverse_path = "ann@[192.0.2.1]";
    EXPECT_FALSE(wants_dsn(about, about.recipients[0]));
}

TEST(Dsn, StatusOfAReply) {
    struct Row {
        const char* reply;
        const char* status;
    };
    for (const Row& row : std::vector<Row>{
             {"550 5.1.1 no such user", "5.1.1"},
             {"451 4.7.651 later", "4.7.651"},
             {"550 no such user", "5.0.0"},
             {"450 busy", "4.0.0"},
             {"550 4.1.1 which?", "5.0.0"},  // the classes disagree
             {"550 5.1.1", "5.1.1"},
             {"550 1.2.3.4 is an address", "5.0.0"},
             {"connection refused", "5.0.0"},
             {"", "5.0.0"},
         }) {
        EXPECT_EQ(status_of_reply(row.reply), row.status) << row.reply;
    }
}

TEST(DsnMime, NoTextForgesAField) {
    EXPECT_EQ(
        format_field("Diagnostic-Code", "smtp; 550 a\r\nStatus: 2.0.0\r\n\r\nhi"),
        "Diagnostic-Code: smtp; 550 a  Status: 2.0.0    hi\r\n"
    );
}

TEST(DsnMime, FoldsAtSpaces) {
    std::string words;
    for (int i = 0; i < 60; ++i) {
        words += "word ";
    }
    const std::string field = format_field("Name", words);
    std::size_t start = 0;
    for (std::size_t end = 0; (end = field.find("\r\n", start)) != std::string::npos;
         start = end + 2) {
        EXPECT_LE(end - start, 78U);
        EXPECT_TRUE(start == 0 || field[start] == ' ');
    }
    EXPECT_EQ(start, field.size());
    for (const std::string& one : {std::string(5000, 'x'), "a " + std::string(5000, 'x')}) {
        const std::string folded = format_field("Name", one);
        for (std::size_t from = 0, end = 0; (end = folded.find("\r\n", from)) != std::string::npos;
             from = end + 2) {
            EXPECT_LE(end - from, 998U);
        }
    }
    EXPECT_EQ(format_field("Name", ""), "Name:\r\n");
}

TEST(DsnMime, QuotedPrintable) {
    EXPECT_EQ(encode_quoted_printable("a=b\r\nc \r\n"), "a=3Db\r\nc=20\r\n");
    EXPECT_EQ(encode_quoted_printable(std::string(80, 'x')), std::string(75, 'x') + "=\r\nxxxxx");
    EXPECT_EQ(encode_quoted_printable("a\nb\r"), "a=0Ab=0D");
}

TEST(DsnMime, BoundaryStandsNowhereInside) {
    EXPECT_EQ(make_boundary("x", "=_x_0 =_x_1"), "=_x_2");
}

TEST(DsnMime, HeaderSection) {
    EXPECT_EQ(header_section_of("A: b\r\nC: d\r\n\r\nbody"), "A: b\r\nC: d\r\n");
    EXPECT_EQ(header_section_of("\r\nbody"), "");
    EXPECT_EQ(header_section_of("A: b\r\n"), "A: b\r\n");
}

}  // namespace
}  // namespace siding::relay
