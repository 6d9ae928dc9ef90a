#include "backfill/token_answer.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

using std::chrono::seconds;

TokenReply read_token(unsigned status, const std::string& body, const Secrets& sent = {}) {
    return read_token_reply({status, "application/json", body}, sent);
}

TEST(TokenAnswer, SaysWhatTheEndpointGave) {
    struct Row {
        const char* body;
        const char* access;
        const char* refresh;
        seconds lifetime;
    };
    const Row rows[] = {
        {R"({"access_token":"a","token_type":"Bearer","expires_in":3600})", "a", "", seconds{3600}},
        {R"({"access_token":"a","refresh_token":"r","expires_in":"60"})", "a", "r", seconds{60}},
        {R"({"access_token":"a.b~c","token_type":"bearer"})", "a.b~c", "", seconds{600}},
        {R"({"access_token":"a","expires_in":-5})", "a", "", seconds{0}},
        {R"({"access_token":"a","expires_in":"soon"})", "a", "", seconds{600}},
    };
    for (const Row& row : rows) {
        const TokenReply reply = read_token(200, row.body);
        const auto* answer = std::get_if<TokenAnswer>(&reply);
        ASSERT_NE(answer, nullptr) << row.body;
        EXPECT_EQ(answer->access_token, row.access);
        EXPECT_EQ(answer->refresh_token, row.refresh);
        EXPECT_EQ(answer->lifetime, row.lifetime) << row.body;
    }
}

TEST(TokenAnswer, RefusesInPlainWords) {
    struct Row {
        unsigned status;
        const char* body;
        const char* code;
        bool is_retryable;
        const char* words;
    };
    const Row rows[] = {
        {400,
         R"({"error":"invalid_grant","error_description":"gone.\r\nTrace: 7"})",
         "invalid_grant",
         false,
         "invalid_grant: gone"},
        {401, R"({"error":"invalid_client"})", "invalid_client", false, "invalid_client"},
        {400, R"({"error":"temporarily_unavailable"})", "temporarily_unavailable", true, nullptr},
        {503, "<html>", "", true, "the endpoint answers with HTTP status 503"},
        {429, "", "", true, nullptr},
        {404, "no", "", false, nullptr},
        {302, "", "", false, "the endpoint answers with HTTP status 302"},
        // Against RFC 6749 §5.2, and done.
        {200, R"({"error":"invalid_scope"})", "invalid_scope", false, "invalid_scope"},
        {200, "<html>", "", false, "the endpoint's answer is no JSON; is its URL right?"},
        {200, "[]", "", false, nullptr},
        {200, R"({"token_type":"Bearer"})", "", false, nullptr},
        {200, R"({"access_token":""})", "", false, nullptr},
        // It would end the SASL message.
        {200, "{\"access_token\":\"a\\u0001auth=b\"}", "", false, nullptr},
        {200, R"({"access_token":"a","token_type":"mac"})", "", false, nullptr},
        {200, R"({"access_token":"a","refresh_token":"r\n"})", "", false, nullptr},
    };
    for (const Row& row : rows) {
        const TokenReply reply = read_token(row.status, row.body);
        const auto* refusal = std::get_if<TokenRefusal>(&reply);
        ASSERT_NE(refusal, nullptr) << row.body;
        EXPECT_EQ(refusal->code, row.code) << row.body;
        EXPECT_EQ(refusal->is_retryable, row.is_retryable) << row.body;
        EXPECT_FALSE(refusal->words.empty());
        if (row.words != nullptr) {
            EXPECT_EQ(refusal->words, row.words);
        }
    }
}

TEST(TokenAnswer, SaysNoSecretBack) {
    const TokenReply reply = read_token(
        400,
        R"({"error":"invalid_grant","error_description":"hush and hush2 are not hu"})",
        {"hush2", "", "hush"}
    );
    EXPECT_EQ(std::get<TokenRefusal>(reply).words, "invalid_grant: *** and *** are not hu");
}

TEST(TokenAnswer, ReadsTheCodeOfADevice) {
    const DeviceReply reply = read_device_reply(
        {200,
         "application/json",
         R"({"device_code":"d","user_code":"WDJB-MJHT","verification_url":"https://a.example/d",
             "verification_uri_complete":"javascript:x","expires_in":1800})"},
        {}
    );
    const auto* code = std::get_if<DeviceCode>(&reply);
    ASSERT_NE(code, nullptr);
    EXPECT_EQ(code->user_code, "WDJB-MJHT");
    EXPECT_EQ(code->verification_uri, "https://a.example/d");
    EXPECT_EQ(code->verification_uri_complete, "");
    EXPECT_EQ(code->interval, seconds{5});
    EXPECT_EQ(code->lifetime, seconds{1800});
    const DeviceReply without =
        read_device_reply({200, "", R"({"device_code":"d","user_code":"u"})"}, {});
    EXPECT_NE(std::get_if<TokenRefusal>(&without), nullptr);
}

TEST(TokenAnswer, WritesForms) {
    EXPECT_EQ(
        format_form({{"a", "b c"}, {"none", ""}, {"d", "&=+ä/~"}}), "a=b+c&d=%26%3D%2B%C3%A4%2F%7E"
    );
}

}  // namespace
}  // namespace siding::backfill
