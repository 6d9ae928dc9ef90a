#include "base/digest.hpp"

#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

// FIPS 180-2 appendix B.1.
constexpr std::string_view abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, KnownAnswerWholeAndInPieces) {
    EXPECT_EQ(to_hex(sha256("abc")), abc);
    Sha256 hash;
    hash.update("a");
    hash.update("");
    hash.update("bc");
    EXPECT_EQ(to_hex(hash.finish()), abc);
}

}  // namespace
}  // namespace siding
