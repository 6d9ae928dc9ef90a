#include "backfill/email_claims.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <optional>

namespace siding::backfill {
namespace {

namespace asio = boost::asio;
using Ours = std::vector<bool>;
using Ids = std::vector<std::string>;

class EmailClaimsTest : public testing::Test {
protected:
    asio::io_context context_;
    EmailClaims claims_{context_.get_executor()};
};

TEST_F(EmailClaimsTest, WhoIsFirstHasIt) {
    EmailClaims::Claim inbox{claims_};
    EmailClaims::Claim label{claims_};
    EXPECT_EQ(inbox.take(Ids{"c", "a", "b"}), (Ours{true, true, true}));
    EXPECT_EQ(label.take(Ids{"b", "d"}), (Ours{false, true}));
    EXPECT_EQ(inbox.take(Ids{"d", "e", "a"}), (Ours{false, true, true}));  // its own again
    EXPECT_EQ(label.take(Ids{"e"}), (Ours{false}));
}

TEST_F(EmailClaimsTest, TheEndOfAClaimFrees) {
    EmailClaims::Claim label{claims_};
    {
        EmailClaims::Claim inbox{claims_};
        EXPECT_EQ(inbox.take(Ids{"a"}), (Ours{true}));
        EXPECT_EQ(label.take(Ids{"a"}), (Ours{false}));
    }
    EXPECT_EQ(label.take(Ids{"a"}), (Ours{true}));
}

TEST_F(EmailClaimsTest, WaitsForAnEndAndForNothingElse) {
    int waits = 0;
    const auto wait = [](EmailClaims& claims, int& ended) -> net::awaitable<void> {
        co_await claims.wait();
        ++ended;
    };
    asio::co_spawn(context_, wait(claims_, waits), [](const std::exception_ptr&) {});
    context_.run();
    EXPECT_EQ(waits, 1);  // there was none
    std::optional<EmailClaims::Claim> inbox;
    inbox.emplace(claims_);
    asio::co_spawn(context_, wait(claims_, waits), [](const std::exception_ptr&) {});
    context_.restart();
    context_.poll();
    EXPECT_EQ(waits, 1);
    inbox.reset();
    context_.restart();
    context_.run();
    EXPECT_EQ(waits, 2);
}

}  // namespace
}  // namespace siding::backfill
