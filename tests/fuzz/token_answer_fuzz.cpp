// Whatever a token endpoint answers, a token of it fits into a SASL message as one piece, words
// break no line of the log, and no secret comes back in them.
#include "backfill/token_answer.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace {

using namespace siding;

const backfill::Secrets sent{"hush-hush", "client-secret"};

bool is_visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

void check_refusal(const backfill::TokenRefusal& refusal) {
    SIDING_CHECK(!refusal.words.empty(), "a refusal without a word");
    for (const char c : refusal.words) {
        SIDING_CHECK(c != '\n' && c != '\r' && c != '\0', "words of several lines");
    }
    for (const std::string& secret : sent) {
        SIDING_CHECK(refusal.words.find(secret) == std::string::npos, "a secret");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string body{reinterpret_cast<const char*>(data), size};
    for (const unsigned status : {200U, 400U, 503U}) {
        const net::HttpReply reply{status, "application/json", body};
        const auto token = backfill::read_token_reply(reply, sent);
        if (const auto* answer = std::get_if<backfill::TokenAnswer>(&token)) {
            SIDING_CHECK(status == 200, "a token in a refusal");
            SIDING_CHECK(!answer->access_token.empty(), "no token");
            SIDING_CHECK(is_visible(answer->access_token), "a token that ends the message");
            SIDING_CHECK(is_visible(answer->refresh_token), "a refresh token of several lines");
            SIDING_CHECK(answer->lifetime.count() >= 0, "a token from before");
        } else {
            check_refusal(std::get<backfill::TokenRefusal>(token));
        }
        const auto device = backfill::read_device_reply(reply, sent);
        if (const auto* code = std::get_if<backfill::DeviceCode>(&device)) {
            SIDING_CHECK(code->interval.count() > 0, "a loop without a pause");
            SIDING_CHECK(code->verification_uri.starts_with("http"), "no address");
        } else {
            check_refusal(std::get<backfill::TokenRefusal>(device));
        }
    }
    return 0;
}
