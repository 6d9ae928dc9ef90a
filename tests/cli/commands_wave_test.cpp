// Flips and waves.
#include "tests/cli/commands_fixture.hpp"

#include <filesystem>
#include <fstream>

namespace siding::cli {
namespace {

constexpr const char* moves =
    R"([{"domain":"example.com","wave":"default","from":"pass_old","to":"hold","copy_from":"new",)"
    R"("copy":""},{"domain":"other.org","wave":"pilot","from":"hold","to":"hold","copy_from":"",)"
    R"("copy":""}])";

TEST_F(CommandsTest, FlipsSeveralWavesAtOnce) {
    api_server.answer(
        "POST /v1/flips", std::string{R"({"epoch":5,"moves":)"} + moves + R"(,"releases":[7]})"
    );
    EXPECT_EQ(
        run(
            {"flip",
             "--to",
             "hold",
             "--why",
             "Friday",
             "Example.com",
             "other.org/pilot",
             "--release-held",
             "old"}
        ),
        Exit::done
    );
    EXPECT_EQ(
        out.str(),
        "example.com: pass_old (copy to new) → hold\n"
        "other.org/pilot: stays in hold\n"
        "epoch 5\n"
        "what is held leaves by release 7; siding release wait 7 watches it\n"
    );
    EXPECT_EQ(
        body_of(0),
        R"({"to":"hold","targets":["example.com","other.org/pilot"],"why":"Friday",)"
        R"("release_held":"old"})"
    );
    EXPECT_EQ(run({"flip", "--to", "pass_old", "--copy", "new", "example.com/*"}), Exit::done);
    EXPECT_EQ(
        body_of(1),
        R"({"to":"pass_old","targets":["example.com/*"],"why":"","release_held":"","copy":"new"})"
    );
}

TEST_F(CommandsTest, RollsBackAndSaysWhat) {
    const std::string flip =
        R"({"epoch":5,"at":"2026-11-21T13:00:00Z","who":"ann","why":"Friday","moves":[]})";
    const std::string back =
        R"([{"domain":"example.com","wave":"default","from":"hold","to":"pass_old","copy_from":"",)"
        R"("copy":""}])";
    const std::string rest = R"("undoes":5,"flip":)" + flip + R"(,"moves":)" + back;
    api_server.answer("POST /v1/rollback", R"({"epoch":null,)" + rest + R"(,"releases":[]})");
    api_server.answer("POST /v1/rollback", R"({"epoch":6,)" + rest + R"(,"releases":[8]})");
    EXPECT_EQ(run({"rollback", "--dry-run"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "would take back the flip of epoch 5, 1h ago by ann: Friday\n"
        "example.com: hold → pass_old\n"
    );
    EXPECT_EQ(run({"rollback", "--why", "not ready", "--release-held", "old"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "took back the flip of epoch 5, 1h ago by ann: Friday\n"
        "example.com: hold → pass_old\n"
        "epoch 6\n"
        "what is held leaves by release 8; siding release wait 8 watches it\n"
    );
    EXPECT_EQ(body_of(1), R"({"why":"not ready","dry_run":false,"release_held":"old"})");
}

TEST_F(CommandsTest, ListsFlips) {
    api_server.answer(
        "GET /v1/flips",
        R"({"epoch":6,"flips":[{"epoch":6,"at":"2026-11-21T13:58:00Z","who":"ann","why":"",)"
        R"("moves":[{"domain":"example.com","wave":"default","from":"hold","to":"pass_old",)"
        R"("copy_from":"","copy":""}],"undone_by":null,"undoes":5},{"epoch":5,)"
        R"("at":"2026-11-21T13:00:00Z","who":"ann","why":"Friday","moves":[{"domain":)"
        R"("example.com","wave":"a","from":"pass_old","to":"hold","copy_from":"","copy":""}],)"
        R"("undone_by":6,"undoes":null}]})"
    );
    EXPECT_EQ(run({"flips"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "EPOCH    WHEN  BY   WAVE           FROM      TO        WHY\n"
        "    6  2m ago  ann  example.com    hold      pass_old  [takes back 5]\n"
        "    5  1h ago  ann  example.com/a  pass_old  hold      [taken back by 6] Friday\n"
    );
    EXPECT_EQ(api_server.asked()[0].query.at("limit"), "100");
}

TEST_F(CommandsTest, ListsAndShowsWaves) {
    const std::string pilot =
        R"("domain":"example.com","wave":"pilot","phase":"hold","copy":"","configured":true,)"
        R"("everybody_else":false,"addresses":1200,"patterns":["a*"],"files":["/p.txt"],)"
        R"("counts":{"held":3,"due":1})";
    const std::string others =
        R"({"domain":"example.com","wave":"default","phase":"pass_old","copy":"new",)"
        R"("everybody_else":true,"addresses":0,"patterns":[],"files":[],"counts":{}})";
    api_server.answer("GET /v1/waves", R"({"waves":[)" + others + ",{" + pilot + "}]}");
    api_server.answer(
        "GET /v1/waves/example.com/pilot",
        "{" + pilot + R"(,"members":["ann@example.com","bob@example.com"]})"
    );
    EXPECT_EQ(run({"wave", "list"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "WAVE                 PHASE     COPY  HELD  DUE  RECIPIENTS\n"
        "example.com/default  pass_old  new      0    0  everybody else\n"
        "example.com/pilot    hold      -        3    1  1,200 addresses, a*\n"
    );
    EXPECT_EQ(run({"wave", "show", "example.com/pilot", "--limit", "2"}), Exit::done);
    EXPECT_NE(out.str().find("file       /p.txt\n"), std::string::npos) << out.str();
    EXPECT_NE(
        out.str().find("ann@example.com\nbob@example.com\n… and 1,198 more"), std::string::npos
    ) << out.str();
}

TEST_F(CommandsTest, AddsTheRecipientsOfAFileInSeveralRequests) {
    const test::TempDirectory directory;
    const std::string file = directory / "pilot.csv";
    std::ofstream csv{file};
    csv << "Name,Email\nX,x@other.org\n";
    for (int i = 0; i < 6000; ++i) {
        csv << "n,user" << 1000 + i << "@Example.com\n";
    }
    csv.close();
    const std::string call = "POST /v1/waves/example.com/pilot";
    api_server.answer(call, R"({"created":true,"added":5000,"phase":"hold"})");
    api_server.answer(call, R"({"created":false,"added":1001,"phase":"hold"})");
    EXPECT_EQ(
        run(
            {"wave",
             "add",
             "--address",
             "sue",
             "example.com/pilot",
             "--file",
             file,
             "--format",
             "csv",
             "--column",
             "Email",
             "--pattern",
             "a*",
             "--phase",
             "hold"}
        ),
        Exit::done
    );
    EXPECT_EQ(out.str(), "example.com/pilot: 6,001 recipients added to a new wave, phase hold\n");
    EXPECT_EQ(err.str(), "1 address of other domains left out\n");
    ASSERT_EQ(api_server.asked().size(), 2U);
    EXPECT_TRUE(body_of(0).starts_with(R"({"addresses":["sue","user1000@example.com",)"));
    EXPECT_TRUE(body_of(0).ends_with(R"("why":"","patterns":["a*"],"phase":"hold"})"));
    EXPECT_TRUE(body_of(1).ends_with(R"("user6999@example.com"],"why":""})"));
}

TEST_F(CommandsTest, AFileOfOtherDomainsIsAMistake) {
    const test::TempDirectory directory;
    const std::string file = directory / "pilot.txt";
    std::ofstream{file} << "x@other.org\n";
    EXPECT_EQ(run({"wave", "add", "example.com/pilot", "--file", file}), Exit::usage);
    EXPECT_NE(err.str().find("holds no address of example.com"), std::string::npos) << err.str();
}

TEST_F(CommandsTest, TakesOutAndTakesAway) {
    const std::string call = "POST /v1/waves/example.com/pilot/remove";
    api_server.answer(call, R"({"gone":false,"removed":1,"moved":0})");
    api_server.answer(call, R"({"gone":true,"removed":0,"moved":12})");
    EXPECT_EQ(run({"wave", "remove", "example.com/pilot", "--address", "sue"}), Exit::done);
    EXPECT_EQ(out.str(), "example.com/pilot: 1 recipient out\n");
    EXPECT_EQ(run({"wave", "remove", "example.com/pilot"}), Exit::done);
    EXPECT_EQ(
        out.str(), "example.com/pilot is gone; 12 queued recipients changed over to other waves\n"
    );
    EXPECT_EQ(body_of(0), R"({"addresses":["sue"],"patterns":[]})");
    EXPECT_EQ(body_of(1), R"({"all":true})");
}

TEST_F(CommandsTest, ClonesAWave) {
    api_server.answer(
        "POST /v1/waves/example.com/pilot/clone", R"({"created":true,"added":7,"phase":"hold"})"
    );
    EXPECT_EQ(run({"wave", "clone", "example.com/pilot", "example.org/pilot"}), Exit::done);
    EXPECT_EQ(out.str(), "example.org/pilot: a new wave of 7 recipients, phase hold\n");
    EXPECT_EQ(body_of(0), R"({"domain":"example.org","wave":"pilot","why":""})");
}

TEST(WaveOptions, UsageErrorsNameTheFix) {
    struct Row {
        std::vector<std::string> arguments;
        std::string says;
    };
    const std::vector<Row> rows{
        {{"flip", "example.com"}, "--to is required"},
        {{"flip", "--to", "hold"}, "TARGET is required"},
        {{"flip", "--to", "hodl", "example.com"}, "'hodl'"},
        {{"flip", "--to", "hold", "example.com/Pi lot"}, "no name for a wave"},
        {{"wave", "show", "example.com"}, "names no wave"},
        {{"wave", "add", "example.com/a", "--column", "1"}, "need --file"},
        {{"wave", "add", "example.com/a", "--file", "f", "--format", "csv"}, "needs --column"},
        {{"wave", "add", "example.com/a", "--file", "f", "--format", "list", "--column", "1"},
         "--column is for"},
        {{"wave", "add", "example.com/a", "--copy", "new"}, "--copy needs --phase"},
    };
    for (const Row& row : rows) {
        const auto options = parse_options(row.arguments, {.socket = "", .now = {}});
        ASSERT_TRUE(options.has_error()) << row.says;
        EXPECT_NE(options.error().context.find(row.says), std::string::npos)
            << options.error().context;
    }
}

}  // namespace
}  // namespace siding::cli
