#include "tests/cli/commands_fixture.hpp"

#include <fstream>

namespace siding::cli {
namespace {

const std::string row_text =
    R"({"id":"0000000000001.0","message":"0000000000001","recipient":"joe@example.com",)"
    R"("sender":"ann@sender.example","domain":"example.com","wave":"default","size":1200,)"
    R"("received_at":"2026-11-21T13:00:00.000Z","state":"held","attempts":0,"last_reply":""})";

std::string release_text(std::uint64_t delivered, std::uint64_t parked, bool done) {
    return R"({"id":3,"server":"new","complete":true,"chosen":10,"counts":{"due":)" +
           std::to_string(10 - delivered - parked) + R"(,"delivered":)" +
           std::to_string(delivered) + R"(,"parked":)" + std::to_string(parked) + R"(},"done":)" +
           (done ? "true" : "false") + "}";
}

TEST_F(CommandsTest, NoDaemonIsThreeAndOneLine) {
    const std::string nowhere = api_server.socket() + ".gone";
    EXPECT_EQ(run_on(nowhere, {"status"}), Exit::unreachable);
    EXPECT_EQ(
        err.str(),
        "siding: cannot reach the daemon at " + nowhere +
            ": No such file or directory; is the daemon running? (systemctl status 'siding*')\n"
    );
}

TEST_F(CommandsTest, RefusalsKeepTheDaemonsWords) {
    const std::string move = "PUT /v1/phases/example.com";
    api_server.answer(
        move, R"({"error":{"code":"conflict","message":"no; \u001b[1m only hold"}})", 409
    );
    EXPECT_EQ(run({"phase", "example.com", "retired"}), Exit::no);
    EXPECT_EQ(err.str(), "siding: no; \\x1b[1m only hold\n");
    api_server.answer(move, R"({"error":{"code":"invalid_argument","message":"bad"}})", 400);
    EXPECT_EQ(run({"phase", "example.com", "retired"}), Exit::no);  // the first once more
    EXPECT_EQ(run({"phase", "example.com", "retired"}), Exit::usage);
    api_server.answer("GET /v1/status", "<html>", 500);
    EXPECT_EQ(run({"status"}), Exit::no);
    EXPECT_NE(err.str().find("answered 500"), std::string::npos) << err.str();
    api_server.answer("GET /v1/phases", "<html>");
    EXPECT_EQ(run({"phase"}), Exit::no);
    EXPECT_NE(err.str().find("no JSON"), std::string::npos) << err.str();
}

TEST_F(CommandsTest, Status) {
    api_server.answer(
        "GET /v1/status",
        R"({"hostname":"hold.example.net","version":"0.1.0","started_at":"2026-11-21T12:00:00Z",)"
        R"("now":"2026-11-21T14:00:00Z","health":{"ok":true,"reason":""},"epoch":7,"domains":[)"
        R"({"domain":"example.com","wave":"default","phase":"hold","counts":{"held":12345,)"
        R"("due":0,"in_flight":0,"parked":3,"delivered":98},"held_octets":1234567890}],)"
        R"("servers":[{"name":"new","address":"[2001:db8::1]:25","connections_open":3,)"
        R"("connections_max":10,"due":1,"in_flight":2,"next_attempt_at":"2026-11-21T14:04:00Z",)"
        R"("last_error":"421 4.7.0 slow down","last_delivery_at":"2026-11-21T13:59:58Z",)"
        R"("concurrency":5,"breaker":"closed","cool_until":"2026-11-21T14:01:00Z","waiting":0,)"
        R"("messages_per_minute":20,"limits":{"rate":600},"hint":"fewer may help"}],)"
        R"("sessions":{"inbound":4},"disk":{"free_octets":13958643712,)"
        R"("reserve_octets":2147483648},"queue":{"accepted":12446,"held":12345,"parked":3,)"
        R"("delivered":98}})"
    );
    EXPECT_EQ(run({"status"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "hold.example.net  sidingd 0.1.0  up 2h  epoch 7  healthy\n"
        "\n"
        "DOMAIN       PHASE    HELD     SIZE  DUE  FLIGHT  PARKED  DELIVERED\n"
        "example.com  hold   12,345  1.1 GiB    0       0       3         98\n"
        "\n"
        "SERVER  ADDRESS           STATE            CONN  DUE  FLIGHT         PACE   NEXT  "
        "DELIVERED\n"
        "new     [2001:db8::1]:25  cooling 1m  3/5 of 10    1       2  20 of 600/m  in 4m     "
        "2s ago\n"
        "\n"
        "SERVER  LAST ERROR\n"
        "new     421 4.7.0 slow down\n"
        "\n"
        "SERVER  WHAT TO DO\n"
        "new     fewer may help\n"
        "\n"
        "accepted 12,446 = held 12,345 + parked 3 + delivered 98\n"
        "4 sessions in, disk 13 GiB free of which 2.0 GiB stay in reserve\n"
    );
}

TEST_F(CommandsTest, Phases) {
    api_server.answer(
        "GET /v1/phases",
        R"({"epoch":7,"phases":[)"
        R"({"domain":"a.example","wave":"default","phase":"hold","next":["release","pass_old"]},)"
        R"({"domain":"a.example","wave":"pilot","phase":"retired","next":[]}]})"
    );
    EXPECT_EQ(run({"phase"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "DOMAIN           PHASE    MAY MOVE TO\n"
        "a.example        hold     release, pass_old\n"
        "a.example/pilot  retired  -\n"
    );
    EXPECT_EQ(run({"--json", "phase", "a.example/pilot"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        R"({"domain":"a.example","wave":"pilot","phase":"retired","next":[]})"
        "\n"
    );
    EXPECT_EQ(run({"phase", "b.example"}), Exit::no);
    EXPECT_EQ(err.str(), "siding: b.example is not configured; siding phase lists what is\n");

    api_server.answer(
        "PUT /v1/phases/a.example/pilot",
        R"({"epoch":8,"domain":"a.example","wave":"pilot","from":"hold","to":"release"})"
    );
    EXPECT_EQ(run({"phase", "a.example/pilot", "release", "--why", "go"}), Exit::done);
    EXPECT_EQ(out.str(), "a.example/pilot: hold → release, epoch 8\n");
    EXPECT_EQ(api_server.asked().back().body, R"({"phase":"release","why":"go"})");
}

TEST_F(CommandsTest, ListGoesThroughAllPages) {
    api_server.answer("GET /v1/queue", R"({"rows":[)" + row_text + R"(],"cursor":"next"})");
    api_server.answer("GET /v1/queue", R"({"rows":[)" + row_text + R"(],"cursor":""})");
    EXPECT_EQ(run({"--json", "queue", "list", "--state", "held"}), Exit::done);
    EXPECT_EQ(out.str(), row_text + "\n" + row_text + "\n");
    const auto asked = api_server.asked();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0].query, (net::HttpQuery{{"page", "1000"}, {"state", "held"}}));
    EXPECT_EQ(asked[1].query.at("cursor"), "next");

    EXPECT_EQ(run({"queue", "list"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "ID               STATE  RECIPIENT        SENDER                 SIZE  AGE\n"
        "0000000000001.0  held   joe@example.com  ann@sender.example  1.2 KiB   1h\n"
    );
}

TEST_F(CommandsTest, AnEmptyListSaysSo) {
    api_server.answer("GET /v1/queue", R"({"rows":[],"cursor":""})");
    EXPECT_EQ(run({"queue", "list"}), Exit::done);
    EXPECT_EQ(out.str(), "no recipient matches\n");
}

TEST_F(CommandsTest, DiscardCountsAndAsks) {
    api_server.answer("GET /v1/queue/count", R"({"recipients":12,"octets":2048})");
    api_server.answer("POST /v1/queue/discard", R"({"moved":12})");
    const std::vector<std::string> words{"queue", "discard", "--state", "parked", "--why", "spam"};

    // Nobody to ask.
    EXPECT_EQ(run(words), Exit::usage);
    EXPECT_NE(err.str().find("12 recipients (2.0 KiB)"), std::string::npos) << err.str();

    terminal.can_ask = true;
    for (const char* answer : {"n\n", "\n", ""}) {
        in.clear();
        in.str(answer);
        EXPECT_EQ(run(words), Exit::no) << answer;
    }
    for (const auto& asked : api_server.asked()) {
        EXPECT_EQ(asked.call, "GET /v1/queue/count");
    }
    in.clear();
    in.str("y\n");
    EXPECT_EQ(run(words), Exit::done);
    EXPECT_EQ(out.str(), "12 recipients discarded\n");
    EXPECT_EQ(err.str(), "Discard 12 recipients (2.0 KiB) for good? [y/N] ");
    EXPECT_EQ(
        api_server.asked().back().body, R"({"why":"spam","all":false,"filter":{"state":"parked"}})"
    );
    terminal.can_ask = false;
    EXPECT_EQ(run({"queue", "discard", "--all", "--yes"}), Exit::done);
}

TEST_F(CommandsTest, ReleaseDryRun) {
    api_server.answer("POST /v1/releases", R"({"recipients":20000,"octets":87654321})");
    EXPECT_EQ(run({"release", "--dry-run", "--domain", "a.example"}), Exit::done);
    EXPECT_EQ(out.str(), "20,000 recipients (84 MiB) would go to new\n");
    EXPECT_EQ(body_of(0), R"({"filter":{"domain":"a.example"},"to":"new","dry_run":true})");
}

TEST_F(CommandsTest, ReleaseWaits) {
    api_server.answer("POST /v1/releases", R"({"release":3})");
    api_server.answer("GET /v1/releases/3", release_text(4, 0, false));
    api_server.answer("GET /v1/releases/3", release_text(10, 0, true));
    EXPECT_EQ(run({"release", "--wait"}), Exit::done);
    EXPECT_EQ(out.str(), "40%  4/10\nrelease 3 to new done in 0s: 10 delivered\n");
    EXPECT_EQ(body_of(0), R"({"filter":{},"to":"new","dry_run":false})");
}

TEST_F(CommandsTest, ReleaseSaysHowItGoes) {
    api_server.answer("POST /v1/releases", R"({"recipients":20000,"octets":1024})");
    EXPECT_EQ(
        run(
            {"release",
             "--dry-run",
             "--rate",
             "10/s",
             "--canary",
             "10",
             "--order",
             "small-first",
             "--pause-above",
             "2%",
             "--first",
             "boss@a.example",
             "--parked"}
        ),
        Exit::done
    );
    EXPECT_EQ(out.str(), "20,000 recipients (1.0 KiB) would go to new in 33m at that rate\n");
    EXPECT_EQ(
        body_of(0),
        R"({"filter":{"state":"parked"},"to":"new","dry_run":true,"rate_per_minute":600,)"
        R"("canary":10,"order":"small_first","pause_percent":2,"first":["boss@a.example"]})"
    );
}

TEST_F(CommandsTest, AReleaseThatPausesIsANo) {
    api_server.answer(
        "GET /v1/releases/3",
        R"({"id":3,"server":"new","state":"paused","why":"of the canary's 10, 1 parked","total":50,)"
        R"("chosen":10,"left":40,"counts":{"due":0,"delivered":9,"parked":1},"done":false})"
    );
    EXPECT_EQ(run({"release", "wait", "3"}), Exit::no);
    EXPECT_EQ(
        out.str(),
        "release 3 to new is paused: of the canary's 10, 1 parked\n"
        "9 delivered, 1 parked, 40 still to go; siding release resume 3 goes on\n"
    );
}

TEST_F(CommandsTest, ReleaseShow) {
    api_server.answer(
        "GET /v1/releases/3",
        R"({"id":3,"server":"new","filter":{"domain":"a.example"},"who":"ann",)"
        R"("ordered_at":"2026-11-21T13:53:00Z","of_phase":false,"state":"running","why":"",)"
        R"("order":"oldest","first":2,"canary":0,"rate_per_minute":600,"pause_percent":5,)"
        R"("total":20000,"total_octets":2048,"complete":false,"chosen":1210,"left":18790,)"
        R"("counts":{"due":9,"in_flight":1,"parked":1,"delivered":1199},"per_minute":598,)"
        R"("seconds_left":1879,"done":false})"
    );
    EXPECT_EQ(run({"release", "show", "3"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "release 3 to new\n"
        "state      running\n"
        "ordered    7m ago by ann\n"
        "filter     {\"domain\":\"a.example\"}\n"
        "order      oldest, 2 addresses first\n"
        "rate       600/min\n"
        "canary     none\n"
        "pauses     above 5% refused\n"
        "moved      1,210 of 20,000 (2.0 KiB)\n"
        "delivered  1,199\n"
        "waiting    10\n"
        "parked     1\n"
        "time left  31m at 598/min\n"
    );
}

TEST_F(CommandsTest, ReleasePauseResumeCancel) {
    const std::string paused =
        R"({"id":3,"server":"new","state":"paused","counts":{"due":5,"in_flight":1},"done":false})";
    api_server.answer("POST /v1/releases/3/pause", paused);
    EXPECT_EQ(run({"release", "pause", "3", "--why", "lunch"}), Exit::done);
    EXPECT_EQ(out.str(), "release 3 is paused; 6 due or under way will still be delivered\n");
    EXPECT_EQ(body_of(0), R"({"why":"lunch"})");
    EXPECT_EQ(run({"release", "pause", "3", "--recall"}), Exit::done);
    EXPECT_EQ(
        out.str(), "release 3 is paused; 6 due or under way go back on hold where they can\n"
    );
    EXPECT_EQ(body_of(1), R"({"why":"","recall":true})");
    api_server.answer("POST /v1/releases/3/resume", R"({"id":3,"state":"running"})");
    EXPECT_EQ(run({"release", "resume", "3"}), Exit::done);
    EXPECT_EQ(out.str(), "release 3 is running\n");
    api_server.answer("POST /v1/releases/3/cancel", R"({"id":3,"state":"cancelled"})");
    EXPECT_EQ(run({"release", "cancel", "3"}), Exit::done);
    EXPECT_EQ(out.str(), "release 3 is cancelled\n");
}

TEST_F(CommandsTest, ReleaseList) {
    api_server.answer(
        "GET /v1/releases",
        R"({"releases":[{"id":3,"server":"new","who":"ann","ordered_at":"2026-11-21T13:53:00Z",)"
        R"("state":"running","total":20000,"chosen":10,"counts":{"delivered":9,"due":1},)"
        R"("seconds_left":3600,"done":false}]})"
    );
    EXPECT_EQ(run({"release", "list"}), Exit::done);
    EXPECT_NE(out.str().find("20,000"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("running, 1h left"), std::string::npos) << out.str();
}

TEST_F(CommandsTest, AReleaseThatParksIsANo) {
    api_server.answer("GET /v1/releases/3", release_text(9, 1, true));
    EXPECT_EQ(run({"release", "wait", "3"}), Exit::no);
    EXPECT_EQ(
        out.str(), "release 3 to new done in 0s: 9 delivered, 1 parked; siding parked says why\n"
    );
    EXPECT_EQ(run({"--json", "release", "wait", "3"}), Exit::no);
    EXPECT_EQ(out.str(), release_text(9, 1, true) + "\n");
}

TEST_F(CommandsTest, CtrlCLeavesTheReleaseAlone) {
    interrupted = true;
    api_server.answer("GET /v1/releases/3", release_text(4, 0, false));
    EXPECT_EQ(run({"release", "wait", "3"}), Exit::no);
    EXPECT_EQ(err.str(), "release 3 goes on without you; siding release wait 3 watches it again\n");
    for (const auto& asked : api_server.asked()) {
        EXPECT_EQ(asked.call, "GET /v1/releases/3");
    }
}

TEST_F(CommandsTest, Audit) {
    api_server.answer(
        "POST /v1/audit",
        R"({"balanced":true,"accepted":12,"delivered":9,"held":3,"ledger_entries":30,)"
        R"("chain_ok":true,"problems":[]})"
    );
    api_server.answer(
        "POST /v1/audit",
        R"({"balanced":false,"accepted":13,"delivered":9,"held":3,"ledger_entries":30,)"
        R"("chain_ok":false,"problems":["entry 4 was changed"]})"
    );
    EXPECT_EQ(run({"audit", "--deep"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "balanced, 30 ledger entries, chain whole, every stored octet as it came\n"
        "accepted 12 = held 3 + delivered 9\n"
    );
    EXPECT_EQ(body_of(0), R"({"deep":true})");
    EXPECT_EQ(run({"audit"}), Exit::no);
    EXPECT_EQ(
        out.str(),
        "NOT BALANCED, 30 ledger entries, CHAIN BROKEN\n"
        "accepted 13 ≠ held 3 + delivered 9\n"
        "- entry 4 was changed\n"
    );
}

TEST_F(CommandsTest, AuditsBlanksAreNotPrinted) {
    api_server.answer("POST /v1/audit", "  \n{\"balanced\":true}\n");
    EXPECT_EQ(run({"--json", "audit"}), Exit::done);
    EXPECT_EQ(out.str(), "{\"balanced\":true}\n");
}

TEST_F(CommandsTest, TraceOfNothingIsANo) {
    api_server.answer("GET /v1/trace", R"({"messages":[]})");
    EXPECT_EQ(run({"trace", "joe"}), Exit::no);
    EXPECT_NE(err.str().find("nothing is known of joe"), std::string::npos);
}

TEST_F(CommandsTest, ExportWritesAMessageOnce) {
    const std::string second = R"({"id":"0000000000001.1","message":"0000000000001"})";
    const std::string gone = R"({"id":"0000000000007.0","message":"0000000000007"})";
    api_server.answer(
        "GET /v1/queue", R"({"rows":[)" + row_text + "," + second + "," + gone + R"(],"cursor":""})"
    );
    const std::string envelope =
        R"({"id":"0000000000001","received_at":"2026-11-21T13:00:00.000Z",)"
        R"("sender":"ann@sender.example","recipients":[{},{}]})";
    api_server.answer("GET /v1/messages/0000000000001", envelope);
    api_server.answer("GET /v1/messages/0000000000001/octets", "Subject: x\r\n\r\nhi\r\n");
    const test::TempDirectory directory;
    const std::string target = (directory / "out").string();
    EXPECT_EQ(run({"queue", "export", "--to", target, "--no-trace"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "wrote 1 message (18 B) to " + target + " as eml\n" +
            "1 message left the queue meanwhile: siding trace ID says where to\n"
    );
    std::ifstream file{directory / "out/0000000000001.eml", std::ios::binary};
    std::ostringstream octets;
    octets << file.rdbuf();
    EXPECT_EQ(octets.str(), "Subject: x\r\n\r\nhi\r\n");
    for (const auto& asked : api_server.asked()) {
        if (asked.call.ends_with("/octets")) {
            EXPECT_EQ(asked.query.at("trace"), "0");
        }
    }
    // The same again would overwrite.
    EXPECT_EQ(run({"queue", "export", "--to", target}), Exit::no);
    EXPECT_NE(err.str().find("exists already"), std::string::npos) << err.str();
}

TEST_F(CommandsTest, ConfigCheck) {
    const test::TempDirectory directory;
    const auto file = directory / "siding.yaml";
    std::ofstream{file} << "hostname: [\n";
    EXPECT_EQ(run({"config", "check", file.string()}), Exit::usage);
    EXPECT_NE(err.str().find("siding.yaml:"), std::string::npos) << err.str();
    EXPECT_EQ(run({"config", "check", (directory / "none").string()}), Exit::usage);
    EXPECT_EQ(run({"config", "reference"}), Exit::done);
    EXPECT_TRUE(out.str().starts_with("# Configuration"));
}

}  // namespace
}  // namespace siding::cli
