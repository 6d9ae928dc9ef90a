#include "backfill/mailbox_name.hpp"

#include <gtest/gtest.h>

#include <random>

namespace siding::backfill {
namespace {

using namespace std::string_literals;

TEST(MailboxName, ModifiedUtf7) {
    struct Row {
        std::string name;
        std::string mutf7;
    };
    const Row rows[] = {
        {"INBOX", "INBOX"},
        {"", ""},
        {"a&b", "a&-b"},
        {"&", "&-"},
        {"a/b.c\\d\"e", "a/b.c\\d\"e"},
        {"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},  // RFC
        {"Entw\u00fcrfe", "Entw&APw-rfe"},
        {"\u00c9l\u00e9ments envoy\u00e9s", "&AMk-l&AOk-ments envoy&AOk-s"},
        {"\U0001F600", "&2D3eAA-"},
        {"a\tb", "a&AAk-b"},
        {"\u00ff\u00fe\u00fd", "&AP8A,gD9-"},
        {"\x7f", "&AH8-"},
        {"\u0085", "&AIU-"},
        {"&\u00e9", "&-&AOk-"},
        {"\uffff\U0010FFFF", "&,,,b,9,,-"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.mutf7);
        EXPECT_EQ(to_mutf7(row.name), row.mutf7);
        EXPECT_EQ(from_mutf7(row.mutf7).value(), row.name);
    }
    EXPECT_EQ(to_mutf7("a\xffz"), "a&,,0-z");  // U+FFFD
}

const std::string improper[] = {
    "a&b",         // shift that does not end
    "&",           // the same
    "&AGE-",       // "a" needs none
    "&AOk-&AOk-",  // one shift will do
    "&AOl-",       // bits left over
    "&AOkA-",      // digits left over
    "&A-",         // half a character
    "&2D0-",       // half a pair
    "&3gA-",       // the other half
    "&AAA-",       // NUL
    "&AO k-",      // no digit
    "&AO/k-",      // base64's own 63
    "Entw\xc3\xbcrfe",
    "a\xff",
    "a\tb",
    "a\0b"s,
    "\x7f",
    "&7iY-",  // a code point that stands for a kept octet
    "&7iYA6Q-",
    "\xee\xb8\xa6",
};

TEST(MailboxName, WhatIsNoModifiedUtf7) {
    for (const std::string& raw : improper) {
        if (!raw.starts_with("&7iY")) {
            const auto name = from_mutf7(raw);
            EXPECT_TRUE(!name && name.error().is(Errc::invalid_argument)) << raw;
        }
        const std::string kept = decode_mailbox_name(raw);
        EXPECT_TRUE(has_kept_octets(kept)) << raw;
        EXPECT_EQ(encode_mailbox_name(kept), raw);
    }
}

TEST(MailboxName, IsReadableAndReversible) {
    EXPECT_EQ(decode_mailbox_name("Entw&APw-rfe"), "Entw\u00fcrfe");
    EXPECT_EQ(decode_mailbox_name("a&b"), "a\uee26b");
    EXPECT_EQ(readable_mailbox_name("a\uee26b"), "a&b");
    EXPECT_EQ(readable_mailbox_name(decode_mailbox_name("Entw\xc3\xbcrfe")), "Entw\u00fcrfe");
    EXPECT_EQ(readable_mailbox_name(decode_mailbox_name("a\xff")), "a\ufffd");
    EXPECT_EQ(readable_mailbox_name("Entw\u00fcrfe"), "Entw\u00fcrfe");
    // A kept name below one that is not.
    EXPECT_EQ(encode_mailbox_name("\u00fc&/a\uee26b"), "&APw-&-/a&b");

    EXPECT_EQ(decode_mailbox_name("Entw\xc3\xbcrfe&-", true), "Entw\u00fcrfe&-");
    EXPECT_EQ(encode_mailbox_name("Entw\u00fcrfe&-", true), "Entw\xc3\xbcrfe&-");
    EXPECT_EQ(
        encode_mailbox_name(decode_mailbox_name("a\xff\xee\xb8\xa6", true), true),
        "a\xff\xee\xb8\xa6"
    );
}

TEST(MailboxName, Inbox) {
    EXPECT_EQ(decode_mailbox_name("Inbox"), "INBOX");
    EXPECT_EQ(decode_mailbox_name("inbox", true), "INBOX");
    EXPECT_EQ(decode_mailbox_name("Inbox/a"), "Inbox/a");
    EXPECT_TRUE(is_inbox("iNBOX"));
    EXPECT_FALSE(is_inbox("INBOX.a"));
}

TEST(MailboxName, AnyOctets) {
    std::mt19937 random{11};
    const std::string alphabet = "&-A,gD92z+\xc3\xa9\xee\xb8\xa6\xff\n"s;
    for (int round = 0; round < 20'000; ++round) {
        std::string raw;
        for (std::size_t i = random() % 12; i > 0; --i) {
            raw.push_back(
                round % 2 == 0 ? alphabet[random() % alphabet.size()]
                               : static_cast<char>(random() % 256)
            );
        }
        for (const bool utf8_accept : {false, true}) {
            const std::string name = decode_mailbox_name(raw, utf8_accept);
            ASSERT_EQ(encode_mailbox_name(name, utf8_accept), is_inbox(raw) ? "INBOX" : raw);
        }
    }
}

}  // namespace
}  // namespace siding::backfill
