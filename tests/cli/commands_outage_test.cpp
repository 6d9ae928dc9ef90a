// `siding outage-cost`: of senders at large, or of the operator's own mail.
#include "tests/cli/commands_fixture.hpp"

#include <boost/json/parse.hpp>

namespace siding::cli {
namespace {

constexpr const char* senders =
    R"({"domains":[{"domain":"example.com","messages":800,"providers":[)"
    R"({"name":"google.com","messages":400},{"name":"bank.example","messages":200},)"
    R"({"name":"mailgun.net","messages":200}]},)"
    R"({"domain":"example.org","messages":200,"providers":[{"name":"google.com","messages":100}]}]})";

TEST_F(CommandsTest, OutageCostIsOfTheOwnMailWhereTheDaemonKnowsIt) {
    api_server.answer("GET /v1/dns/senders", senders);
    EXPECT_EQ(run({"outage-cost", "--hours", "10"}), Exit::done);
    const std::string text = out.str();
    for (const char* const words :
         {"When nobody answers for 10 h:",
          "OF YOUR MAIL",
          "50.0 %",
          "(1000 messages are known) 20.0 % comes from senders above that give up by then, and "
          "30.0 "
          "% from others"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
    EXPECT_EQ(text.find("at large"), std::string::npos) << text;
}

TEST_F(CommandsTest, OutageCostSaysWhatItAssumes) {
    api_server.answer("GET /v1/dns/senders", R"({"domains":[]})");
    for (const std::string& socket : {api_server.socket(), std::string{"/nonexistent/socket"}}) {
        EXPECT_EQ(run_on(socket, {"outage-cost", "--hours", "10"}), Exit::done);
        EXPECT_NE(out.str().find("senders at large"), std::string::npos) << out.str();
        EXPECT_EQ(out.str().find("OF YOUR MAIL"), std::string::npos) << out.str();
        EXPECT_EQ(err.str(), "");
    }
}

TEST_F(CommandsTest, OutageCostForScripts) {
    api_server.answer("GET /v1/dns/senders", senders);
    EXPECT_EQ(run({"--json", "outage-cost", "--hours", "10"}), Exit::done);
    const auto document = boost::json::parse(out.str());
    EXPECT_EQ(document.at("own_messages"), 1000);
    EXPECT_DOUBLE_EQ(document.at("share_lost").as_double(), 0.2);
    EXPECT_EQ(document.at("assumed"), "");
    EXPECT_EQ(
        run_on("/nonexistent/socket", {"--json", "outage-cost", "--hours", "10"}), Exit::done
    );
    EXPECT_TRUE(boost::json::parse(out.str()).at("own_messages").is_null());
    EXPECT_NE(boost::json::parse(out.str()).at("assumed"), "");
}

}  // namespace
}  // namespace siding::cli
