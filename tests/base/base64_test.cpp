#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

// RFC 4648 §10.
TEST(Base64, IsPadded) {
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foo"), "Zm9v");
    EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
    EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(to_base64("\xFF\xFE\xFD"), "//79");
}

TEST(Base64, ComesBack) {
    for (const std::string text : {"", "f", "fo", "foo", "foob", "\xff\x01"}) {
        EXPECT_EQ(from_base64(to_base64(text)).value(), text);
    }
    for (const char* wrong : {"Zg", "Zg=", "Z===", "Zm9v!", "Zg==Zg==", "Z g=", "===="}) {
        EXPECT_FALSE(from_base64(wrong).has_value()) << wrong;
    }
}

}  // namespace
}  // namespace siding
