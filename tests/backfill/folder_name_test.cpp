#include "backfill/folder_name.hpp"

#include "backfill/mailbox_name.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

TEST(FolderName, LevelsBecomeWhatTheServerTakes) {
    struct Case {
        ServerKind kind;
        char separator;
        const char* level;
        const char* safe;
        const char* why;
    };
    constexpr const char* blanks =
        "blanks at its ends or twice in a row are not kept by every server";
    const Case cases[] = {
        {ServerKind::generic, '/', "Projects", "Projects", ""},
        {ServerKind::generic, '/', "Müller & Söhne", "Müller & Söhne", ""},
        {ServerKind::generic, '/', "example.com", "example.com", ""},
        {ServerKind::generic,
         '.',
         "example.com",
         "example_com",
         "'.' cannot stand in a name there"},
        {ServerKind::courier, '.', "a/b", "a_b", "'/' cannot stand in a name there"},
        {ServerKind::generic,
         '/',
         "100%*",
         "100__",
         "'%' cannot stand in a name there, '*' cannot stand in a name there"},
        {ServerKind::generic, '/', "a\\b", "a_b", "'\\' cannot stand in a name there"},
        {ServerKind::dovecot, '/', "a\\b", "a\\b", ""},
        {ServerKind::dovecot, '/', "~joe", "_joe", "'~' cannot begin a name there"},
        {ServerKind::dovecot, '/', "C# and ~", "C# and ~", ""},
        {ServerKind::generic, '/', " a  b ", "a b", blanks},
        {ServerKind::generic,
         '/',
         "   ",
         "_",
         "blanks at its ends or twice in a row are not kept by every server, nothing of it is "
         "left"},
        {ServerKind::generic, '/', "..", "_", "nothing of it is left"},
        {ServerKind::generic, '/', "a\tb", "a_b", "a control character cannot stand in a name"},
        {ServerKind::generic,
         '/',
         "a\xc2\x85"
         "b",
         "a_b",
         "a control character cannot stand in a name"},
        {ServerKind::generic,
         '/',
         "a\xff"
         "b",
         "a_b",
         "a control character cannot stand in a name"},
        {ServerKind::gmail,
         '/',
         "a^\"b\"",
         "a__b_",
         "'^' cannot stand in a name there, '\"' cannot stand in a name there"},
        {ServerKind::cyrus, '/', "why?", "why_", "'?' cannot stand in a name there"},
    };
    for (const Case& one : cases) {
        const SafeLevel safe =
            make_safe_level(one.level, one.separator, NameRules::of(one.kind, one.separator));
        EXPECT_EQ(safe.level, one.safe) << one.level;
        EXPECT_EQ(safe.why, one.why) << one.level;
    }
}

TEST(FolderName, AnOverLongLevelIsCutAndToldApart) {
    const NameRules rules = NameRules::of(ServerKind::generic, '/');
    std::string level;
    for (int i = 0; i < 200; ++i) {
        level += "ü";
    }
    const SafeLevel first = make_safe_level(level + "1", '/', rules);
    const SafeLevel second = make_safe_level(level + "2", '/', rules);
    EXPECT_NE(first.level, second.level);
    EXPECT_EQ(first.level, make_safe_level(level + "1", '/', rules).level);
    EXPECT_LE(to_mutf7(first.level).size(), rules.level_octets_max);
    EXPECT_GT(to_mutf7(first.level).size(), rules.level_octets_max - 8);
    EXPECT_EQ(first.why, "it is longer than 255 octets");
}

TEST(FolderName, OctetsThatWereNoNameAreMadeReadable) {
    const std::string kept = decode_mailbox_name("caf\xe9");
    ASSERT_TRUE(has_kept_octets(kept));
    const SafeLevel safe = make_safe_level(kept, '/', NameRules::of(ServerKind::generic, '/'));
    EXPECT_FALSE(has_kept_octets(safe.level));
    EXPECT_FALSE(safe.why.empty());
}

TEST(FolderName, StrictRulesLeaveWhatEveryServerTakes) {
    EXPECT_EQ(
        make_safe_level("R&D: \"a.b\" (new) #1?", '/', NameRules::strict()).level,
        "R_D_ _a_b_ (new) _1_"
    );
}

TEST(FolderName, CaseFoldsInScriptsThatHaveIt) {
    EXPECT_EQ(fold_case("PROJECTS"), "projects");
    EXPECT_EQ(fold_case("ÄÖÜ É Ł Š Ž"), "äöü é ł š ž");
    EXPECT_EQ(fold_case("×÷ß"), "×÷ß");
    EXPECT_EQ(fold_case("ΑΒΓΩ"), "αβγω");
    EXPECT_EQ(fold_case("ПРИВЕТ Ё"), "привет ё");
    EXPECT_EQ(fold_case("送信済み"), "送信済み");
    EXPECT_EQ(fold_case("A\xff\xc3"), "a\xff\xc3");
    for (const char* text : {"ÀŸ", "Ĺĺ", "İ", "ᲀ", "Ａ"}) {
        EXPECT_EQ(fold_case(fold_case(text)), fold_case(text)) << text;
    }
}

TEST(FolderName, SomeNamesAreTheServersOwn) {
    const NameRules exchange = NameRules::of(ServerKind::exchange, '/');
    EXPECT_TRUE(is_reserved("files", exchange));
    EXPECT_FALSE(is_reserved("my files", exchange));
    EXPECT_TRUE(is_reserved("Sent", NameRules::of(ServerKind::gmail, '/')));
    EXPECT_FALSE(is_reserved("Sent", NameRules::of(ServerKind::dovecot, '/')));
}

TEST(FolderName, ServersAreKnownByTheirWords) {
    EXPECT_EQ(server_kind_of("* OK [CAPABILITY …] Dovecot (Debian) ready."), ServerKind::dovecot);
    EXPECT_EQ(
        server_kind_of("* OK The Microsoft Exchange IMAP4 service is ready."), ServerKind::exchange
    );
    EXPECT_EQ(server_kind_of("* OK Gimap ready for requests from 192.0.2.1"), ServerKind::gmail);
    EXPECT_EQ(server_kind_of("* OK a.example Cyrus IMAP 3.6.1 server ready"), ServerKind::cyrus);
    EXPECT_EQ(server_kind_of("* OK Courier-IMAP ready."), ServerKind::courier);
    EXPECT_EQ(server_kind_of("* OK ready"), ServerKind::generic);
}

}  // namespace
}  // namespace siding::backfill
