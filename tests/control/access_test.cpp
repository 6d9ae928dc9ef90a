#include "control/access.hpp"

#include <gtest/gtest.h>

namespace siding::control {
namespace {

net::HttpRequest request(bool over_unix_socket, const std::string& authorization) {
    net::HttpRequest out;
    out.over_unix_socket = over_unix_socket;
    out.peer = over_unix_socket ? "ann" : "127.0.0.1:4000";
    if (!authorization.empty()) {
        out.headers["authorization"] = authorization;
    }
    return out;
}

struct Case {
    const char* name;
    const char* token;  // what the daemon has
    bool over_unix_socket;
    const char* authorization;
    bool allowed;
};

TEST(Access, asks_tcp_for_the_token) {
    const Case cases[] = {
        {"the socket's mode has decided", "s3cret", true, "", true},
        {"also without a token", "", true, "", true},
        {"right", "s3cret", false, "Bearer s3cret", true},
        {"wrong", "s3cret", false, "Bearer s3creT", false},
        {"a part of it", "s3cret", false, "Bearer s3cre", false},
        {"more than it", "s3cret", false, "Bearer s3crets", false},
        {"none", "s3cret", false, "", false},
        {"another scheme", "s3cret", false, "Basic s3cret", false},
        {"an empty token opens nothing", "", false, "Bearer ", false},
        {"nor does its absence", "", false, "", false},
    };
    for (const Case& one : cases) {
        const Access access{one.token};
        EXPECT_EQ(access.allows(request(one.over_unix_socket, one.authorization)), one.allowed)
            << one.name;
    }
}

TEST(Access, names_who_asks) {
    EXPECT_EQ(Access::who(request(true, "")), "ann");
    EXPECT_EQ(Access::who(request(false, "")), "token 127.0.0.1:4000");
}

}  // namespace
}  // namespace siding::control
