#include "relay/rspamd_reply.hpp"

#include "relay/rspamd_request.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <map>

namespace siding::relay {
namespace {

using Action = FilterVerdict::Action;
using OnReject = config::Filter::OnReject;
using Tags = std::vector<std::string>;

FilterVerdict read(const std::string& json, OnReject on_reject = OnReject::reject) {
    const auto verdict = parse_rspamd_reply(json, on_reject);
    EXPECT_TRUE(verdict) << verdict.error().message();
    return verdict ? *verdict : FilterVerdict{};
}

// As rspamd 3.4 writes it.
constexpr const char* spam = R"({"is_skipped":false,"score":12.5,"required_score":15.0,
    "action":"add header","symbols":{
        "R_SPF_ALLOW":{"name":"R_SPF_ALLOW","score":-0.2,"metric_score":-0.2,"options":["+ip4"]},
        "PHISHING":{"name":"PHISHING","score":4.0,"options":["a->b"]}},
    "messages":{},"message-id":"1@x","time_real":0.012,
    "milter":{"add_headers":{
        "X-Spamd-Bar":{"value":"++++++","order":0},
        "Authentication-Results":{"value":"hold.example.net;\n\tspf=pass;\r\n\tdkim=none","order":1},
        "X-Spam-Status":"Yes, score=12.50",
        "X-Twice":[{"value":"a"},{"value":"b"}]},
      "remove_headers":{"X-Spam":0}}})";

TEST(RspamdReply, SpamIsMarkedAndTagged) {
    const auto verdict = read(spam);
    EXPECT_EQ(verdict.action, Action::accept);
    EXPECT_EQ(verdict.score, 12.5);
    EXPECT_EQ(verdict.tags, (Tags{"spam", "phish"}));
    EXPECT_EQ(
        verdict.headers,
        "X-Spam: Yes\r\n"
        "X-Spamd-Bar: ++++++\r\n"
        "Authentication-Results: hold.example.net; spf=pass; dkim=none\r\n"
        "X-Spam-Status: Yes, score=12.50\r\n"
        "X-Twice: a\r\n"
        "X-Twice: b\r\n"
    );
}

struct ActionRow {
    const char* action;
    OnReject on_reject;
    Action expected;
    Tags tags;
    bool marked;  // X-Spam: Yes
};

TEST(RspamdReply, Actions) {
    const std::vector<ActionRow> rows{
        {"no action", OnReject::reject, Action::accept, {}, false},
        // rspamd's own milter takes it: who wants a delay says "soft reject".
        {"greylist", OnReject::reject, Action::accept, {}, false},
        {"add header", OnReject::reject, Action::accept, {"spam"}, true},
        {"rewrite subject", OnReject::reject, Action::accept, {"spam"}, true},
        {"soft reject", OnReject::reject, Action::defer, {}, false},
        {"soft reject", OnReject::tag, Action::defer, {}, false},
        {"reject", OnReject::reject, Action::reject, {"spam"}, true},
        {"reject", OnReject::tag, Action::accept, {"spam", "reject"}, true},
        // Never thrown away after a 250.
        {"discard", OnReject::reject, Action::accept, {"spam", "discard"}, true},
        {"quarantine", OnReject::reject, Action::accept, {"spam", "quarantine"}, true},
        {"an operator's own", OnReject::reject, Action::accept, {}, false},
    };
    for (const ActionRow& row : rows) {
        const auto verdict =
            read(fmt::format(R"({{"action":"{}","score":3}})", row.action), row.on_reject);
        EXPECT_EQ(verdict.action, row.expected) << row.action;
        EXPECT_EQ(verdict.tags, row.tags) << row.action;
        EXPECT_EQ(verdict.headers, row.marked ? "X-Spam: Yes\r\n" : "") << row.action;
        EXPECT_EQ(verdict.score, 3.0) << row.action;
        EXPECT_EQ(verdict.reply_text.empty(), row.expected == Action::accept) << row.action;
    }
}

TEST(RspamdReply, TheReplyIsOneCleanLine) {
    const auto reply = [](const std::string& action, const std::string& message) {
        return reply_to(read(
            fmt::format(R"({{"action":"{}","messages":{{"smtp_message":"{}"}}}})", action, message)
        ));
    };
    struct Row {
        const char* action;
        const char* message;
        const char* expected;
    };
    for (const Row& row : std::vector<Row>{
             {"reject", "", "554 5.7.1 Message refused by the content filter"},
             {"reject", "Go away", "554 5.7.1 Go away"},
             {"reject", "5.3.1 Go away", "554 5.7.1 Go away"},
             {"reject", "No\\r\\n250 2.0.0 Ok", "554 5.7.1 No 250 2.0.0 Ok"},
             {"reject", "\\u0000\\u001b[1m", "554 5.7.1 ??[1m"},
             {"soft reject", "4.7.1 Greylisted", "451 4.7.1 Greylisted"},
             {"soft reject",
              "",
              "451 4.7.1 Message deferred by the content filter, try again later"}}) {
        EXPECT_EQ(reply(row.action, row.message).text(), row.expected);
    }
    EXPECT_LT(reply("reject", std::string(5000, 'x')).text().size(), 512U);
}

TEST(RspamdReply, XSpamOfTheFilterStays) {
    const auto verdict =
        read(R"({"action":"add header","milter":{"add_headers":{"x-spam":{"value":"Perhaps"}}}})");
    EXPECT_EQ(verdict.headers, "x-spam: Perhaps\r\n");
}

TEST(RspamdReply, PhishingIsASymbolThatCounts) {
    const auto tags = [](const char* symbols) {
        return read(fmt::format(R"({{"action":"no action","symbols":{}}})", symbols)).tags;
    };
    EXPECT_EQ(tags(R"({"PHISHED_OPENPHISH":{"score":7.0}})"), (Tags{"phish"}));
    EXPECT_EQ(tags(R"({"PHISHING":{"score":1}})"), (Tags{"phish"}));
    EXPECT_EQ(tags(R"({"PHISHED_WHITELISTED":{"score":0.0}})"), Tags{});
    EXPECT_EQ(tags(R"({"NO_PHISHING":{"score":7.0}, "PHISHING": 3})"), Tags{});
}

TEST(RspamdReply, SkippedIsUnscanned) {
    const auto verdict = read(R"({"action":"no action","is_skipped":true,"score":0.0})");
    EXPECT_EQ(verdict.tags, (Tags{"unscanned"}));
    EXPECT_EQ(verdict.score, std::nullopt);
    // Its answer to the GTUBE pattern.
    const auto early = read(
        R"({"is_skipped":true,"score":15.0,"required_score":15.0,"action":"reject",
            "symbols":{"GTUBE":{"name":"GTUBE","score":0.0}},
            "messages":{"smtp_message":"Gtube pattern"}})"
    );
    EXPECT_EQ(reply_to(early).text(), "554 5.7.1 Gtube pattern");
    EXPECT_EQ(early.tags, (Tags{"spam"}));
    EXPECT_EQ(early.score, 15.0);
}

TEST(RspamdReply, WhatIsNoAnswer) {
    for (const char* text : {
             "",
             "OK",
             "[]",
             "{}",
             R"({"action":5})",
             R"({"action":"no action")",
             R"({"action":"no action"} tail)",
             R"({"error":"invalid command"})",
         }) {
        EXPECT_FALSE(parse_rspamd_reply(text, OnReject::reject)) << text;
    }
    const auto failed = parse_rspamd_reply(R"({"error":"no\nmemory"})", OnReject::reject);
    EXPECT_EQ(failed.error().context, "it says: no\\x0amemory");
}

TEST(RspamdReply, OddShapesAreNoHeaders) {
    EXPECT_EQ(read(R"({"action":"no action","score":"9","milter":[1]})").headers, "");
    const auto verdict = read(R"({"action":"no action","score":1e999,"milter":{"add_headers":{
        "X-A":5,"X-B":{"value":7},"X-C":[["x"],null,"c"],"X-D":{"order":1},"X-E":""}}})");
    EXPECT_EQ(verdict.headers, "X-C: c\r\n");
}

TEST(RspamdReply, HeadersAreBoundedInAll) {
    std::string several;
    for (int i = 0; i < 1000; ++i) {
        several += R"(,{"value":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})";
    }
    const auto verdict = read(
        R"({"action":"add header","milter":{"add_headers":{"X-Many":["first")" + several + "]}}}"
    );
    EXPECT_LE(verdict.headers.size(), 16U * 1024 + 16);
    EXPECT_TRUE(verdict.headers.starts_with("X-Spam: Yes\r\nX-Many: first\r\n"));
    EXPECT_TRUE(verdict.headers.ends_with("x\r\n"));
}

struct HeaderRow {
    std::string name;
    std::string value;
    std::string expected;
};

TEST(RspamdReply, HeaderFields) {
    const std::vector<HeaderRow> rows{
        {"X-A", "b", "X-A: b\r\n"},
        {"X-A", "  b\tc ", "X-A: b c\r\n"},
        {"X-A", "b\r\n\r\nSubject: forged", "X-A: b Subject: forged\r\n"},
        {"X-A", "b\rc\nd", "X-A: b c d\r\n"},
        {"X-A", std::string{"b\0c\x7f", 4}, "X-A: b?c?\r\n"},
        {"X-A", "gr\xc3\xbc\xc3\x9f", "X-A: gr????\r\n"},
        {"X-A", " \r\n ", ""},
        {"X-A: b", "c", ""},
        {"X A", "c", ""},
        {"X-A\r\nY", "c", ""},
        {"", "c", ""},
        {std::string(77, 'X'), "c", ""},
        // In front of the message they would be taken for the message's own.
        {"Subject", "spam", ""},
        {"content-type", "text/html", ""},
        {"Resent-To", "x@y", ""},
        {"Received", "from nowhere", ""},
        {"X-A", std::string(2000, 'x'), ""},
        {"X-A", std::string(900, 'x'), "X-A: " + std::string(900, 'x') + "\r\n"},
    };
    for (const HeaderRow& row : rows) {
        EXPECT_EQ(format_filter_header(row.name, row.value), row.expected) << row.name;
    }
}

TEST(RspamdReply, LongValuesAreFolded) {
    std::string value;
    for (int i = 0; i < 40; ++i) {
        value += "word" + std::to_string(i) + " ";
    }
    const std::string field = format_filter_header("X-Long", value);
    std::string unfolded;
    std::size_t begin = 0;
    while (begin < field.size()) {
        const auto end = field.find("\r\n", begin);
        const std::string line = field.substr(begin, end - begin);
        EXPECT_LE(line.size(), 78U);
        EXPECT_TRUE(begin == 0 || line[0] == '\t');
        unfolded += (begin == 0 ? line : " " + line.substr(1));
        begin = end + 2;
    }
    EXPECT_EQ(unfolded + " ", "X-Long: " + value);
}

TEST(RspamdRequest, SaysWhatItKnows) {
    FilterQuestion question;
    question.client_address = "192.0.2.1";
    question.helo = "client\r\nX: y";
    question.recipients = {"joe@example.com", "sue@example.com"};
    question.queue_id = "6h01s6whc0000";
    question.tls_version = "TLSv1.3";
    question.hostname = "hold.example.net";
    const HeaderFields expected{
        {"IP", "192.0.2.1"},
        {"Helo", "client??X: y"},
        {"From", "<>"},
        {"Rcpt", "<joe@example.com>"},
        {"Rcpt", "<sue@example.com>"},
        {"Queue-Id", "6h01s6whc0000"},
        {"TLS-Version", "TLSv1.3"},
        {"MTA-Name", "hold.example.net"},
        {"MTA-Tag", "siding"}};
    EXPECT_EQ(make_rspamd_headers(question), expected);
}

TEST(RspamdRequest, ManyRecipientsFitRspamdsHeader) {
    FilterQuestion question;
    question.recipients.assign(1000, std::string(900, 'x'));
    std::size_t octets = 0;
    for (const auto& [name, value] : make_rspamd_headers(question)) {
        octets += name.size() + value.size() + 4;
    }
    EXPECT_GT(octets, 40U * 1024);
    EXPECT_LT(octets, 50U * 1024);
}

}  // namespace
}  // namespace siding::relay
