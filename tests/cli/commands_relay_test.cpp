// Verbs that ask about the relay: sessions, recipients, how a message came in.
#include "tests/cli/commands_fixture.hpp"

namespace siding::cli {
namespace {

TEST_F(CommandsTest, Sessions) {
    const std::string one =
        R"({"id":7,"peer":"192.0.2.1:40112","proxy":"","listener":"[::]:25","helo":"mx.a.example",)"
        R"("tls":"TLSv1.3","state":"data","since":"2026-11-21T13:58:00.000Z","messages":3,)"
        R"("octets":4096})";
    const std::string other =
        R"({"id":8,"peer":"192.0.2.9:1","proxy":"10.0.0.1","state":"greeting",)"
        R"("since":"2026-11-21T14:00:00.000Z","messages":0,"octets":0})";
    api_server.answer("GET /v1/sessions", R"({"sessions":[)" + one + "," + other + "]}");
    EXPECT_EQ(run({"sessions"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "PEER                      STATE     HELO          TLS      FOR  MAIL     SIZE\n"
        "192.0.2.1:40112           data      mx.a.example  TLSv1.3   2m     3  4.0 KiB\n"
        "192.0.2.9:1 via 10.0.0.1  greeting  -             -         0s     0      0 B\n"
    );
    EXPECT_EQ(run({"--json", "sessions"}), Exit::done);
    EXPECT_EQ(out.str(), one + "\n" + other + "\n");
}

TEST_F(CommandsTest, NoSessionsSaySo) {
    api_server.answer("GET /v1/sessions", R"({"sessions":[]})");
    EXPECT_EQ(run({"sessions"}), Exit::done);
    EXPECT_EQ(out.str(), "nobody is connected\n");
    EXPECT_EQ(run({"--json", "sessions"}), Exit::done);
    EXPECT_EQ(out.str(), "");
}

TEST_F(CommandsTest, ChecksARecipient) {
    const std::string call = "GET /v1/recipients/check";
    const std::string accepted =
        R"({"address":"joe@a.example","decision":"accepted","accepts_any":false,"in_files":false,)"
        R"("rewritten_to":["x@b.example","y@b.example"],"existence":"exists","servers":[)"
        R"({"server":"new","existence":"exists","reply":"250 2.1.5 ok","from_cache":true,)"
        R"("last_known":false,"catch_all":true,"age_ms":7200000},)"
        R"({"server":"old","existence":"undecided","reply":"connection refused",)"
        R"("from_cache":false,"last_known":false,"catch_all":false,"age_ms":null}]})";
    api_server.answer(call, accepted);
    api_server.answer(
        call,
        R"({"address":"z@a.example","decision":"refused","accepts_any":false,"in_files":null,)"
        R"("rewritten_to":[],"existence":"undecided","servers":[]})"
    );
    EXPECT_EQ(run({"recipients", "check", "joe@a.example"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "joe@a.example would be accepted\n"
        "files      unknown\n"
        "goes to    x@b.example, y@b.example\n"
        "\n"
        "SERVER  SAYS                    ASKED   ANSWER\n"
        "new     exists, to any address  2h ago  250 2.1.5 ok\n"
        "old     undecided               now     connection refused\n"
    );
    EXPECT_EQ(api_server.asked()[0].query.at("address"), "joe@a.example");
    EXPECT_EQ(run({"recipients", "check", "z@a.example"}), Exit::no);
    EXPECT_EQ(out.str(), "z@a.example would be refused\nfiles      the domain has none\n");
}

TEST_F(CommandsTest, FlushesRecipients) {
    api_server.answer("POST /v1/recipients/flush", R"({"flushed":1})");
    EXPECT_EQ(run({"recipients", "flush"}), Exit::done);
    EXPECT_EQ(out.str(), "1 answer forgotten\n");
    EXPECT_EQ(run({"recipients", "flush", "@A.example"}), Exit::done);
    EXPECT_EQ(run({"recipients", "flush", "Joe@a.example"}), Exit::done);
    EXPECT_EQ(body_of(0), R"({"all":true})");
    EXPECT_EQ(body_of(1), R"({"domain":"a.example"})");
    EXPECT_EQ(body_of(2), R"({"address":"Joe@a.example"})");
}

TEST_F(CommandsTest, ShowTellsHowItCame) {
    api_server.answer(
        "GET /v1/messages/0000000000001",
        R"({"id":"0000000000001","received_at":"2026-11-21T13:00:00.000Z","sender":"a@b.example",)"
        R"("parameters":[],"recipients":[{"id":"0000000000001.0","recipient":"joe@a.example",)"
        R"("original":"j@o.example","state":"held","attempts":0}],"client_address":"192.0.2.1",)"
        R"("client_name":"mx.b.example","proxy_address":"10.0.0.1","listener":"[::]:25",)"
        R"("tls":"TLSv1.3 X","tls_peer":"ab12","helo":"helo.example","message_id":"<x@y>",)"
        R"("size":12,"sha256":"00","bare_newlines":0,"tags":["spam","phish"],"spam_score":15.25})"
    );
    EXPECT_EQ(run({"queue", "show", "0000000000001"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "message    0000000000001\n"
        "from       <a@b.example>\n"
        "client     192.0.2.1 (mx.b.example), HELO helo.example, via 10.0.0.1\n"
        "listener   [::]:25\n"
        "tls        TLSv1.3 X, client certificate ab12\n"
        "tags       spam phish, score 15.25\n"
        "received   2026-11-21 13:00:00Z, 1h ago\n"
        "size       12 B (12 octets)\n"
        "sha256     00\n"
        "message-id <x@y>\n"
        "\n"
        "ID               STATE  RECIPIENT                           TRIES  LAST ANSWER\n"
        "0000000000001.0  held   joe@a.example, sent to j@o.example      0  -\n"
    );
}

}  // namespace
}  // namespace siding::cli
