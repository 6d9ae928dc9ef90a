#include "backfill/acl.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

struct NormalCase {
    std::string rights;
    std::string normal;
};

TEST(Acl, RightsHaveOneForm) {
    const std::vector<NormalCase> cases{
        {"lrs", "lrs"},
        {"srl", "lrs"},
        {"", ""},
        {"llrr", "lr"},
        {"c", "kx"},                       // RFC 2086: create mailboxes, delete this one
        {"d", "te"},                       // mark as deleted, expunge
        {"acdilprsw", "lrswipkxtea"},      // all of RFC 2086
        {"lrswipkxtecda", "lrswipkxtea"},  // all of RFC 4314, as servers send it
        {"lrkc", "lrk"},                   // "c" says nothing where "k" can be said
        {"lrtd", "lrt"},
        {"lrn9", "lr9n"},  // letters of one server come behind
    };
    for (const NormalCase& each : cases) {
        EXPECT_EQ(normal_rights(each.rights), each.normal) << each.rights;
    }
}

AclDialect dialect(std::string_view capabilities) {
    ImapCapabilities offered;
    offered.add(capabilities);
    return AclDialect::of(offered);
}

TEST(Acl, DialectComesFromCapabilities) {
    EXPECT_TRUE(dialect("IMAP4rev1 ACL").is_old);
    EXPECT_FALSE(dialect("IMAP4rev1 ACL RIGHTS=kxten UIDPLUS").is_old);
    EXPECT_EQ(dialect("ACL RIGHTS=kxten").more, "kxten");
}

TEST(Acl, RightsAreWrittenInTheServersLetters) {
    const AclDialect old = dialect("ACL");
    EXPECT_EQ(old.format("lrswipkxtea"), "lrswipacd");
    EXPECT_EQ(old.format("lrk"), "lr");  // "c" would give more than was asked for
    EXPECT_EQ(old.format("lrte"), "lrd");
    EXPECT_EQ(dialect("ACL RIGHTS=texk").format("lrswipkxtea"), "lrswipkxtea");
    EXPECT_EQ(dialect("ACL RIGHTS=texk").format("lr9n"), "lr");
    EXPECT_EQ(dialect("ACL RIGHTS=texkn").format("lrn"), "lrn");
}

class AclMerges : public testing::Test {
protected:
    AclMerge merge(const AclEntries& from, const AclEntries& to) const {
        return AclMerger{source, destination, names}.merge(from, to);
    }

    AclSide source{"ann", ServerKind::cyrus, dialect("ACL RIGHTS=kxten")};
    AclSide destination{"ann@new", ServerKind::dovecot, dialect("ACL RIGHTS=texk")};
    AclNames names{{"ann", "ann@new"}, {"bob", "bob@new"}, {"cat", "cat@new"}};
};

using Changes = std::vector<AclChange>;

TEST_F(AclMerges, OthersGetTheirRightsUnderTheirNewNames) {
    const AclMerge merged = merge(
        {{"ann", "lrswipkxtecdan"}, {"bob", "lrs"}, {"anyone", "l"}, {"eve", "lr"}},
        {{"ann@new", "lrwstipekxa"}}
    );
    EXPECT_EQ(merged.changes, (Changes{{"anyone", "l"}, {"bob@new", "lrs"}, {"eve", "lr"}}));
    EXPECT_TRUE(merged.notes.empty());
}

TEST_F(AclMerges, OnlyWhatIsMissingIsAdded) {
    const AclMerge merged =
        merge({{"bob", "lrs"}, {"cat", "lr"}}, {{"bob@new", "lr"}, {"cat@new", "lrswi"}});
    EXPECT_EQ(merged.changes, (Changes{{"bob@new", "s"}}));
    EXPECT_EQ(merge({{"bob", "lr"}}, {{"bob@new", "lr"}}), AclMerge{});
}

TEST_F(AclMerges, DeniedRightsComeAlong) {
    const AclMerge merged = merge({{"anyone", "lr"}, {"-bob", "r"}}, {});
    EXPECT_EQ(merged.changes, (Changes{{"-bob@new", "r"}, {"anyone", "lr"}}));
}

TEST_F(AclMerges, WhatTheDestinationHasGivenIsNotDenied) {
    EXPECT_EQ(merge({{"-bob", "rw"}}, {{"bob@new", "lr"}}).changes, (Changes{{"-bob@new", "w"}}));
}

TEST_F(AclMerges, GroupsAreWrittenAsTheDestinationWritesThem) {
    EXPECT_EQ(merge({{"group:staff", "lr"}}, {}).changes, (Changes{{"$staff", "lr"}}));
    EXPECT_EQ(merge({{"-group:staff", "w"}}, {}).changes, (Changes{{"-$staff", "w"}}));
    std::swap(source, destination);
    names.clear();
    EXPECT_EQ(merge({{"$staff", "lr"}}, {}).changes, (Changes{{"group:staff", "lr"}}));
}

TEST_F(AclMerges, WordsOfOneServerAreNotes) {
    const AclMerge merged = merge({{"anonymous", "lr"}}, {});
    EXPECT_TRUE(merged.changes.empty());
    ASSERT_EQ(merged.notes.size(), 1U);
    EXPECT_EQ(merged.notes[0], "anonymous: the destination has no such identifier");
    std::swap(source, destination);
    EXPECT_EQ(merge({{"authenticated", "l"}, {"owner", "lr"}}, {}).notes.size(), 1U);
}

TEST_F(AclMerges, WhatAnOldServerCannotSayIsANote) {
    destination.dialect = dialect("ACL");
    const AclMerge merged = merge({{"bob", "lrk"}}, {});
    EXPECT_EQ(merged.changes, (Changes{{"bob@new", "lr"}}));
    ASSERT_EQ(merged.notes.size(), 1U);
    EXPECT_EQ(merged.notes[0], "bob@new: the destination has no right k");
    // What is there as "c" and "d" is not asked for again.
    EXPECT_EQ(merge({{"bob", "lrkxte"}}, {{"bob@new", "lrcd"}}), AclMerge{});
}

TEST_F(AclMerges, OwnersAreSkippedOnBothSides) {
    names = {{"old ann", "ann@new"}};
    EXPECT_EQ(merge({{"ann", "lr"}, {"-ann", "r"}, {"old ann", "lr"}}, {}), AclMerge{});
    const AclMerger merger{source, destination, names};
    EXPECT_FALSE(merger.has_others({{"ann", "lrs"}, {"bob", ""}}));
    EXPECT_TRUE(merger.has_others({{"ann", "lrs"}, {"-bob", "r"}}));
}

TEST(AclNames, OfAccountsBetweenTheSameServers) {
    const auto account = [](std::string from, std::string to, std::string host) {
        Account made;
        made.source.address = {std::move(host), 143};
        made.source.user = std::move(from);
        made.destination.address = {"new", 143};
        made.destination.user = std::move(to);
        return made;
    };
    std::vector<Account> accounts{
        account("ann", "ann@new", "old"),
        account("bob*boss", "bob@new", "old"),
        account("cat", "cat@new", "older")};
    accounts[0].destination.authzid = "ann@newer";
    const AclDirectory directory{accounts};
    const AclNames wanted{{"ann", "ann@newer"}, {"bob", "bob@new"}};
    EXPECT_EQ(*directory.names_for(accounts[0]), wanted);
    EXPECT_EQ(*directory.names_for(accounts[2]), (AclNames{{"cat", "cat@new"}}));
    EXPECT_TRUE(AclDirectory{}.names_for(accounts[0])->empty());
}

}  // namespace
}  // namespace siding::backfill
