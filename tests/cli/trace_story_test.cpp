#include "cli/trace_story.hpp"

#include "cli/quantities.hpp"
#include "cli/trace_words.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

const WallTime now = parse_time("2026-11-21T15:00:00Z").value();

// The lines as "HH:MM:SS text"; those of now start with "now".
std::vector<std::string> tell(const std::string& document) {
    const json::value message = json::parse(document);
    const json::value servers = json::parse(R"({"new":"mail.new.example:25","old":"10.0.0.1:25"})");
    std::vector<std::string> out;
    for (const StoryLine& line : tell_story(message.as_object(), servers.as_object(), now)) {
        const std::string time = line.at == now ? "now" : human_time(line.at).substr(11, 8);
        out.push_back(time + " " + line.text);
    }
    return out;
}

std::string entry(const std::string& clock, const std::string& kind, const std::string& fields) {
    return R"({"at":"2026-11-21T)" + clock + R"(.000Z","kind":")" + kind + R"(",)" + fields + "}";
}

const std::string accepted = entry(
    "14:02:11",
    "accepted",
    R"("recipients":[{"address":"alice@example.com","domain":"example.com","wave":"default"}],)"
    R"("sender":"ann@b.example","client_address":"192.0.2.7","size":4300,"tls":"TLSv1.3 TLS_X")"
);
const std::string phases = R"("phases":[{"domain":"example.com","wave":"default","phase":"hold"}])";

TEST(TraceStory, FromTheClientToTheRemoteQueueId) {
    EXPECT_EQ(
        tell(
            R"({"id":"m",)" + phases + R"(,"entries":[)" + accepted + "," +
            entry(
                "14:10:00",
                "released",
                R"("id":"m.0","server":"new","who":"uid:1000 ann","reply":"release 7",)"
                R"("from":"held","to":"due")"
            ) +
            "," + entry("14:10:01", "attempt", R"("id":"m.0","server":"new")") + "," +
            entry(
                "14:10:02",
                "delivered",
                R"("id":"m.0","server":"new","peer":"192.0.2.9:25","remote_id":"4XyZ",)"
                R"("reply":"250 Ok: queued as 4XyZ","tls":"TLSv1.3 TLS_X verified")"
            ) +
            R"(],"flips":[{"epoch":4,"at":"2026-11-21T14:09:00.000Z","who":"uid:1000 ann",)"
            R"("why":"new is ready","undoes":0,"moves":[{"domain":"example.com",)"
            R"("wave":"default","from":"hold","to":"release"}]}],"message":null})"
        ),
        (std::vector<std::string>{
            "14:02:11 arrived from 192.0.2.7 (TLS 1.3) for alice@example.com, 4.2 KiB; kept on "
            "hold (wave default, phase hold)",
            "14:09:00 example.com went from hold to release by ann: new is ready (flip 4)",
            "14:10:00 released to new by ann: release 7",
            "14:10:02 offered to new (mail.new.example 192.0.2.9, TLS 1.3 verified): accepted, "
            "their id is 4XyZ",
        })
    );
}

TEST(TraceStory, WhatIsNow) {
    EXPECT_EQ(
        tell(
            R"({"id":"m",)" + phases + R"(,"entries":[)" + accepted + "," +
            entry("14:02:12", "attempt", R"("id":"m.0","server":"old")") + "," +
            entry(
                "14:02:13",
                "deferred",
                R"("id":"m.0","server":"old","peer":"10.0.0.1:25","reply":"451 4.3.0 later")"
            ) +
            R"(],"flips":[],"message":{"helo":"mail.example.org","recipients":[{"state":"due",)"
            R"("lane":"old","attempts":1,"due_at":"2026-11-21T15:05:00Z"}]}})"
        ),
        (std::vector<std::string>{
            "14:02:11 arrived from 192.0.2.7 (mail.example.org, TLS 1.3) for alice@example.com, "
            "4.2 KiB; queued for old (wave default, phase hold)",
            "14:02:13 offered to old (10.0.0.1): not now: 451 4.3.0 later; it will be tried again",
            "now waits for old, next attempt in 5m, 1 attempt so far",
        })
    );
}

TEST(TraceStory, PassedOnWhileTheSenderWaited) {
    const auto story = tell(
        R"({"id":"m","phases":[],"entries":[)" + accepted + "," +
        entry("14:02:11", "delivered", R"("id":"m.0","server":"old","reply":"250 ok")") + "]}"
    );
    EXPECT_EQ(
        story,
        (std::vector<std::string>{
            "14:02:11 arrived from 192.0.2.7 (TLS 1.3) for alice@example.com, 4.2 KiB; passed on "
            "at once (wave default)",
            "14:02:11 passed on to old (10.0.0.1) while the sender waited: accepted: 250 ok",
        })
    );
}

TEST(TraceStory, PassedOnAsAnotherAddress) {
    const auto story = tell(
        R"({"id":"m","phases":[],"entries":[)" + accepted + "," +
        entry(
            "14:02:11",
            "delivered",
            R"("id":"m.0","server":"old","sent_as":"al@new.example","reply":"250 ok")"
        ) +
        "]}"
    );
    ASSERT_EQ(story.size(), 2U);
    EXPECT_EQ(
        story[1],
        "14:02:11 passed on to old (10.0.0.1) as al@new.example while the sender waited: accepted: "
        "250 ok"
    );
}

TEST(TraceStory, ParkedAndRemapped) {
    const auto story = tell(
        R"({"id":"m","phases":[],"entries":[)" + accepted + "," +
        entry("14:03:00", "attempt", R"("id":"m.0","server":"new")") + "," +
        entry(
            "14:03:01",
            "parked",
            R"("id":"m.0","server":"new","cause":"mailbox_full","reply":"552 5.2.2 full")"
        ) +
        "," +
        entry(
            "14:04:00", "released", R"("id":"m.0","server":"new","who":"sidingd","from":"parked")"
        ) +
        "," + entry("14:04:01", "attempt", R"("id":"m.0","server":"new")") + "," +
        entry("14:04:02", "recovered", R"("id":"m.0")") + "," +
        entry("14:05:01", "attempt", R"("id":"m.0","server":"new")") + "," +
        entry(
            "14:05:02",
            "in_doubt",
            R"("id":"m.0","server":"new","sent_as":"al@new.example","reply":"timed out")"
        ) +
        "," + entry("14:06:00", "discarded", R"("id":"m.0","who":"uid:0 root","reply":"spam")") +
        "]}"
    );
    ASSERT_EQ(story.size(), 6U);
    EXPECT_EQ(
        story[1],
        "14:03:01 offered to new (mail.new.example): refused: 552 5.2.2 full; parked (the mailbox "
        "is full), the sender was not told"
    );
    EXPECT_EQ(story[2], "14:04:00 released to new by Siding");
    EXPECT_EQ(story[3].substr(0, 38), "14:04:02 Siding was cut off while it o");
    EXPECT_EQ(
        story[4],
        "14:05:02 offered to new (mail.new.example) as al@new.example: timed out; it may have "
        "arrived, and may arrive twice, since it will be tried again"
    );
    EXPECT_EQ(story[5], "14:06:00 given up by root: spam");
}

TEST(TraceStory, ManyRecipientsShareTheirLines) {
    std::string recipients;
    std::string held;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        const std::string number = std::to_string(name[0] - 'a');
        recipients += std::string{recipients.empty() ? "" : ","} + R"({"address":")" + name +
                      R"(@example.com","domain":"example.com","wave":"default"})";
        held +=
            "," +
            entry("14:05:00", "held", R"("id":"m.)" + number + R"(","who":"sidingd","from":"due")");
    }
    recipients +=
        R"(,{"address":"a@example.com","domain":"example.com","wave":"default","copy":true})";
    const auto story = tell(
        R"({"id":"m","phases":[],"entries":[)" +
        entry(
            "14:02:11",
            "accepted",
            R"("recipients":[)" + recipients +
                R"(],"sender":"","client_address":"192.0.2.7","size":12,"tags":["spam"])"
        ) +
        held + "," + entry("14:06:00", "attempt", R"("id":"m.5","server":"new")") + "]}"
    );
    EXPECT_EQ(
        story,
        (std::vector<std::string>{
            "14:02:11 arrived from 192.0.2.7 for a@example.com, b@example.com, c@example.com and "
            "2 more, 12 B, tagged spam; queued (wave default) for a@example.com, b@example.com, "
            "c@example.com and 2 more; a copy queued for new for a@example.com",
            "14:05:00 a@example.com, b@example.com, c@example.com and 2 more: put on hold by "
            "Siding",
            "14:06:00 copy for a@example.com: offered to new (mail.new.example): no answer yet",
        })
    );
}

TEST(TraceStory, AReportOfOurOwn) {
    const auto story = tell(
        R"({"id":"m","phases":[],"entries":[)" +
        entry(
            "14:02:11",
            "accepted",
            R"("recipients":[{"address":"ann@b.example","domain":"b.example","wave":"default"}],)"
            R"("sender":"","client_address":"","size":900)"
        ) +
        R"(],"message":{"recipients":[{"state":"due","lane":"old","attempts":0,)"
        R"("due_at":"2026-11-21T14:02:11Z"}]}})"
    );
    EXPECT_EQ(
        story,
        (std::vector<std::string>{
            "14:02:11 written here for ann@b.example, 900 B: a report that mail was given up; "
            "queued for old",
            "now waits for old, next attempt now",
        })
    );
}

TEST(TraceWords, Tls) {
    EXPECT_EQ(tls_words("TLSv1.3 TLS_AES_256_GCM_SHA384 dane"), "TLS 1.3 dane");
    EXPECT_EQ(tls_words("TLSv1.2 ECDHE"), "TLS 1.2");
    EXPECT_EQ(tls_words(""), "");
    EXPECT_EQ(who_words("token 127.0.0.1:4"), "token 127.0.0.1:4");
    EXPECT_EQ(cause_words("no_such_cause"), "");
}

}  // namespace
}  // namespace siding::cli
