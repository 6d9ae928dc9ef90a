#include "base/signature.hpp"

#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

// RFC 8032 §7.1, TEST 2: one octet, 0x72.
constexpr std::string_view test_2_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
    "-----END PRIVATE KEY-----\n";

std::string from_hex(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
    }
    return out;
}

TEST(Signature, IsThatOfTheRfc) {
    const auto key = SigningKey::parse(test_2_key);
    ASSERT_TRUE(key) << key.error().message();
    const std::string expected = from_hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    );
    EXPECT_EQ(key->sign("\x72"), expected);
    EXPECT_TRUE(key->public_key().verifies("\x72", expected));
    EXPECT_FALSE(key->public_key().verifies("\x73", expected));
    EXPECT_FALSE(key->public_key().verifies("\x72", expected.substr(1)));
}

TEST(Signature, KeysAreTextAndBack) {
    const SigningKey key = SigningKey::make();
    const auto again = SigningKey::parse(key.pem());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->public_key(), key.public_key());
    const std::string text = key.public_key().text();
    EXPECT_TRUE(text.starts_with("MCowBQYDK2VwAyEA")) << text;
    const auto line = PublicKey::parse(text);
    ASSERT_TRUE(line);
    EXPECT_EQ(*line, key.public_key());
    const auto pem = PublicKey::parse(
        "-----BEGIN PUBLIC KEY-----\r\n" + text + "\r\n-----END PUBLIC KEY-----\r\n"
    );
    ASSERT_TRUE(pem);
    EXPECT_TRUE(pem->verifies("mail", key.sign("mail")));
    EXPECT_FALSE(SigningKey::make().public_key().verifies("mail", key.sign("mail")));
}

TEST(Signature, WhatIsNoKeyIsRefused) {
    for (const std::string_view text : {"", "MCowBQYDK2VwAyEA", "no key at all", "AAAA"}) {
        EXPECT_FALSE(PublicKey::parse(text)) << text;
        EXPECT_FALSE(SigningKey::parse(text)) << text;
    }
}

}  // namespace
}  // namespace siding
