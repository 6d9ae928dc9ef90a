#include "backfill/imap_command.hpp"

#include "backfill/imap_capabilities.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using namespace std::string_literals;

// Pieces with "{n}" where a literal begins.
std::string wire(const ImapCommand& command) {
    std::string out;
    for (const auto& piece : command.pieces()) {
        out += piece.is_literal ? "{" + std::to_string(piece.octets.size()) + "}|" : "";
        out += piece.octets + (piece.is_literal ? "|" : "");
    }
    return out;
}

TEST(ImapCommand, OneLine) {
    ImapCommand fetch{"UID FETCH"};
    fetch.set(ImapSet{1, 4}).raw("(UID FLAGS BODY.PEEK[])");
    EXPECT_EQ(wire(fetch), "UID FETCH 1:4 (UID FLAGS BODY.PEEK[])");
    EXPECT_FALSE(fetch.has_literals());

    ImapCommand list{"LIST"};
    list.string("").string("*").raw("RETURN").open().atom("SUBSCRIBED").atom("STATUS").close();
    EXPECT_EQ(wire(list), "LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS)");

    const std::string flags[] = {"\\Seen", "$Junk", "not one", "x\r\ny", "\\", "", "]"};
    ImapCommand store{"UID STORE"};
    store.number(7).atom("+FLAGS.SILENT").flags(flags);
    EXPECT_EQ(wire(store), "UID STORE 7 +FLAGS.SILENT (\\Seen $Junk)");
    EXPECT_EQ(wire(ImapCommand{"X"}.flags({})), "X ()");
}

TEST(ImapCommand, Strings) {
    struct Row {
        std::string octets;
        std::string expected;
    };
    const Row rows[] = {
        {"", "X \"\" y"},
        {"a b", "X \"a b\" y"},
        {"a\"\\b", "X \"a\\\"\\\\b\" y"},
        {"a\tb", "X \"a\tb\" y"},
        {"a\r\nb", "X {4}|a\r\nb| y"},
        {"a\nb", "X {3}|a\nb| y"},
        {"a\0b"s, "X {3}|a\0b| y"s},
        {"\xc3\xa9", "X {2}|\xc3\xa9| y"},
        {std::string(1001, 'x'), "X {1001}|" + std::string(1001, 'x') + "| y"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(wire(ImapCommand{"X"}.string(row.octets).atom("y")), row.expected);
        EXPECT_EQ(wire(ImapCommand{"X"}.secret(row.octets).atom("y")), row.expected);
    }
    EXPECT_EQ(wire(ImapCommand{"X"}.atom("")), "X \"\"");
    EXPECT_EQ(wire(ImapCommand{"X"}.atom("a b")), "X \"a b\"");
    EXPECT_EQ(wire(ImapCommand{"X"}.atom("a\r\nb")), "X {4}|a\r\nb|");
    EXPECT_EQ(wire(ImapCommand{"X"}.string("\n").string("\r")), "X {1}|\n| {1}|\r|");
}

TEST(ImapCommand, Mailboxes) {
    EXPECT_EQ(wire(ImapCommand{"SELECT"}.mailbox("Entw\xc3\xbcrfe")), "SELECT \"Entw&APw-rfe\"");
    EXPECT_EQ(
        wire(ImapCommand{"SELECT"}.mailbox("Entw\xc3\xbcrfe", true)), "SELECT \"Entw\xc3\xbcrfe\""
    );
    EXPECT_EQ(wire(ImapCommand{"SELECT"}.mailbox("a&b")), "SELECT \"a&-b\"");
    EXPECT_EQ(wire(ImapCommand{"SELECT"}.mailbox("a&b", true)), "SELECT \"a&b\"");
    EXPECT_EQ(wire(ImapCommand{"SELECT"}.mailbox("a\nb")), "SELECT \"a&AAo-b\"");
    EXPECT_EQ(wire(ImapCommand{"SELECT"}.mailbox("a\nb", true)), "SELECT {3}|a\nb|");
}

TEST(ImapCommand, ShowsNoSecrets) {
    ImapCommand login{"LOGIN"};
    login.string("joe\n").secret("open sesame");
    EXPECT_EQ(login.shown(), "LOGIN {4}\"joe\\x0a\" \"***\"");
    ImapCommand other{"LOGIN"};
    other.string("joe").secret("s\xc3\xa4"s);
    EXPECT_EQ(other.shown(), "LOGIN \"joe\" {0}\"***\"");
}

TEST(ImapCommand, RefusesTwoLines) {
    EXPECT_DEATH(ImapCommand{"X\r\nY"}, "two lines");
    EXPECT_DEATH(ImapCommand{"X"}.raw("a\nb"), "two lines");
    EXPECT_DEATH(ImapCommand{"X"}.set(""), "set");
    EXPECT_DEATH(ImapCommand{"X"}.set("1 LOGOUT"), "set");
}

TEST(ImapCapabilities, ByName) {
    ImapCapabilities offered;
    EXPECT_TRUE(offered.empty());
    offered.add("IMAP4rev1 literal+ AUTH=PLAIN Auth=XOAuth2  CONDSTORE");
    offered.add("APPENDLIMIT=35651584");
    offered.add("COMPRESS=DEFLATE");
    EXPECT_TRUE(offered.literal_plus() && offered.has("Literal+") && offered.condstore());
    EXPECT_FALSE(offered.literal_minus() || offered.qresync() || offered.move());
    EXPECT_TRUE(offered.compress());
    EXPECT_EQ(offered.auth_mechanisms(), (std::vector<std::string>{"PLAIN", "XOAUTH2"}));
    EXPECT_TRUE(offered.has_auth("xoauth2"));
    EXPECT_FALSE(offered.has_auth("OAUTHBEARER"));
    EXPECT_EQ(offered.append_limit(), 35651584U);
    EXPECT_EQ(offered.message_limit(), std::nullopt);
    offered.remove("condstore");
    EXPECT_FALSE(offered.condstore());
    offered.add("QRESYNC");
    EXPECT_TRUE(offered.condstore());
    EXPECT_EQ(
        offered.text(),
        "APPENDLIMIT=35651584 AUTH=PLAIN AUTH=XOAUTH2 COMPRESS=DEFLATE IMAP4REV1 LITERAL+ QRESYNC"
    );
}

TEST(ImapCapabilities, OddLimits) {
    for (const char* odd : {"APPENDLIMIT", "APPENDLIMIT=", "APPENDLIMIT=x", "APPENDLIMIT=1x"}) {
        ImapCapabilities offered;
        offered.add(odd);
        EXPECT_EQ(offered.append_limit(), std::nullopt) << odd;
    }
}

// RFC 9051 App. E: part of the protocol, but not for a client that speaks the older one.
TEST(ImapCapabilities, Rev2) {
    ImapCapabilities offered;
    offered.add("IMAP4rev2");
    EXPECT_TRUE(offered.uid_plus() && offered.move() && offered.list_status());
    EXPECT_FALSE(offered.literal_plus() || offered.multi_append() || offered.condstore());
    offered.add("IMAP4rev1");
    EXPECT_FALSE(offered.uid_plus() || offered.move());
}

}  // namespace
}  // namespace siding::backfill
