#include "backfill/imap_data.hpp"

#include "tests/backfill/imap_text.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::backfill {
namespace {

using Texts = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

ImapResponse line(const std::string& text) {
    return read_one(text + "\r\n");
}

TEST(FetchItem, AllThatIsKnown) {
    const auto item = fetch_item(
        line("* 3 FETCH (MODSEQ (65402) UID 7 FLAGS (\\Seen $x) RFC822.SIZE 12 "
             "INTERNALDATE \" 1-Feb-2024 10:00:00 +0100\" SAVEDATE NIL EMAILID (M1) X-GM-MSGID 178 "
             "X-GM-LABELS (\\Inbox \"a b\" NIL) BODY[] \"abc\" BODY[TEXT] NIL X-NEW (a b))")
    );
    ASSERT_TRUE(item);
    EXPECT_EQ(item->uid, 7U);
    EXPECT_EQ(item->octets, 12U);
    EXPECT_EQ(item->modseq, 65402U);
    EXPECT_EQ(item->flags, (Texts{"\\Seen", "$x"}));
    EXPECT_EQ(item->internal_date, " 1-Feb-2024 10:00:00 +0100");
    EXPECT_EQ(item->save_date, std::nullopt);
    EXPECT_EQ(item->email_id, "M1");
    EXPECT_EQ(item->gmail_id, "178");
    EXPECT_EQ(item->gmail_labels, (Texts{"\\Inbox", "a b", "NIL"}));
    ASSERT_EQ(item->sections.size(), 2U);
    EXPECT_EQ(item->section("BODY[]")->octets, "abc");
    EXPECT_FALSE(item->section("BODY[]")->is_nil || item->section("BODY[]")->is_streamed);
    EXPECT_TRUE(item->section("BODY[TEXT]")->is_nil);
    EXPECT_EQ(item->section("RFC822"), nullptr);
}

TEST(FetchItem, WhatServersLeaveOutOrGetWrong) {
    struct Row {
        const char* text;
        const char* expected;  // uid, octets, modseq, flags
    };
    const Row rows[] = {
        {"* 3 FETCH (UID 0 RFC822.SIZE NIL MODSEQ (-1) FLAGS ())", "- - - 0"},
        {"* 3 FETCH (UID 5 RFC822.SIZE \"9\" MODSEQ 4)", "5 9 4 -"},
        {"* 3 FETCH ()", "- - - -"},
        {"* 3 FETCH", "- - - -"},
        {"* 3 FETCH (UID)", "- - - -"},
        {"* 3 FETCH UID 5 FLAGS (\\Seen)", "5 - - 1"},
        {"* 3 FETCH ((x) UID 5)", "5 - - -"},
        {"* 3 FETCH (uid 5 flags NIL)", "5 - - -"},
        {"* 3 FETCH (UID 18446744073709551615)", "18446744073709551615 - - -"},
    };
    for (const Row& row : rows) {
        const auto item = fetch_item(line(row.text));
        ASSERT_TRUE(item) << row.text;
        const auto show_number = [](const std::optional<std::uint64_t>& number) {
            return number ? std::to_string(*number) : "-";
        };
        EXPECT_EQ(
            fmt::format(
                "{} {} {} {}",
                show_number(item->uid),
                show_number(item->octets),
                show_number(item->modseq),
                item->flags ? std::to_string(item->flags->size()) : "-"
            ),
            row.expected
        ) << row.text;
    }
    EXPECT_FALSE(fetch_item(line("* 3 EXISTS")));
    EXPECT_FALSE(fetch_item(line("* OK FETCH")));
}

TEST(FetchItem, BeforeItsBody) {
    ImapParser parser;
    std::string_view wire = "* 3 FETCH (UID 7 FLAGS (\\Seen) BODY[] {3}\r\nabc)\r\n";
    ASSERT_EQ(*parser.next(wire), ImapParser::Event::body_begin);
    auto item = fetch_item(parser.unfinished());
    EXPECT_EQ(item->uid, 7U);
    EXPECT_TRUE(item->sections.empty());
    while (*parser.next(wire) != ImapParser::Event::response) {
    }
    item = fetch_item(parser.response());
    ASSERT_EQ(item->sections.size(), 1U);
    EXPECT_TRUE(item->sections[0].is_streamed);
}

TEST(ListItem, Rows) {
    struct Row {
        const char* text;
        const char* expected;
    };
    const Row rows[] = {
        {"* LIST (\\HasNoChildren \\Sent) \"/\" Sent", "[\\HasNoChildren,\\Sent] / Sent"},
        {"* LSUB () \".\" \"INBOX.a b\"", "[] . INBOX.a b"},
        {"* XLIST () NIL {4}\r\na\r\nb", "[] - a\r\nb"},
        {"* LIST () \"\" x", "[] - x"},
        {"* LIST NIL \"/\" x", "[] / x"},
        {"* LIST () \"/\" NIL", "[] / NIL"},
        {"* LIST () \"/\" \"\"", "[] / "},
        {"* LIST () \"/\" Sent Items", "[] / Sent Items"},  // quotes forgotten
        {"* LIST () \"\\\" a\\b", "[] \\ a\\b"},
        {"* LIST () \"/\" x (CHILDINFO (\"SUBSCRIBED\") OLDNAME (\"y z\"))",
         "[] / x SUBSCRIBED y z"},
        {"* LIST () \"/\" x (\"CHILDINFO\" (SUBSCRIBED))", "[] / x SUBSCRIBED"},
        {"* LIST () \"/\"", "none"},
        {"* LIST", "none"},
        {"* STATUS x (MESSAGES 1)", "none"},
    };
    for (const Row& row : rows) {
        const auto item = list_item(line(row.text));
        const std::string shown =
            item ? fmt::format(
                       "[{}] {} {}{}{}",
                       fmt::join(item->attributes, ","),
                       item->separator.value_or('-'),
                       item->name,
                       item->child_info.empty() ? "" : " " + item->child_info[0],
                       item->old_name ? " " + *item->old_name : ""
                   )
                 : "none";
        EXPECT_EQ(shown, row.expected) << row.text;
    }
    EXPECT_TRUE(list_item(line("* LIST (\\noselect) NIL x"))->has_attribute("\\NoSelect"));
    EXPECT_FALSE(list_item(line("* LIST () NIL x"))->has_attribute("\\NoSelect"));
}

TEST(StatusItem, Known) {
    const auto item = status_item(line(
        "* STATUS \"a b\" (MESSAGES 231 UIDNEXT 44292 UIDVALIDITY 99999999999999999999 UNSEEN 3 "
        "HIGHESTMODSEQ 7011231777 SIZE 18446744073709551615 MAILBOXID (F1) APPENDLIMIT NIL)"
    ));
    ASSERT_TRUE(item);
    EXPECT_EQ(item->mailbox, "a b");
    EXPECT_EQ(item->messages, 231U);
    EXPECT_EQ(item->uid_next, 44292U);
    EXPECT_EQ(item->uid_validity, "99999999999999999999");  // longer than 64 bits
    EXPECT_EQ(item->unseen, 3U);
    EXPECT_EQ(item->highest_modseq, 7011231777U);
    EXPECT_EQ(item->octets, UINT64_MAX);
    EXPECT_EQ(item->mailbox_id, "F1");
    EXPECT_EQ(item->append_limit, std::nullopt);
}

TEST(StatusItem, Odd) {
    EXPECT_EQ(status_item(line("* STATUS Sent Items (MESSAGES 1) "))->mailbox, "Sent Items");
    EXPECT_EQ(status_item(line("* STATUS {1}\r\nx (MESSAGES 1)"))->messages, 1U);
    EXPECT_EQ(status_item(line("* STATUS NIL (MESSAGES x)"))->mailbox, "NIL");
    EXPECT_EQ(status_item(line("* STATUS x ()"))->messages, std::nullopt);
    EXPECT_EQ(status_item(line("* STATUS x (UIDVALIDITY -1)"))->uid_validity, std::nullopt);
    EXPECT_FALSE(status_item(line("* STATUS")));
}

TEST(SearchResult, Rows) {
    EXPECT_EQ(search_result(line("* SEARCH 4 2 3 9"))->all.text(), "2:4,9");
    EXPECT_TRUE(search_result(line("* SEARCH"))->all.empty());
    EXPECT_EQ(search_result(line("* SORT 4 2"))->all.text(), "2,4");
    const auto with_modseq = search_result(line("* SEARCH 2 5 (MODSEQ 917)"));
    EXPECT_EQ(with_modseq->all.text(), "2,5");
    EXPECT_EQ(with_modseq->modseq, 917U);
    const auto extended =
        search_result(line("* ESEARCH (TAG \"a1\") UID MIN 2 MAX 9 COUNT 3 ALL 2,8:9 MODSEQ 5"));
    EXPECT_EQ(extended->tag, "a1");
    EXPECT_TRUE(extended->is_uid);
    EXPECT_EQ(extended->min, 2U);
    EXPECT_EQ(extended->max, 9U);
    EXPECT_EQ(extended->count, 3U);
    EXPECT_EQ(extended->all.text(), "2,8:9");
    EXPECT_EQ(extended->modseq, 5U);
    EXPECT_EQ(search_result(line("* ESEARCH COUNT 0"))->count, 0U);
    EXPECT_FALSE(search_result(line("* ESEARCH"))->is_uid);
    EXPECT_FALSE(search_result(line("* 1 EXISTS")));
}

TEST(Vanished, Rows) {
    const auto earlier = vanished(line("* VANISHED (EARLIER) 41,43:45"));
    EXPECT_TRUE(earlier->is_earlier);
    EXPECT_EQ(earlier->uids.text(), "41,43:45");
    const auto now = vanished(line("* VANISHED 7"));
    EXPECT_FALSE(now->is_earlier);
    EXPECT_EQ(now->uids.text(), "7");
    EXPECT_TRUE(vanished(line("* VANISHED (EARLIER)"))->uids.empty());
    EXPECT_FALSE(vanished(line("* VANISHED")));
}

TEST(ServerData, CapabilitiesAndNames) {
    EXPECT_TRUE(capabilities(line("* CAPABILITY IMAP4rev1 MOVE"))->move());
    EXPECT_TRUE(capabilities(line("* OK [CAPABILITY IMAP4rev1 MOVE] hi"))->move());
    EXPECT_TRUE(capabilities(line("a1 OK [CAPABILITY IMAP4rev1 MOVE] hi"))->move());
    EXPECT_FALSE(capabilities(line("* OK hi")));
    EXPECT_EQ(enabled(line("* ENABLED condstore QRESYNC")), (Texts{"CONDSTORE", "QRESYNC"}));
    EXPECT_EQ(enabled(line("* ENABLED")), Texts{});
    const auto id = server_id(line("* ID (\"Name\" \"Dovecot\" \"os\" NIL)"));
    ASSERT_EQ(id->size(), 2U);
    EXPECT_EQ((*id)[0], (std::pair<std::string, std::string>{"name", "Dovecot"}));
    EXPECT_EQ((*id)[1].second, "");
    EXPECT_TRUE(server_id(line("* ID NIL"))->empty());
}

TEST(ServerData, Namespaces) {
    const auto all = namespaces(
        line("* NAMESPACE ((\"INBOX.\" \".\")(\"x\" NIL \"X\" (\"y\"))) NIL ((\"#shared/\" \"/\"))")
    );
    ASSERT_TRUE(all);
    ASSERT_EQ(all->personal.size(), 2U);
    EXPECT_EQ(all->personal[0].prefix, "INBOX.");
    EXPECT_EQ(all->personal[0].separator, '.');
    EXPECT_EQ(all->personal[1].separator, std::nullopt);
    EXPECT_TRUE(all->other_users.empty());
    ASSERT_EQ(all->shared.size(), 1U);
    EXPECT_EQ(all->shared[0].prefix, "#shared/");
    EXPECT_TRUE(namespaces(line("* NAMESPACE"))->personal.empty());
}

TEST(ServerData, QuotaAndRights) {
    const auto limits = quota(line("* QUOTA \"User quota\" (storage 10 512 MESSAGE 4 x)"));
    EXPECT_EQ(limits->root, "User quota");
    ASSERT_EQ(limits->resources.size(), 1U);
    EXPECT_EQ(limits->resources[0].name, "STORAGE");
    EXPECT_EQ(limits->resources[0].used, 10U);
    EXPECT_EQ(limits->resources[0].limit, 512U);
    EXPECT_TRUE(quota(line("* QUOTA \"\" ()"))->resources.empty());
    EXPECT_FALSE(quota(line("* QUOTA x")));
    const auto roots = quota_roots(line("* QUOTAROOT INBOX \"\" b"));
    EXPECT_EQ(roots->mailbox, "INBOX");
    EXPECT_EQ(roots->roots, (Texts{"", "b"}));
    const auto rights = acl(line("* ACL INBOX fred rwipslda anyone \"\""));
    ASSERT_EQ(rights->rights.size(), 2U);
    EXPECT_EQ(rights->rights[0], (std::pair<std::string, std::string>{"fred", "rwipslda"}));
    EXPECT_EQ(my_rights(line("* MYRIGHTS INBOX rwi"))->rights, "rwi");
}

TEST(Codes, AppendUid) {
    const auto one = append_uid(line("a1 OK [APPENDUID 38505 3955] done"));
    EXPECT_EQ(one->uid_validity, "38505");
    EXPECT_EQ(one->uids, Numbers{3955});
    EXPECT_EQ(append_uid(line("a1 OK [APPENDUID 1 7,3:5] done"))->uids, (Numbers{7, 3, 4, 5}));
    for (const char* bad :
         {"a1 OK done",
          "a1 OK [APPENDUID] done",
          "a1 OK [APPENDUID 1] done",
          "a1 OK [APPENDUID x 1] done",
          "a1 OK [APPENDUID 1 x] done",
          "a1 OK [APPENDUID 1 1:*] done",
          "a1 OK [APPENDUID 1 1:18446744073709551615] done",
          "a1 OK [APPENDUID 1 2 3] done"}) {
        EXPECT_FALSE(append_uid(line(bad))) << bad;
    }
}

TEST(Codes, CopyUid) {
    const auto copied = copy_uid(line("* [COPYUID 38505 304,319:320 3958:3956] done"));
    EXPECT_EQ(copied->source, (Numbers{304, 319, 320}));
    EXPECT_EQ(copied->destination, (Numbers{3956, 3957, 3958}));
    EXPECT_FALSE(copy_uid(line("a1 OK [COPYUID 38505 304 1:2] done")));
}

TEST(Codes, Others) {
    EXPECT_EQ(code_number(line("* OK [UIDNEXT 12] x"), "UIDNEXT"), 12U);
    EXPECT_EQ(code_number(line("* OK [HIGHESTMODSEQ 12]"), "HIGHESTMODSEQ"), 12U);
    EXPECT_EQ(code_number(line("* OK [UIDNEXT x] x"), "UIDNEXT"), std::nullopt);
    EXPECT_EQ(code_number(line("* OK [UIDNEXT] x"), "UIDNEXT"), std::nullopt);
    EXPECT_EQ(code_number(line("* OK [UNSEEN 12] x"), "UIDNEXT"), std::nullopt);
    EXPECT_EQ(
        code_text(line("* OK [UIDVALIDITY 99999999999999999999] x"), "UIDVALIDITY"),
        "99999999999999999999"
    );
    EXPECT_EQ(code_text(line("* OK [MAILBOXID (F1)] x"), "MAILBOXID"), "F1");
    EXPECT_EQ(
        flag_list(line("* OK [PERMANENTFLAGS (\\Seen \\*)] x"), "PERMANENTFLAGS"),
        (Texts{"\\Seen", "\\*"})
    );
    EXPECT_EQ(flag_list(line("* FLAGS (\\Seen a]b)"), "FLAGS"), (Texts{"\\Seen", "a]b"}));
    EXPECT_EQ(flag_list(line("* OK [PERMANENTFLAGS ()]"), "PERMANENTFLAGS"), Texts{});
    EXPECT_FALSE(flag_list(line("* FLAGS"), "FLAGS"));
}

}  // namespace
}  // namespace siding::backfill
