// The verbs about what servers refused or took already: parked, remap, replay, copies, reports to
// senders; trace and config show.
#include "tests/cli/commands_fixture.hpp"

#include <fstream>

namespace siding::cli {
namespace {

TEST_F(CommandsTest, ParkedSaysWhyAndWhatToDo) {
    api_server.answer(
        "GET /v1/parked",
        R"({"recipients":412,"octets":123456,"groups":[{"cause":"no_such_mailbox",)"
        R"("what":"The server does not know the mailbox.","hint":"Create it, then release.",)"
        R"("recipients":412,"octets":123456,"oldest_at":"2026-11-21T13:00:00Z","mailboxes":3,)"
        R"("replies":[{"reply":"550 5.1.1 unknown","recipients":380},)"
        R"({"reply":"","recipients":32}],)"
        R"("busiest":[{"recipient":"joe@a.example","recipients":400},)"
        R"({"recipient":"sue@a.example","recipients":1}],)"
        R"("examples":[{"id":"0000000000002.0"}]}]})"
    );
    EXPECT_EQ(run({"parked", "--domain", "a.example"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "412 recipients  no_such_mailbox\n"
        "  The server does not know the mailbox.\n"
        "  Create it, then release.\n"
        "  380  550 5.1.1 unknown\n"
        "   32  no reason recorded\n"
        "  to joe@a.example (400), sue@a.example and 1 more\n"
        "  121 KiB, the oldest 1h ago\n"
        "  for example:  siding queue show 0000000000002.0\n"
        "\n"
        "to send an address elsewhere:  siding remap add OLD NEW\n"
        "to try again:                  siding release --cause no_such_mailbox\n"
        "to give up:                    siding queue discard --cause no_such_mailbox [--dsn]\n"
        "one by one:                    siding queue list --cause no_such_mailbox\n"
    );
    EXPECT_EQ(
        api_server.asked()[0].query, (net::HttpQuery{{"domain", "a.example"}, {"state", "parked"}})
    );
}

TEST_F(CommandsTest, NothingIsParked) {
    api_server.answer("GET /v1/parked", R"({"recipients":0,"octets":0,"groups":[]})");
    EXPECT_EQ(run({"parked"}), Exit::done);
    EXPECT_EQ(out.str(), "nothing is parked\n");
    EXPECT_EQ(run({"--json", "parked"}), Exit::done);
    EXPECT_EQ(out.str(), "{\"recipients\":0,\"octets\":0,\"groups\":[]}\n");
}

TEST_F(CommandsTest, Remap) {
    api_server.answer("POST /v1/remaps", R"({"from":"a@x.example","to":"b@x.example"})");
    EXPECT_EQ(run({"remap", "add", "A@x.example", "b@x.example"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "mail for a@x.example goes to b@x.example from the next attempt on\n"
        "what is parked for it:  siding release --state parked --recipient a@x.example\n"
    );
    EXPECT_EQ(body_of(0), R"({"from":"A@x.example","to":"b@x.example"})");
    api_server.answer("POST /v1/remaps/remove", R"({"removed":"a@x.example"})");
    EXPECT_EQ(run({"remap", "remove", "a@x.example"}), Exit::done);
    EXPECT_EQ(out.str(), "mail for a@x.example goes to that address again\n");
    api_server.answer(
        "GET /v1/remaps", R"({"remaps":[{"from":"a@x.example","to":"b@x.example"}]})"
    );
    EXPECT_EQ(run({"remap", "list"}), Exit::done);
    EXPECT_EQ(out.str(), "MAIL FOR     GOES TO\na@x.example  b@x.example\n");
}

TEST_F(CommandsTest, Replay) {
    api_server.answer("POST /v1/replay", R"({"recipients":3,"octets":2048})");
    api_server.answer("POST /v1/replay", R"({"moved":1})");
    api_server.answer("POST /v1/replay", R"({"moved":0})");
    EXPECT_EQ(
        run({"replay", "--to", "old", "--dry-run", "--recipient", "a@x.example"}), Exit::done
    );
    EXPECT_EQ(out.str(), "3 recipients (2.0 KiB) would be delivered again, to old\n");
    EXPECT_EQ(
        body_of(0),
        R"({"filter":{"domain":"x.example","recipient":"a@x.example"},"to":"old","all":false,"dry_run":true,"why":""})"
    );
    EXPECT_EQ(run({"replay", "--to", "old", "--all", "--why", "lost"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "1 recipient will be delivered again, to old; siding status shows how far it is\n"
    );
    EXPECT_EQ(run({"replay", "--to", "old", "--since", "2h"}), Exit::done);
    EXPECT_NE(out.str().find("retention.time"), std::string::npos);
}

TEST_F(CommandsTest, CopiesThatDifferAreANo) {
    api_server.answer(
        "GET /v1/copies",
        R"({"messages":20012,"recipients":20013,"agree":20010,"differ":2,"waiting":1,)"
        R"("differences":[{"how":"copy_refused","cause":"no_such_mailbox","recipients":2}],)"
        R"("rows":[{"message":"0000000000001","recipient":"joe@a.example","agree":false,)"
        R"("first":{"kind":"delivered","server":"old","reply":"250 ok"},)"
        R"("copy":{"kind":"parked","server":"new","reply":"550 5.1.1 unknown"}}]})"
    );
    terminal.width = 0;
    EXPECT_EQ(run({"copies", "--since", "1d"}), Exit::no);
    EXPECT_EQ(
        out.str(),
        "20,012 messages with a copy, 20,013 recipients: both servers agree on 20,010, differ on "
        "2, 1 without both answers\n"
        "  2 recipients: the first server took it, the copy's refused it as no_such_mailbox\n"
        "\n"
        "MESSAGE        RECIPIENT      FIRST        COPY\n"
        "0000000000001  joe@a.example  old: 250 ok  new: 550 5.1.1 unknown\n"
    );
    EXPECT_EQ(api_server.asked()[0].query.at("show"), "differing");
}

TEST_F(CommandsTest, NoCopiesAtAll) {
    api_server.answer("GET /v1/copies", R"({"messages":0,"recipients":0,"differ":0})");
    EXPECT_EQ(run({"copies", "--all"}), Exit::done);
    EXPECT_TRUE(out.str().starts_with("no message has a copy")) << out.str();
}

TEST_F(CommandsTest, DiscardTellsTheSenders) {
    api_server.answer("GET /v1/queue/count", R"({"recipients":12,"octets":2048})");
    api_server.answer(
        "POST /v1/queue/discard", R"({"moved":12,"reports":9,"unreported":3,"left":0})"
    );
    EXPECT_EQ(run({"queue", "discard", "--cause", "spam", "--dsn", "--yes"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "12 recipients discarded\n"
        "9 reports to senders under way: siding queue list --tag dsn\n"
        "3 recipients without a report: the sender is <>, or wants none\n"
    );
    EXPECT_EQ(
        api_server.asked().back().body,
        R"({"why":"","all":false,"dsn":true,"filter":{"state":"parked","cause":"spam"}})"
    );
}

TEST_F(CommandsTest, ListShowsTagsWhereThereAreAny) {
    const std::string row =
        R"({"id":"0000000000001.0","recipient":"joe@example.com","sender":"ann@b.example",)"
        R"("size":1200,"received_at":"2026-11-21T13:00:00.000Z","state":"held","tags":)";
    api_server.answer(
        "GET /v1/queue",
        R"({"rows":[)" + row + R"([]},)" + row + R"(["spam","phish"]}],"cursor":""})"
    );
    EXPECT_EQ(run({"queue", "list"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "ID               STATE  RECIPIENT        SENDER            SIZE  AGE  TAGS\n"
        "0000000000001.0  held   joe@example.com  ann@b.example  1.2 KiB   1h\n"
        "0000000000001.0  held   joe@example.com  ann@b.example  1.2 KiB   1h  spam phish\n"
    );
}

TEST_F(CommandsTest, ShowsTheConfiguration) {
    api_server.answer(
        "GET /v1/config",
        R"({"settings":[{"key":"hostname","value":"hold.example.net","default":""},)"
        R"({"key":"threads","value":"auto","default":"auto"},)"
        R"({"key":"tls.key","value":"","default":""}],)"
        R"("retry":{"after":["1m","6m"],"then_every":"5m"},)"
        R"("servers":[{"server":"new","profile":"m365","connections":20,"connections_start":2,)"
        R"("messages_per_connection":0,"recipients_per_transaction":500,"rate":30,)"
        R"("cool_down":"1s","cool_down_longest":"1m"}]})"
    );
    EXPECT_EQ(run({"config", "show"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "KEY       VALUE\n"
        "hostname  hold.example.net\n"
        "threads   auto\n"
        "\n"
        "A recipient that a server puts off is tried again 1m, 6m after the first attempt,\n"
        "then every 5m for ever; each wait is up to a tenth longer.\n"
        "\n"
        "SERVER  PROFILE  CONNECTIONS  MESSAGES EACH  RECIPIENTS  RATE/MIN  COOL-DOWN\n"
        "new     m365         2 to 20            any         500        30  1s to 1m\n"
    );
    EXPECT_EQ(run({"config", "show", "--changed"}), Exit::done);
    EXPECT_EQ(out.str().find("threads"), std::string::npos);
}

TEST_F(CommandsTest, ShowsAConfigurationFile) {
    const test::TempDirectory directory;
    const auto file = directory / "siding.yaml";
    std::ofstream{file} << "hostname: hold.example.net\n"
                           "data_dir: /var/lib/siding\n"
                           "listeners: [{address: \"127.0.0.1:25\"}]\n"
                           "servers: {new: {address: \"mail.new.example:25\", profile: m365}}\n"
                           "domains: {example.com: {phase: hold}}\n";
    EXPECT_EQ(run({"config", "show", file.string()}), Exit::done) << err.str();
    EXPECT_NE(out.str().find("m365"), std::string::npos);
    EXPECT_NE(out.str().find("1h16m"), std::string::npos);
    EXPECT_EQ(run({"config", "show", (directory / "none").string()}), Exit::usage);
    EXPECT_TRUE(api_server.asked().empty());
}

TEST_F(CommandsTest, TracePrintsAStory) {
    api_server.answer(
        "GET /v1/trace",
        R"({"messages":[{"id":"0000000000001","entries":[{"at":"2026-11-21T13:00:00.000Z",)"
        R"("kind":"accepted","recipients":[{"address":"joe@a.example","domain":"a.example",)"
        R"("wave":"default"}],"message_id":"<x@y>","sender":"ann@b.example",)"
        R"("client_address":"192.0.2.1","size":1200},)"
        R"({"at":"2026-11-22T09:05:00.000Z","kind":"discarded","id":"0000000000001.0",)"
        R"("who":"uid:0 root","reply":"\u001b[31m"}]}],"servers":{}})"
    );
    EXPECT_EQ(run({"trace", "<x@y>"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "0000000000001 from <ann@b.example>, Message-ID <x@y>\n"
        "2026-11-21, times in UTC\n"
        "13:00:00  arrived from 192.0.2.1 for joe@a.example, 1.2 KiB\n"
        "2026-11-22, times in UTC\n"
        "09:05:00  given up by root: \\x1b[31m\n"
    );
    EXPECT_EQ(api_server.asked()[0].query.at("query"), "<x@y>");
}

}  // namespace
}  // namespace siding::cli
