#include "queue/filter.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace siding::queue {
namespace {

using namespace std::chrono_literals;

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();

Recipient joe() {
    return Recipient{
        .id = {MessageId{MessageId::at(noon).value() + 5}, 2},
        .state = State::parked,
        .domain = Domain::parse("example.com").value(),
        .wave = "pilot",
        .address = "Joe@Example.com",
        .sender = "Ann@Sender.example",
        .size_octets = 1000,
        .lane = {},
        .pinned_server = {},
        .last_reply = {},
        .tags = {"spam", "unscanned"},
    };
}

struct Case {
    const char* what;
    std::function<void(Filter&)> set;
    bool expected;
};

TEST(Filter, MatchesFieldByField) {
    const Recipient row = joe();
    const Domain com = row.domain;
    const Domain org = Domain::parse("example.org").value();
    const MessageId id = row.id.message;
    const MessageId before{id.value() - 1};
    const std::vector<Case> cases{
        {"nothing set", [](Filter&) {}, true},
        {"domain", [&](Filter& f) { f.domain = com; }, true},
        {"other domain", [&](Filter& f) { f.domain = org; }, false},
        {"wave", [](Filter& f) { f.wave = "pilot"; }, true},
        {"other wave", [](Filter& f) { f.wave = "default"; }, false},
        {"recipient in lower case", [](Filter& f) { f.recipient = "joe@example.com"; }, true},
        {"other recipient", [](Filter& f) { f.recipient = "jo@example.com"; }, false},
        {"sender in lower case", [](Filter& f) { f.sender = "ann@sender.example"; }, true},
        {"null sender", [](Filter& f) { f.sender = ""; }, false},
        {"state", [](Filter& f) { f.state = State::parked; }, true},
        {"other state", [](Filter& f) { f.state = State::held; }, false},
        {"since its time", [](Filter& f) { f.since = noon; }, true},
        {"since later", [](Filter& f) { f.since = noon + 1ms; }, false},
        {"before its time", [](Filter& f) { f.before = noon; }, false},
        {"before later", [](Filter& f) { f.before = noon + 1ms; }, true},
        {"larger than less", [](Filter& f) { f.larger_octets = 999; }, true},
        {"larger than its size", [](Filter& f) { f.larger_octets = 1000; }, false},
        {"message", [&](Filter& f) { f.message = id; }, true},
        {"other message", [&](Filter& f) { f.message = before; }, false},
        {"number", [&](Filter& f) { f.message = id, f.recipient_number = 2; }, true},
        {"other number", [&](Filter& f) { f.message = id, f.recipient_number = 1; }, false},
        {"up to itself", [&](Filter& f) { f.up_to = id; }, true},
        {"up to before", [&](Filter& f) { f.up_to = before; }, false},
        {"not kept", [](Filter& f) { f.kept = false; }, true},
        {"kept", [](Filter& f) { f.kept = true; }, false},
        {"tag", [](Filter& f) { f.tag = "unscanned"; }, true},
        {"other tag", [](Filter& f) { f.tag = "phish"; }, false},
        {"a tag's beginning", [](Filter& f) { f.tag = "spa"; }, false},
        {"not tag", [](Filter& f) { f.not_tag = "spam"; }, false},
        {"not another tag", [](Filter& f) { f.not_tag = "phish"; }, true},
        {"one tag without another", [](Filter& f) { f.tag = "spam", f.not_tag = "phish"; }, true},
        {"a limit is not asked", [](Filter& f) { f.limit = 0; }, true},
        {"all must hold", [&](Filter& f) { f.domain = com, f.wave = "default"; }, false},
    };
    for (const Case& one : cases) {
        Filter filter;
        one.set(filter);
        EXPECT_EQ(matches(filter, row), one.expected) << one.what;
        // What a key answers must never say no where the row says yes.
        EXPECT_TRUE(matches_id(filter, row.id) || !one.expected) << one.what;
    }
}

TEST(Filter, MatchesTheNullSender) {
    Recipient bounce = joe();
    bounce.sender = "";
    Filter filter;
    filter.sender = "";
    EXPECT_TRUE(matches(filter, bounce));
    filter.sender = "ann@sender.example";
    EXPECT_FALSE(matches(filter, bounce));
}

TEST(Filter, TakesAMailboxOrAWholeDomain) {
    Filter mailbox;
    ASSERT_TRUE(set_recipient(mailbox, "Joe@Example.COM"));
    EXPECT_EQ(mailbox.recipient, "joe@example.com");
    EXPECT_EQ(mailbox.domain->text(), "example.com");
    EXPECT_TRUE(matches(mailbox, joe()));
    Filter domain;
    ASSERT_TRUE(set_recipient(domain, "@Example.com"));
    EXPECT_FALSE(domain.recipient);
    EXPECT_TRUE(matches(domain, joe()));
    for (const char* text : {"", "@", "joe", "joe@", "@exa mple.com"}) {
        Filter untouched;
        EXPECT_FALSE(set_recipient(untouched, text)) << text;
    }
}

}  // namespace
}  // namespace siding::queue
