#include "smtp/chunk_codec.hpp"

#include "tests/smtp/reference_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace siding::smtp {
namespace {

using test::reference_chunks;

std::string decode(ChunkDecoder& decoder, std::string_view wire, std::size_t cut) {
    std::string out;
    decoder.feed(wire.substr(0, cut), out);
    decoder.feed(wire.substr(cut), out);
    decoder.finish(out);
    return out;
}

// Every text of up to eight octets over the three that matter, cut at every octet.
TEST(ChunkDecoder, agrees_with_the_reference_exhaustively) {
    constexpr std::string_view alphabet = "\r\na.";
    for (std::size_t length = 0; length <= 7; ++length) {
        for (std::size_t n = 0; n < (std::size_t{1} << (2 * length)); ++n) {
            std::string wire;
            for (std::size_t i = 0; i < length; ++i) {
                wire += alphabet[(n >> (2 * i)) & 3];
            }
            const auto expected = reference_chunks(wire);
            for (std::size_t cut = 0; cut <= length; ++cut) {
                ChunkDecoder decoder;
                ASSERT_EQ(decode(decoder, wire, cut), expected.body)
                    << testing::PrintToString(wire);
                ASSERT_EQ(decoder.bare_newlines(), expected.bare_newlines);
                ASSERT_EQ(decoder.octets(), expected.body.size());
            }
        }
    }
}

TEST(ChunkDecoder, agrees_with_the_reference_on_random_text_in_random_pieces) {
    std::mt19937 random{20261122};
    constexpr std::string_view alphabet = "\r\nab";
    for (int round = 0; round < 500; ++round) {
        std::string wire;
        for (std::size_t part = random() % 20; part > 0; --part) {
            for (std::size_t i = random() % 50; i > 0; --i) {
                wire += alphabet[random() % alphabet.size()];
            }
            wire += std::string(random() % 3000, 'x') + (random() % 2 == 0 ? "\r\n" : "");
        }
        ChunkDecoder decoder;
        std::string out;
        for (std::size_t at = 0; at < wire.size();) {
            const std::size_t piece = random() % 2000;
            decoder.feed(std::string_view{wire}.substr(at, piece), out);
            at += piece;
        }
        decoder.finish(out);
        const auto expected = reference_chunks(wire);
        ASSERT_EQ(out, expected.body);
        ASSERT_EQ(decoder.bare_newlines(), expected.bare_newlines);
    }
}

// RFC 3030 §3
TEST(ChunkDecoder, changes_nothing_in_binary_content) {
    const std::string wire{"\r\n.\r\n\n\r\0\r", 9};
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        ChunkDecoder decoder{{BareNewline::reject}, ChunkDecoder::Content::binary};
        EXPECT_EQ(decode(decoder, wire, cut), wire);
        EXPECT_FALSE(decoder.is_refused_for_bare_newline());
        EXPECT_EQ(decoder.octets(), wire.size());
    }
}

TEST(ChunkDecoder, puts_out_no_more_once_it_has_lost) {
    ChunkDecoder strict{{BareNewline::reject}};
    EXPECT_EQ(decode(strict, "ab\r\nc\nd\r\n", 3), "ab\r\nc");
    EXPECT_TRUE(strict.is_refused_for_bare_newline());
    EXPECT_EQ(strict.octets(), 10U);

    ChunkDecoder trailing{{BareNewline::reject}};
    EXPECT_EQ(decode(trailing, "ab\r", 3), "ab");
    EXPECT_TRUE(trailing.is_refused_for_bare_newline());

    ChunkDecoder small{{BareNewline::normalize, 4}};
    EXPECT_EQ(decode(small, "abcdef", 4), "abcd");
    EXPECT_TRUE(small.is_too_large());
}

}  // namespace
}  // namespace siding::smtp
