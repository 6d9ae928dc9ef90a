// Verbs of `siding dns` that ask the daemon.
#include "tests/cli/commands_fixture.hpp"
#include "tests/support/temp_directory.hpp"

#include <fstream>

namespace siding::cli {
namespace {

std::string document(const std::string& verdict, const std::string& more = "") {
    return R"({"now":"2026-11-21T14:00:00Z","domains":[{"domain":"example.com","verdict":")" +
           verdict +
           R"(","reason":"no honest resolver can serve the old MX after Sat 14:23:00",)"
           R"("expected_at":"2026-11-21T14:23:00Z","mx":{"new":["new.example"],)"
           R"("old":["old.example"],"served":["10 new.example"]},)"
           R"("gates":[{"name":"authority","passed":true,"asked":true,"reason":"all 2 serve it"},)"
           R"({"name":"panel","passed":true,"asked":false,"reason":"not asked: it is off"}],)"
           R"("deadline":{"at":"2026-11-21T14:23:00Z","why":"ns1"},)"
           R"("authority":{"servers":[)"
           R"({"name":"ns1.example","address":"192.0.2.1:53","state":"new","ttl":300,)"
           R"("serial":7,"mx":["10 new.example"]},)"
           R"({"name":"ns2.example","address":"192.0.2.2:53","state":"unreachable","ttl":0,)"
           R"("serial":null,"mx":[]}],)"
           R"("problems":[{"text":"ns2.example does not answer"}]},)"
           R"("panel":{"enabled":true,"allowed":true,"at":"2026-11-21T13:59:00Z","operators":[)"
           R"({"name":"Quad9","state":"old","old_for_at_most":600,"cap":900,"samples":[]},)"
           R"({"name":"Far away","state":"timeout","old_for_at_most":0,"samples":[]}]},)"
           R"("watched_at":"2026-11-21T13:59:56Z","next_at":"2026-11-21T14:00:16Z")" +
           more + "}]}";
}

TEST_F(CommandsTest, DnsStatusIsATableOfAllDomains) {
    api_server.answer(
        "GET /v1/dns", document("published", R"(,"unplanned":"ns1 serves evil.example")")
    );
    EXPECT_EQ(run({"dns", "status"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "DOMAIN       VERDICT    MX              SERVERS  PANEL    NEXT  LOOKED\n"
        "example.com  published  10 new.example      1/1    0/1  in 23m  4s ago\n"
        "\n"
        "DOMAIN       LOOK AT THIS\n"
        "example.com  ns1 serves evil.example\n"
    );
    api_server.answer("GET /v1/dns", R"({"domains":[]})");
}

TEST_F(CommandsTest, DnsStatusOfOneDomainIsInPlainWords) {
    api_server.answer("GET /v1/dns", document("published"));
    EXPECT_EQ(run({"dns", "status", "Example.com"}), Exit::done);
    EXPECT_EQ(api_server.asked().at(0).query.at("domain"), "example.com");
    const std::string text = out.str();
    for (const char* const line :
         {"example.com  published, converged expected 2026-11-21 14:23:00Z (in 23m)\n",
          "no honest resolver can serve the old MX after Sat 14:23:00\n",
          "new MX  new.example\n",
          "old MX  old.example\n",
          "served  10 new.example\n",
          "all 2 serve it",
          "not asked: it is off",
          "! ns2.example does not answer\n",
          "2026-11-21 14:09:00Z",  // Quad9 may have it until then
          "keeps at most 900 s",
          "looked 4s ago, next in 16s\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    }
}

TEST_F(CommandsTest, DnsStatusShowsUntilWhenAnOldAddressMayBeUsed) {
    const auto host = [](const std::string& until) {
        return R"({"name":"old.example","addresses":["192.0.2.9"],"gone":["192.0.2.1"],)"
               R"("old_until":{"at":")" +
               until + R"(","why":"ns1"}})";
    };
    const std::string rotating =
        R"({"name":"many.example","addresses":["192.0.2.5"],"rotates":true})";
    api_server.answer(
        "GET /v1/dns",
        document(
            "published",
            R"(,"hosts":[)" + host("2026-11-21T14:10:00Z") + "," + host("2026-11-21T13:50:00Z") +
                "," + host("2026-11-18T13:50:00Z") + "," + rotating + "]"
        )
    );
    EXPECT_EQ(run({"dns", "status", "example.com"}), Exit::done);
    const std::string text = out.str();
    for (const char* const line :
         {"192.0.2.1  2026-11-21 14:10:00Z (in 10m)\n",
          "192.0.2.1  2026-11-21 13:50:00Z (over)\n",
          "192.0.2.5 (they rotate)"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    }
    EXPECT_EQ(text.find("2026-11-18"), std::string::npos) << "long ago";
}

TEST_F(CommandsTest, DnsStatusIsAQuestionForScripts) {
    api_server.answer("GET /v1/dns", document("published"));
    EXPECT_EQ(run({"dns", "status", "example.com", "--is", "converged"}), Exit::no);
    EXPECT_EQ(run({"dns", "status", "example.com", "--is", "published"}), Exit::done);
    api_server.answer("GET /v1/dns", document("published"));
    api_server.answer("GET /v1/dns", document("published"));
    api_server.answer("GET /v1/dns", document("proven"));
    EXPECT_EQ(run({"dns", "status", "example.com", "--is", "converged", "--wait"}), Exit::done);
    EXPECT_NE(out.str().find("example.com: published"), std::string::npos);
    EXPECT_NE(out.str().find("example.com: proven"), std::string::npos);
    interrupted = true;
    EXPECT_EQ(run({"dns", "status", "example.com", "--is", "quiet", "--wait"}), Exit::no);
}

TEST_F(CommandsTest, DnsWatchTellsALogOnlyWhatChanges) {
    api_server.answer("GET /v1/dns", document("published"));
    api_server.answer("GET /v1/dns", document("published"));
    int looks = 0;
    const Api api{api_server.socket()};
    Context context{
        .api = api,
        .terminal = terminal,
        .clock = clock,
        .json = false,
        .pause = [&](std::chrono::milliseconds) { return ++looks < 3; },
    };
    EXPECT_EQ(run_action(WatchDns{}, context), Exit::done);
    EXPECT_EQ(
        out.str(),
        "example.com: published, no honest resolver can serve the old MX after Sat 14:23:00\n"
    );
}

TEST_F(CommandsTest, DnsLookAsksNow) {
    api_server.answer("POST /v1/dns/look", document("converged"));
    EXPECT_EQ(run({"dns", "look", "example.com"}), Exit::done);
    EXPECT_EQ(body_of(0), R"({"domain":"example.com"})");
    EXPECT_NE(out.str().find("example.com  converged"), std::string::npos);
}

TEST_F(CommandsTest, DnsSendersAreReadHereAndHandedOver) {
    const test::TempDirectory directory;
    const auto log = directory / "mail.txt";
    std::ofstream{log} << "2026-11-20T10:00:00Z 192.0.2.1 mx.bank.example joe@bank.example "
                          "ann@example.com\n"
                          "2026-11-20T11:00:00Z 192.0.2.1 mx.bank.example joe@bank.example "
                          "ann@other.example\n";
    api_server.answer("POST /v1/dns/senders", R"({"domain":"example.com","messages":1})");
    EXPECT_EQ(
        run(
            {"dns",
             "senders",
             "import",
             log.string(),
             "--domain",
             "example.com",
             "--format",
             "plain"}
        ),
        Exit::done
    ) << err.str();
    EXPECT_NE(
        out.str().find("example.com: 1 message from 1 sender are the usual mail from now on\n"),
        std::string::npos
    ) << out.str();
    EXPECT_NE(body_of(0).find(R"("mode":"replace")"), std::string::npos);
    EXPECT_NE(body_of(0).find(R"("bank.example":1)"), std::string::npos);

    EXPECT_EQ(
        run(
            {"dns",
             "senders",
             "import",
             log.string(),
             "--domain",
             "third.example",
             "--format",
             "plain"}
        ),
        Exit::usage
    );
    EXPECT_NE(err.str().find("nothing is changed"), std::string::npos) << err.str();
}

TEST_F(CommandsTest, DnsSendersAreListed) {
    api_server.answer(
        "GET /v1/dns/senders",
        R"({"domains":[{"domain":"example.com","messages":12,"providers_known":2,"first":null,)"
        R"("last":null,"providers":[{"name":"google.com","messages":10,)"
        R"("seen_at_siding":"2026-11-21T13:59:00Z","seen_at_old":null}]}]})"
    );
    EXPECT_EQ(run({"dns", "senders"}), Exit::done);
    EXPECT_EQ(
        out.str(),
        "example.com  12 messages from 2 senders\n"
        "SENDER      MESSAGES   SHARE  AT SIDING  AT THE OLD SERVER\n"
        "google.com        10  83.3 %     1m ago                  -\n"
    );
}

TEST(DnsOptions, MistakesAreToldInOneLine) {
    const auto refused = [](std::vector<std::string> arguments) {
        const auto options = parse_options(std::move(arguments), {.socket = "", .now = WallTime{}});
        return options.has_error() ? options.error().context : std::string{"accepted"};
    };
    EXPECT_EQ(
        refused({"dns", "status", "example.com", "--is", "none"}),
        "--is takes published, converged, proven or quiet; see siding dns status --help"
    );
    EXPECT_EQ(
        refused({"dns", "status", "--is", "quiet"}),
        "--is needs a DOMAIN; see siding dns status --help"
    );
    EXPECT_NE(refused({"dns", "status", "example.com", "--wait"}), "accepted");
    EXPECT_NE(refused({"dns", "probe", "no such name"}), "accepted");
    EXPECT_NE(refused({"dns", "probe", "example.com", "--samples", "17"}), "accepted");
    EXPECT_NE(refused({"dns"}), "accepted");
    EXPECT_EQ(refused({"dns", "senders", "example.com"}), "accepted");
}

}  // namespace
}  // namespace siding::cli
