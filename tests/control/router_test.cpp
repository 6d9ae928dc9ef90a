#include "control/router.hpp"

#include <gtest/gtest.h>

namespace siding::control {
namespace {

struct Case {
    const char* method;
    const char* path;
    Handler handler;  // nothing: no such route
    std::vector<std::string> captures;
    const char* allow;
};

TEST(Router, finds_the_handler) {
    const Case cases[] = {
        {"GET", "/v1/status", get_status, {}, "GET"},
        {"GET", "/v1/phases", get_phases, {}, "GET"},
        {"PUT", "/v1/phases/example.com", put_phase, {"example.com"}, "PUT"},
        {"PUT", "/v1/phases/example.com/pilot", put_phase, {"example.com", "pilot"}, "PUT"},
        {"GET", "/v1/queue/count", get_queue_count, {}, "GET"},
        {"GET", "/v1/messages/abc/octets", get_message_octets, {"abc"}, "GET"},
        {"GET", "/v1/releases", get_releases, {}, "GET, POST"},
        {"POST", "/v1/releases", post_release, {}, "GET, POST"},
        {"GET", "/v1/releases/7", get_release, {"7"}, "GET"},
        {"GET", "/v1/sessions", get_sessions, {}, "GET"},
        {"GET", "/v1/recipients/check", get_recipient_check, {}, "GET"},
        {"POST", "/v1/recipients/flush", post_recipient_flush, {}, "POST"},
        {"GET", "/healthz", get_health, {}, "GET"},
        {"DELETE", "/v1/releases", nullptr, {}, "GET, POST"},
        {"GET", "/", nullptr, {}, ""},
        {"GET", "", nullptr, {}, ""},
        {"GET", "/v1", nullptr, {}, ""},
        {"GET", "/v1/status/", nullptr, {}, ""},
        {"GET", "/v1/statusx", nullptr, {}, ""},
        {"GET", "//v1/status", nullptr, {}, ""},
        {"GET", "/v1/releases/", nullptr, {}, ""},  // an empty part captures nothing
        {"PUT", "/v1/phases/a/b/c", nullptr, {}, ""},
    };
    for (const Case& one : cases) {
        const Match match = find_route(one.method, one.path);
        EXPECT_EQ(match.route == nullptr ? nullptr : match.route->handler, one.handler)
            << one.method << " " << one.path;
        EXPECT_EQ(match.captures, one.captures) << one.path;
        EXPECT_EQ(match.allow, one.allow) << one.path;
    }
}

TEST(Router, only_health_and_metrics_are_open) {
    EXPECT_TRUE(find_route("GET", "/healthz").route->open);
    EXPECT_TRUE(find_route("GET", "/metrics").route->open);
    EXPECT_FALSE(find_route("GET", "/v1/status").route->open);
    EXPECT_FALSE(find_route("POST", "/v1/queue/discard").route->open);
    EXPECT_FALSE(find_route("GET", "/v1/sessions").route->open);
}

}  // namespace
}  // namespace siding::control
