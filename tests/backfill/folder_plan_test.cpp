#include "backfill/folder_plan.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace siding::backfill {
namespace {

using Action = FolderPlan::Row::Action;
using Lines = std::vector<std::string>;

// "Sent \Sent 12": a name, attributes, messages.
Folder folder(const std::string& text, char separator) {
    Folder made;
    made.separator = separator;
    std::istringstream words{text};
    for (std::string word; words >> word;) {
        if (word.starts_with('\\')) {
            made.attributes.push_back(word);
        } else if (word.find_first_not_of("0123456789") == std::string::npos) {
            made.messages = std::stoull(word);
        } else {
            made.name += (made.name.empty() ? "" : " ") + word;
        }
    }
    made.octets = made.messages * 1000;
    return made;
}

FolderSide side(char separator, const Lines& folders, const std::string& prefix = "") {
    FolderSide made;
    made.separator = separator;
    made.prefix = prefix;
    for (const std::string& text : folders) {
        made.folders.push_back(folder(text, separator));
    }
    return made;
}

FolderSide of_kind(ServerKind kind, FolderSide made) {
    made.kind = kind;
    return made;
}

// "source -> destination", with + where it is created and ~ where it is the rest; "source -" where
// it is skipped.
Lines shown(const FolderPlan& plan) {
    Lines lines;
    for (const auto& row : plan.rows) {
        std::string line = row.source;
        if (row.action == Action::skip) {
            line += " -";
        } else {
            line += row.action == Action::create_and_copy ? " +> " : " -> ";
            line += row.destination + (row.is_rest ? " ~" : "");
        }
        lines.push_back(line);
    }
    return lines;
}

Lines planned(
    const FolderSide& source, const FolderSide& destination, const FolderRules& rules = {}
) {
    const FolderPlan plan = make_plan("joe", source, destination, rules);
    EXPECT_EQ(*parse_plan(format_plan(plan)), plan);
    return shown(plan);
}

std::string why(const FolderPlan& plan, std::string_view source) {
    for (const auto& row : plan.rows) {
        if (row.source == source) {
            return row.why;
        }
    }
    return "no such row";
}

TEST(FolderPlan, SeparatorsAndPrefixesAreThoseOfTheDestination) {
    const FolderSide dots =
        side('.', {"INBOX", "INBOX.Work", "INBOX.Work.2024", "INBOX.A/B"}, "INBOX.");
    EXPECT_EQ(
        planned(dots, side('/', {"INBOX", "Work"})),
        (Lines{
            "INBOX -> INBOX",
            "INBOX.A/B +> A_B",
            "INBOX.Work -> Work",
            "INBOX.Work.2024 +> Work/2024"})
    );
    const FolderSide slashes = side('/', {"INBOX", "INBOX/Later", "Work/a.b", "Work"});
    EXPECT_EQ(
        planned(slashes, side('.', {"INBOX"}, "INBOX.")),
        (Lines{
            "INBOX -> INBOX",
            "INBOX/Later +> INBOX.Later",
            "Work +> INBOX.Work",
            "Work/a.b +> INBOX.Work.a_b"})
    );
    EXPECT_EQ(
        planned(slashes, side('/', {})),
        (Lines{
            "INBOX -> INBOX", "INBOX/Later +> INBOX/Later", "Work +> Work", "Work/a.b +> Work/a.b"})
    );
}

TEST(FolderPlan, ThePrefixIsGuessedWhereNobodyTellsIt) {
    EXPECT_EQ(guess_prefix(side('.', {"INBOX", "INBOX.Work", "INBOX.Sent"}).folders), "INBOX.");
    EXPECT_EQ(guess_prefix(side('/', {"INBOX", "INBOX/Work", "Sent"}).folders), "");
    EXPECT_EQ(guess_prefix(side('.', {"INBOX"}).folders), "");
    EXPECT_EQ(guess_prefix({}), "");
}

TEST(FolderPlan, InboxIsOneNameInAnyCase) {
    EXPECT_EQ(
        planned(side('/', {"Inbox 3", "INBOX 5", "inbox/Sub"}), side('/', {"INBOX"})),
        (Lines{"Inbox -> INBOX", "inbox/Sub +> INBOX/Sub"})
    );
    FolderSide blank = side('/', {"INBOX", "x"});
    blank.folders[1].name = " Inbox";
    EXPECT_EQ(planned(blank, side('/', {})), (Lines{"INBOX -> INBOX", " Inbox +> Inbox_"}));
}

TEST(FolderPlan, SpecialFoldersGoToTheirLike) {
    EXPECT_EQ(
        planned(
            side(
                '/',
                {"INBOX",
                 "Gesendete Objekte",
                 "Entwürfe \\Drafts",
                 "Papierkorb",
                 "Papierkorb/Alt",
                 "Spam",
                 "Archiv",
                 "Ablage"}
            ),
            side(
                '.',
                {"INBOX",
                 "INBOX.Sent \\Sent",
                 "INBOX.Drafts",
                 "INBOX.Deleted Items \\Trash",
                 "INBOX.Junk \\Junk"},
                "INBOX."
            )
        ),
        (Lines{
            "INBOX -> INBOX",
            "Gesendete Objekte -> INBOX.Sent",
            "Entwürfe -> INBOX.Drafts",
            "Archiv +> INBOX.Archiv",
            "Spam -> INBOX.Junk",
            "Papierkorb -> INBOX.Deleted Items",
            "Ablage +> INBOX.Ablage",
            "Papierkorb/Alt +> INBOX.Deleted Items.Alt"})
    );
    const FolderPlan plan = make_plan(
        "joe", side('/', {"INBOX", "Gesendet 5", "Sent 100"}), side('/', {"Sent Items \\Sent"}), {}
    );
    EXPECT_EQ(shown(plan), (Lines{"INBOX -> INBOX", "Sent -> Sent Items", "Gesendet +> Gesendet"}));
    EXPECT_EQ(plan.rows[1].special_use, SpecialUse::sent);
    EXPECT_EQ(plan.rows[1].why, "is the one for \\Sent there");
}

TEST(FolderPlan, TheAttributeCountsMoreThanTheName) {
    EXPECT_EQ(
        planned(
            side('/', {"INBOX", "Sent 100", "Elsewhere \\Sent"}),
            side('/', {"INBOX", "Sent 1", "Really Sent \\Sent"})
        ),
        (Lines{"INBOX -> INBOX", "Elsewhere -> Really Sent", "Sent -> Sent"})
    );
}

TEST(FolderPlan, OfTwoFoldersThatWouldBeOneNoneIsLost) {
    // The destination's Sent is taken by the folder that is for sent mail.
    EXPECT_EQ(
        planned(
            side('/', {"INBOX", "Gesendet \\Sent", "Sent", "Sent/Old"}), side('/', {"Sent \\Sent"})
        ),
        (Lines{"INBOX -> INBOX", "Gesendet -> Sent", "Sent +> Sent-2", "Sent/Old +> Sent-2/Old"})
    );
    const FolderPlan plan = make_plan(
        "joe",
        side('/', {"INBOX", "Work", "work", "work/x", "a.b", "a_b"}),
        of_kind(ServerKind::exchange, side('.', {"WORK"})),
        {}
    );
    EXPECT_EQ(
        shown(plan),
        (Lines{
            "INBOX -> INBOX",
            "Work -> WORK",
            "a.b +> a_b",
            "a_b +> a_b-2",
            "work +> work-2",
            "work/x +> work-2.x"})
    );
    EXPECT_EQ(
        plan.notes,
        (Lines{
            "'a.b' becomes 'a_b': '.' cannot stand in a name there",
            "'a_b' becomes 'a_b-2': another folder has that name there",
            "'work' becomes 'work-2': another folder has that name there"})
    );
    EXPECT_EQ(reverse_names(plan).at("work-2.x"), "work/x");
    EXPECT_EQ(reverse_names(plan).size(), 6U);
}

TEST(FolderPlan, FoldersWithoutMessagesOfTheirOwnHaveNoRow) {
    EXPECT_EQ(
        planned(
            side('/', {"INBOX", "Lists \\Noselect", "Lists/a", "Gone \\NonExistent"}),
            side('/', {"INBOX", "Lists \\Noselect"})
        ),
        (Lines{"INBOX -> INBOX", "Lists/a +> Lists/a"})
    );
    // There, one that holds folders only is made a real one.
    EXPECT_EQ(
        planned(side('/', {"Lists"}), side('/', {"Lists \\NoSelect"})), Lines{"Lists +> Lists"}
    );
}

TEST(FolderPlan, ViewsAndForeignFoldersAreSkipped) {
    FolderSide source = side(
        '/',
        {"INBOX",
         "virtual/All \\All",
         "Flagged \\Flagged",
         "user/ann/Work",
         "user \\Noselect",
         "Public"}
    );
    source.foreign = {"user/", "Public/"};
    const FolderPlan plan = make_plan("joe", source, side('/', {}), {});
    EXPECT_EQ(
        shown(plan),
        (Lines{"INBOX -> INBOX", "Flagged -", "Public -", "user/ann/Work -", "virtual/All -"})
    );
    EXPECT_EQ(why(plan, "virtual/All"), "shows what is in other folders (\\All)");
    EXPECT_EQ(why(plan, "Public"), "belongs to another user, or to several");
}

TEST(FolderPlan, GmailsContainerIsLeftOutAndAllMailIsTheRest) {
    const Lines labels{
        "INBOX",
        "[Gmail] \\Noselect",
        "[Gmail]/All Mail \\All",
        "[Gmail]/Sent Mail \\Sent",
        "[Gmail]/Bin \\Trash",
        "[Gmail]/Starred \\Flagged",
        "[Gmail]/Important \\Important",
        "[Gmail]/Chats",
        "Chats",
        "Work/2024"};
    EXPECT_EQ(
        planned(
            of_kind(ServerKind::gmail, side('/', labels)), side('/', {"INBOX", "Sent", "Archive"})
        ),
        (Lines{
            "INBOX -> INBOX",
            "[Gmail]/Sent Mail -> Sent",
            "[Gmail]/Bin +> Trash",
            "Chats +> Chats",
            "Work/2024 +> Work/2024",
            "[Gmail]/Chats +> Chats-2",
            "[Gmail]/All Mail -> Archive ~",
            "[Gmail]/Important -",
            "[Gmail]/Starred -"})
    );
    const FolderPlan hidden =
        make_plan("joe", of_kind(ServerKind::gmail, side('/', {"INBOX"})), side('/', {}), {});
    EXPECT_EQ(hidden.notes.size(), 1U);
}

TEST(FolderPlan, AtGmailSpecialFoldersHaveNoChildrenAndSomeNamesAreTaken) {
    const FolderSide gmail = of_kind(
        ServerKind::gmail,
        side('/', {"INBOX", "[Gmail]/All Mail \\All", "[Gmail]/Sent Mail \\Sent"})
    );
    EXPECT_EQ(
        planned(
            side('.', {"INBOX", "Sent \\Sent", "Sent.2023", "Archive", "Chats", " x  y "}), gmail
        ),
        (Lines{
            "INBOX -> INBOX",
            "Sent -> [Gmail]/Sent Mail",
            "Archive -> [Gmail]/All Mail",
            "Chats +> Chats_",
            "Sent.2023 +> Sent_/2023",
            "x y +> x y"})
    );
}

TEST(FolderPlan, TheOperatorsRulesDecide) {
    FolderRules rules;
    rules.map = {{"Old", "Archive/Older/"}, {"inbox", "Archive/Inbox"}, {"None", "x"}};
    rules.skip = {"Junk", "Lists/*", "Nothing*"};
    const FolderSide source =
        side('/', {"INBOX", "Old", "Old/2020", "Junk", "Lists/a", "Lists", "Work"});
    const FolderPlan plan = make_plan("joe", source, side('/', {}), rules);
    EXPECT_EQ(
        shown(plan),
        (Lines{
            "INBOX +> Archive/Inbox",
            "Lists +> Lists",
            "Old +> Archive/Older",
            "Old/2020 +> Archive/Older/2020",
            "Work +> Work",
            "Junk -",
            "Lists/a -"})
    );
    EXPECT_EQ(why(plan, "Junk"), "as told by skip");
    EXPECT_EQ(
        plan.notes,
        (Lines{
            "map: there is no folder 'None'",
            "skip: 'Nothing*' fits no folder",
            "'INBOX' becomes 'Archive/Inbox': as told by map",
            "'Old' becomes 'Archive/Older': as told by map"})
    );
    FolderRules only;
    only.only = {"inbox", "Old*"};
    EXPECT_EQ(
        planned(source, side('/', {}), only),
        (Lines{
            "INBOX -> INBOX",
            "Old +> Old",
            "Old/2020 +> Old/2020",
            "Junk -",
            "Lists -",
            "Lists/a -",
            "Work -"})
    );
    FolderRules merged;
    merged.map = {{"Old", "Work"}, {"Work", "Work"}};
    EXPECT_EQ(
        planned(side('/', {"Old", "Work"}), side('/', {"Work"}), merged),
        (Lines{"Old -> Work", "Work -> Work"})
    );
}

TEST(FolderPlan, EverythingMayGoBelowOneFolder) {
    FolderRules rules;
    rules.below = "Old mail";
    EXPECT_EQ(
        planned(
            side('.', {"INBOX", "INBOX.Sent \\Sent", "INBOX.Work"}, "INBOX."),
            side('/', {"INBOX", "Sent \\Sent"}),
            rules
        ),
        (Lines{
            "INBOX +> Old mail/INBOX", "INBOX.Sent +> Old mail/Sent", "INBOX.Work +> Old mail/Work"}
        )
    );
    EXPECT_EQ(
        planned(side('/', {"INBOX", "Work"}), side('.', {"INBOX"}, "INBOX."), rules),
        (Lines{"INBOX +> INBOX.Old mail.INBOX", "Work +> INBOX.Old mail.Work"})
    );
}

TEST(FolderPlan, ADeepTreeStaysWithinTheNamesLength) {
    std::string name = "top";
    for (int i = 0; i < 200; ++i) {
        name += "/level" + std::to_string(i);
    }
    const FolderSide source = side('/', {name, name + "/a", name + "/b"});
    const FolderPlan plan =
        make_plan("joe", source, of_kind(ServerKind::courier, side('.', {})), {});
    std::set<std::string> names;
    for (const auto& row : plan.rows) {
        EXPECT_LE(row.destination.size(), 240U);
        EXPECT_TRUE(names.insert(row.destination).second);
        EXPECT_FALSE(row.why.empty());
    }
    EXPECT_EQ(names.size(), 3U);
}

TEST(FolderPlan, SubscriptionsAndCountsAreKept) {
    FolderSide source = side('/', {"INBOX 7", "Work 8"});
    source.folders[1].is_subscribed = true;
    const FolderPlan plan = make_plan("joe", source, side('/', {}), {});
    EXPECT_FALSE(plan.rows[0].subscribe);
    EXPECT_TRUE(plan.rows[1].subscribe);
    EXPECT_EQ(plan.rows[1].messages, 8U);
    EXPECT_EQ(plan.rows[1].octets, 8000U);
}

TEST(FolderPlan, IsTextThatOneCanEdit) {
    FolderPlan plan;
    plan.account = "joe \"the\nfirst\"";
    plan.rows.push_back({"INBOX", "INBOX", Action::copy, SpecialUse::none, false, true, 5, 600, ""}
    );
    plan.rows.push_back(
        {"a\\b: #\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\t",
         "ü",
         Action::create_and_copy,
         SpecialUse::sent,
         true,
         false,
         0,
         0,
         "why 'not'"}
    );
    plan.rows.push_back({"- no", "", Action::skip, SpecialUse::none, false, false, 1, 2, "so"});
    plan.notes = {"one", "two: three"};
    const std::string text = format_plan(plan);
    const auto again = parse_plan(text);
    ASSERT_TRUE(again) << again.error().context << text;
    EXPECT_EQ(*again, plan);
    EXPECT_NE(
        text.find("  - source: \"INBOX\"\n    destination: \"INBOX\"\n    action: copy\n"
                  "    subscribe: true\n    messages: 5\n    octets: 600\n"),
        std::string::npos
    ) << text;
    EXPECT_EQ(*parse_plan(format_plan({})), FolderPlan{});
    const auto short_one = parse_plan("folders: [{source: A, action: create, destination: B}]");
    ASSERT_TRUE(short_one);
    EXPECT_EQ(short_one->rows.at(0).destination, "B");
}

TEST(FolderPlan, MistakesOfAnEditorAreToldAllAtOnce) {
    struct Case {
        const char* text;
        const char* errors;
    };
    const Case cases[] = {
        {"folders:\n  - {source: A, action: copi, destination: B}\n"
         "  - {source: A, action: copy}\n"
         "  - {source: C, action: skip, octet: 5}\n"
         "  - {destination: D, action: copy, subscribe: yes, messages: many}\n"
         "  - {source: E}\n"
         "  - x\n",
         "plan:2:25: action: must be copy, create or skip\n"
         "plan:3:5: source: 'A' has an entry already\n"
         "plan:3:5: destination: is missing; only what is skipped has none\n"
         "plan:4:31: octet: unknown key; allowed: source, destination, action, rest, special_use, "
         "subscribe, messages, octets, why\n"
         "plan:5:5: source: is missing\n"
         "plan:5:47: subscribe: must be true or false\n"
         "plan:5:62: messages: must be a number\n"
         "plan:6:5: action: is missing; allowed: copy, create or skip\n"
         "plan:6:5: destination: is missing; only what is skipped has none\n"
         "plan:7:5: folders: must be entries with source, destination and action\n"},
        {"[]", "plan:1:1: this is no folder plan: the keys account and folders are expected\n"},
        {"account: a\n", "plan:1:1: folders: is missing\n"},
        {"folders: 5\n", "plan:1:10: folders: must be a list\n"},
        {"folders: []\nfolders: []\n",
         "plan:2:1: folders: stands here a second time; write it once\n"},
        {"folders: [{source: A, action: copy, destination: \"a\\nb\"}]",
         "plan:1:50: destination: has a line end or a NUL in it\n"},
        {"folders: [{source: A, action: skip, special_use: \\Sant}]",
         "plan:1:50: special_use: is no attribute of RFC 6154, such as \\Sent\n"},
    };
    for (const Case& one : cases) {
        const auto plan = parse_plan(one.text);
        ASSERT_FALSE(plan) << one.text;
        EXPECT_EQ(plan.error().context, one.errors);
    }
    EXPECT_FALSE(parse_plan("folders: ["));
}

TEST(FolderPlan, DriftTellsWhatIsOtherwiseNow) {
    const auto plan_of = [](const Lines& source, const Lines& destination) {
        return make_plan("joe", side('/', source), side('/', destination), {});
    };
    FolderPlan reviewed = plan_of({"INBOX 1", "Old 1", "Work 1", "Gone 1"}, {"Work"});
    EXPECT_EQ(drift(reviewed, reviewed), Lines{});
    reviewed.rows[2].destination = "Older";  // Old
    reviewed.rows[2].why = "I say so";
    const FolderPlan fresh = plan_of({"INBOX 2", "Old 2", "Work 2", "Older 2", "New 2"}, {});
    EXPECT_EQ(
        drift(reviewed, fresh),
        (Lines{
            "'New' is new and goes to 'New'",
            "'Old' goes to 'Older' by the plan; without it, it goes to 'Old'",
            "'Older' is new and goes to 'Older'",
            "'Work' goes to 'Work', which is no longer there and will be created",
            "'Gone' is no longer at the source"})
    );
    const FolderPlan plan = follow_plan(reviewed, fresh);
    EXPECT_EQ(
        shown(plan),
        (Lines{"INBOX -> INBOX", "Old +> Older", "Work +> Work", "New +> New", "Older +> Older-2"})
    );
    EXPECT_EQ(plan.rows[1].messages, 2U);
    EXPECT_EQ(plan.rows[1].why, "I say so");
}

}  // namespace
}  // namespace siding::backfill
