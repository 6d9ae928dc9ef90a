#include "net/http_message.hpp"

#include <gtest/gtest.h>

namespace siding::net {
namespace {

TEST(HttpTarget, decodes) {
    const auto target = parse_target("/v1/queue/a%20b?sender=joe%2Btag%40x.example&note=a+b&all");
    ASSERT_TRUE(target.has_value());
    EXPECT_EQ(target->path, "/v1/queue/a b");
    EXPECT_EQ(target->query.at("sender"), "joe+tag@x.example");
    EXPECT_EQ(target->query.at("note"), "a b");
    EXPECT_EQ(target->query.at("all"), "");
}

TEST(HttpTarget, reads_what_it_writes) {
    std::string all;
    for (int octet = 1; octet < 256; ++octet) {
        all += static_cast<char>(octet);
    }
    const HttpTarget target{"/p/" + all, {{"k" + all, all}, {"empty", ""}}};
    const auto again = parse_target(format_target(target));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->path, target.path);
    EXPECT_EQ(again->query, target.query);
}

TEST(HttpTarget, refuses) {
    for (const std::string_view text :
         {"", "*", "v1", "http://x/", "/%", "/%4", "/%zz", "/a?b=%", "/a?b=1&b=2"}) {
        EXPECT_TRUE(parse_target(text).has_error()) << text;
    }
}

TEST(HttpRequest, finds_the_bearer_token) {
    HttpRequest request;
    EXPECT_EQ(request.bearer_token(), "");
    request.headers["authorization"] = "bearer s3cret";
    EXPECT_EQ(request.bearer_token(), "s3cret");
    request.headers["authorization"] = "Basic abc";
    EXPECT_EQ(request.bearer_token(), "");
}

}  // namespace
}  // namespace siding::net
