#include "base/keyed_digest.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

std::string hex(std::string_view octets) {
    std::string text;
    for (const char c : octets) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[static_cast<unsigned char>(c) >> 4];
        text += digits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

TEST(KeyedDigestTest, hmac) {  // RFC 4231 §4.3
    EXPECT_EQ(
        hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

TEST(KeyedDigestTest, pbkdf2) {  // RFC 7914 §11, its first 32 octets
    EXPECT_EQ(
        hex(pbkdf2_sha256("passwd", "salt", 1)),
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    );
}

TEST(KeyedDigestTest, secrets_are_compared_whole) {
    EXPECT_TRUE(is_same_secret("abc", "abc"));
    EXPECT_FALSE(is_same_secret("abc", "abd"));
    EXPECT_FALSE(is_same_secret("abc", "ab"));
}

}  // namespace
}  // namespace siding
