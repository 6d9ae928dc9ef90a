#include "control/filter_params.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace siding::control {
namespace {

const WallTime now = parse_time("2026-11-21T12:00:00Z").value();

struct Case {
    const char* given;  // JSON
    const char* means;  // as filter_json shows it
};

TEST(FilterParams, reads_every_key) {
    const Case cases[] = {
        {"{}", "{}"},
        {R"({"domain":"Example.COM."})", R"({"domain":"example.com"})"},
        {R"({"wave":"pilot"})", R"({"wave":"pilot"})"},
        {R"({"recipient":"Joe@Example.com"})",
         R"({"domain":"example.com","recipient":"joe@example.com"})"},
        {R"({"recipient":"@example.com"})", R"({"domain":"example.com"})"},
        {R"({"recipient":"joe@example.com","domain":"example.com"})",
         R"({"domain":"example.com","recipient":"joe@example.com"})"},
        {R"({"sender":"Ann@example.org"})", R"({"sender":"ann@example.org"})"},
        {R"({"sender":""})", R"({"sender":""})"},
        {R"({"sender":"<>"})", R"({"sender":""})"},
        {R"({"state":"in_flight"})", R"({"state":"in_flight"})"},
        {R"({"cause":"too_large"})", R"({"state":"parked","cause":"too_large"})"},
        {R"({"server":"new"})", R"({"server":"new"})"},
        {R"({"copy":true})", R"({"copy":true})"},
        {R"({"copy":"no"})", R"({"copy":false})"},
        {R"({"since":"2026-11-20T00:00:00Z"})", R"({"since":"2026-11-20T00:00:00.000Z"})"},
        {R"({"since":"2h"})", R"({"since":"2026-11-21T10:00:00.000Z"})"},
        {R"({"before":"30m"})", R"({"before":"2026-11-21T11:30:00.000Z"})"},
        {R"({"larger":1048576})", R"({"larger":1048576})"},
        {R"({"larger":"1048576"})", R"({"larger":1048576})"},
        {R"({"tag":"spam"})", R"({"tag":"spam"})"},
        {R"({"not_tag":"Phish"})", R"({"not_tag":"Phish"})"},
        {R"({"id":"0000000000001"})", R"({"id":"0000000000001"})"},
        {R"({"id":"0000000000001.0"})", R"({"id":"0000000000001.0"})"},
        {R"({"limit":10})", R"({"limit":10})"},
    };
    for (const Case& one : cases) {
        const auto fields = boost::json::parse(one.given).as_object();
        const auto filter = filter_from_json(fields, now);
        ASSERT_TRUE(filter.has_value()) << one.given << ": " << filter.error().message();
        EXPECT_EQ(boost::json::serialize(filter_json(*filter)), one.means);
    }
}

TEST(FilterParams, what_is_shown_is_read_back) {
    const std::string text = R"({"domain":"example.com","wave":"pilot",)"
                             R"("recipient":"joe@example.com","sender":"","state":"held",)"
                             R"("since":"2026-11-20T00:00:00.000Z",)"
                             R"("before":"2026-11-21T00:00:00.000Z","larger":1,)"
                             R"("tag":"spam","not_tag":"phish","id":"0000000000001.3","limit":7})";
    const auto filter = filter_from_json(boost::json::parse(text).as_object(), now);
    ASSERT_TRUE(filter.has_value()) << filter.error().message();
    EXPECT_EQ(boost::json::serialize(filter_json(*filter)), text);
}

struct BadCase {
    const char* given;  // JSON
    const char* says;   // a part of the message
};

TEST(FilterParams, names_what_is_wrong) {
    const BadCase cases[] = {
        {R"({"stat":"held"})", "'stat'"},
        {R"({"state":"hold"})", "'state': 'hold' is not a state"},
        {R"({"state":7})", "'state' of the filter must be text"},
        {R"({"domain":""})", "'domain'"},
        {R"({"wave":""})", "'wave'"},
        {R"({"tag":""})", "'tag': it is empty"},
        {R"({"cause":""})", "'cause': it is empty"},
        {R"({"server":""})", "'server': it is empty"},
        {R"({"copy":"perhaps"})", "'copy': 'perhaps' is neither yes nor no"},
        {R"({"copy":1})", "'copy' of the filter must be true or false"},
        {R"({"cause":"spam","state":"held"})", "only parked recipients have a cause"},
        {R"({"not_tag":7})", "'not_tag' of the filter must be text"},
        {R"({"recipient":"joe"})", "'recipient'"},
        {R"({"sender":"joe"})", "'sender': 'joe' is not an address"},
        {R"({"since":"yesterday"})", "'since': 'yesterday' is neither a time"},
        {R"({"larger":-1})", "'larger'"},
        {R"({"larger":1.5})", "'larger'"},
        {R"({"limit":true})", "'limit' of the filter must be a number"},
        {R"({"id":"x"})", "'id'"},
        {R"({"id":"0000000000001.x"})", "'id'"},
        {R"({"domain":"example.net","recipient":"joe@example.com"})",
         "'recipient': it is in example.com, the domain asked for is example.net"},
        {R"({"recipient":"joe@example.com","domain":"example.net"})",
         "'domain': it is in example.net, the domain asked for is example.com"},
        {R"({"since":"1h","before":"2h"})", "nothing can match"},
    };
    for (const BadCase& one : cases) {
        const auto filter = filter_from_json(boost::json::parse(one.given).as_object(), now);
        ASSERT_TRUE(filter.has_error()) << one.given;
        EXPECT_TRUE(filter.error().is(Errc::invalid_argument)) << one.given;
        EXPECT_NE(filter.error().message().find(one.says), std::string::npos)
            << filter.error().message();
    }
}

TEST(FilterParams, a_query_may_have_other_keys) {
    const net::HttpQuery query{{"state", "held"}, {"page", "10"}};
    const auto filter = filter_from_query(query, {"page"}, now);
    ASSERT_TRUE(filter.has_value());
    EXPECT_EQ(filter->state, queue::State::held);
    EXPECT_TRUE(filter_from_query(query, {}, now).has_error());
}

TEST(FilterParams, a_limit_narrows_nothing) {
    queue::Filter filter;
    EXPECT_TRUE(is_everything(filter));
    filter.limit = 5;
    EXPECT_TRUE(is_everything(filter));
    filter.sender = "";
    EXPECT_FALSE(is_everything(filter));
}

}  // namespace
}  // namespace siding::control
