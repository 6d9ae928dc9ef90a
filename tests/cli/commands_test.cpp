#include "tests/cli/commands_fixture.hpp"

#include <fstream>

namespace siding::cli {
namespace {

const std::string row_text =
    R"({"id":"0000000000001.0","message":"0000000000001","recipient":"joe@example.com",)"
    R"("sender":"ann@sender.example","domain":"example.com","wave":"default","size":1200,)"
    R"("received_at":"2026-11-21T13:00:00.000Z","state":"held","attempts":0,"last_reply":""})";

std::string parked_row(const std::string& recipient, const std::string& reply) {
    return R"({"id":"0000000000002.0","message":"0000000000002","recipient":")" + recipient +
           R"(","sender":"","size":3400,"received_at":"2026-11-21T12:00:00Z","state":"parked",)"
           R"("attempts":1,"last_reply":")" +
           reply + R"("})";
}

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
            ": No such file or directory; is the daemon running? (systemctl status siding)\n"
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
        R"("last_error":"421 4.7.0 slow down","last_delivery_at":"2026-11-21T13:59:58Z"}],)"
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
        "SERVER  ADDRESS           CONN  DUE  FLIGHT   NEXT  DELIVERED\n"
        "new     [2001:db8::1]:25  3/10    1       2  in 4m     2s ago\n"
        "\n"
        "SERVER  LAST ERROR\n"
        "new     421 4.7.0 slow down\n"
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
    EXPECT_EQ(run({"parked"}), Exit::done);
    EXPECT_EQ(out.str(), "nothing is parked\n");
    EXPECT_EQ(run({"--json", "parked"}), Exit::done);
    EXPECT_EQ(out.str(), "");
}

TEST_F(CommandsTest, ParkedIsGroupedByReason) {
    api_server.answer(
        "GET /v1/queue",
        R"({"rows":[)" + parked_row("c@x.example", "552 too big") + "," +
            parked_row("a@x.example", "550 <a@x.example> unknown") + "," +
            parked_row("B@x.example", "550 <b@x.example> unknown") + R"(],"cursor":""})"
    );
    EXPECT_EQ(run({"parked"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "2 recipients  550 <…> unknown\n"
        "ID               RECIPIENT    SENDER     SIZE  TRIES  AGE\n"
        "0000000000002.0  a@x.example  <>      3.3 KiB      1   2h\n"
        "0000000000002.0  B@x.example  <>      3.3 KiB      1   2h\n"
        "\n"
        "1 recipient  552 too big\n"
        "ID               RECIPIENT    SENDER     SIZE  TRIES  AGE\n"
        "0000000000002.0  c@x.example  <>      3.3 KiB      1   2h\n"
        "\n"
        "to try again:  siding release --state parked\n"
        "to give up:    siding queue discard --state parked\n"
    );
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
    api_server.answer("POST /v1/releases", R"({"recipients":10,"octets":1})");
    api_server.answer("POST /v1/releases", R"({"release":3})");
    api_server.answer("GET /v1/releases/3", release_text(4, 0, false));
    api_server.answer("GET /v1/releases/3", release_text(10, 0, true));
    EXPECT_EQ(run({"release", "--wait"}), Exit::done);
    EXPECT_EQ(out.str(), "40%  4/10\nrelease 3 to new done in 0s: 10 delivered\n");
    EXPECT_EQ(body_of(1), R"({"filter":{},"to":"new","dry_run":false})");
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

TEST_F(CommandsTest, Trace) {
    api_server.answer(
        "GET /v1/trace",
        R"({"messages":[{"id":"0000000000001","entries":[{"at":"2026-11-21T13:00:00.000Z",)"
        R"("kind":"accepted","recipients":[{"address":"joe@a.example"}],)"
        R"("sender":"ann@b.example","client_address":"192.0.2.1","size":1200},)"
        R"({"at":"2026-11-21T13:05:00.000Z","kind":"parked","address":"joe@a.example",)"
        R"("server":"new","peer":"192.0.2.7","reply":"550 5.1.1 no such user here"}]}]})"
    );
    EXPECT_EQ(run({"trace", "<x@y>"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "0000000000001\n"
        "TIME                  EVENT     WHAT\n"
        "2026-11-21 13:00:00Z  accepted  1.2 KiB from <ann@b.example> for joe@a.example,\n"
        "                                by 192.0.2.1\n"
        "2026-11-21 13:05:00Z  parked    joe@a.example to new [192.0.2.7]: 550 5.1.1 no\n"
        "                                such user here\n"
    );
    EXPECT_EQ(api_server.asked()[0].query.at("query"), "<x@y>");
}

TEST_F(CommandsTest, TraceTellsHowItCame) {
    api_server.answer(
        "GET /v1/trace",
        R"({"messages":[{"id":"0000000000001","entries":[{"at":"2026-11-21T13:00:00.000Z",)"
        R"("kind":"accepted","recipients":[{"address":"joe@a.example","original":"j@b.example"}],)"
        R"("sender":"","client_address":"192.0.2.1","size":12,"tls":"TLSv1.3 X",)"
        R"("tags":["spam","phish"]}]}]})"
    );
    terminal.width = 200;
    EXPECT_EQ(run({"trace", "x"}), Exit::done);
    EXPECT_NE(
        out.str().find("12 B from <> for joe@a.example (sent to j@b.example), by 192.0.2.1, "
                       "TLSv1.3 X, tagged spam phish\n"),
        std::string::npos
    ) << out.str();
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
