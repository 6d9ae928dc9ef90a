#include "smtp/data_codec.hpp"

#include "tests/smtp/reference_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace siding::smtp {
namespace {

using test::reference_decode;
using test::reference_encode;

struct Decoded {
    std::string body;
    std::size_t consumed = 0;
    bool done = false;
    std::uint64_t octets = 0;
    std::uint64_t bare_newlines = 0;
};

// `next_cut` gives the length of each piece.
template <typename NextCut>
Decoded decode(std::string_view wire, NextCut next_cut, DataLimits limits = {}) {
    DataDecoder decoder{limits};
    Decoded result;
    while (result.consumed < wire.size() && !result.done) {
        const auto fed = decoder.feed(wire.substr(result.consumed, next_cut()), result.body);
        result.consumed += fed.consumed;
        result.done = fed.done;
    }
    result.octets = decoder.octets();
    result.bare_newlines = decoder.bare_newlines();
    return result;
}

Decoded decode_whole(std::string_view wire, DataLimits limits = {}) {
    return decode(
        wire, [&] { return wire.size(); }, limits
    );
}

// First `cut` octets, then the rest.
Decoded decode_split(std::string_view wire, std::size_t cut) {
    bool first = true;
    return decode(wire, [&] { return std::exchange(first, false) ? cut : wire.size(); });
}

void expect_as_reference(std::string_view wire, const Decoded& decoded) {
    const auto expected = reference_decode(wire);
    ASSERT_EQ(decoded.done, expected.has_value()) << testing::PrintToString(wire);
    if (expected) {
        ASSERT_EQ(decoded.body, expected->body) << testing::PrintToString(wire);
        ASSERT_EQ(decoded.consumed, expected->consumed) << testing::PrintToString(wire);
        ASSERT_EQ(decoded.bare_newlines, expected->bare_newlines) << testing::PrintToString(wire);
        ASSERT_EQ(decoded.octets, expected->body.size());
    }
}

TEST(DataDecoder, never_ends_early) {
    struct Case {
        std::string_view wire;
        std::string_view body;
        std::uint64_t bare_newlines;
    };
    using namespace std::string_view_literals;
    const Case cases[] = {
        {"a\n.\nb"sv, "a\r\n.\r\nb"sv, 2},
        {"a\n.\r\nb"sv, "a\r\n.\r\nb"sv, 1},
        {"a\r\n.\nb"sv, "a\r\n\r\nb"sv, 1},
        {"a\r.\rb"sv, "a\r\n.\r\nb"sv, 2},
        {"a\r.\nb"sv, "a\r\n.\r\nb"sv, 2},
        {"a\n.\rb"sv, "a\r\n.\r\nb"sv, 2},
        {"a\r.\r\nb"sv, "a\r\n.\r\nb"sv, 1},
        {"a\r\n.\rb"sv, "a\r\n\r\nb"sv, 1},
        {"a\r\n\0.\r\nb"sv, "a\r\n\0.\r\nb"sv, 0},
        {"a\r\n.\0\r\nb"sv, "a\r\n\0\r\nb"sv, 0},
        {"a\r\r\n.\r\r\nb"sv, "a\r\n\r\n\r\n\r\nb"sv, 2},
        {"a\r\n..\r\nb"sv, "a\r\n.\r\nb"sv, 0},
    };
    for (const Case& c : cases) {
        const std::string wire = std::string{c.wire} + "\r\n.\r\nNOOP\r\n";
        for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
            const Decoded decoded = decode_split(wire, cut);
            EXPECT_TRUE(decoded.done);
            EXPECT_EQ(decoded.body, std::string{c.body} + "\r\n");
            EXPECT_EQ(decoded.bare_newlines, c.bare_newlines);
            EXPECT_EQ(wire.substr(decoded.consumed), "NOOP\r\n");
        }
    }
}

// Every text of up to seven octets over the four that matter, cut at every octet.
TEST(DataDecoder, agrees_with_the_reference_exhaustively) {
    constexpr std::string_view alphabet = "\r\n.a";
    for (std::size_t length = 0; length <= 7; ++length) {
        for (std::size_t n = 0; n < (std::size_t{1} << (2 * length)); ++n) {
            std::string wire;
            for (std::size_t i = 0; i < length; ++i) {
                wire += alphabet[(n >> (2 * i)) & 3];
            }
            for (const char* const end : {"", "\r\n.\r\nX"}) {
                const std::string whole = wire + end;
                for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
                    expect_as_reference(whole, decode_split(whole, cut));
                }
                ASSERT_FALSE(HasFatalFailure());
            }
        }
    }
}

std::string random_text(std::mt19937& random, std::string_view alphabet, std::size_t length_max) {
    std::string text(random() % length_max, ' ');
    for (char& c : text) {
        c = alphabet[random() % alphabet.size()];
    }
    return text;
}

TEST(DataDecoder, agrees_with_the_reference_on_random_text_in_random_pieces) {
    std::mt19937 random{20261122};
    for (int round = 0; round < 2000; ++round) {
        // Long runs too, so that searches end inside and outside of their window.
        const std::string_view alphabet =
            round % 2 == 0
                ? std::string_view{"\r\n.ab"}
                : std::string_view{"abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvw\r\n"};
        std::string wire;
        for (std::size_t part = random() % 20; part > 0; --part) {
            wire += random_text(random, alphabet, 300);
            wire += random() % 4 == 0 ? std::string(random() % 3000, 'x') : "";
            wire += random() % 2 == 0 ? "\r\n" : "";
        }
        wire += random() % 4 == 0 ? "" : "\r\n.\r\nQUIT\r\n";
        const std::size_t piece_max = 1 + random() % 5000;
        expect_as_reference(wire, decode(wire, [&] { return 1 + random() % piece_max; }));
        ASSERT_FALSE(HasFatalFailure());
    }
}

TEST(DataDecoder, refuses_bare_newlines_at_the_true_end) {
    DataDecoder decoder{{BareNewline::reject}};
    std::string out;
    const auto fed = decoder.feed("ok\r\nbad\nmore\r\n.\r\nNOOP", out);
    EXPECT_TRUE(fed.done);
    EXPECT_EQ(fed.consumed, 17U);
    EXPECT_TRUE(decoder.is_refused_for_bare_newline());
    EXPECT_EQ(decoder.octets(), 15U);
    EXPECT_LE(out.size(), 7U);  // nothing is put out once it is lost
}

TEST(DataDecoder, counts_on_but_puts_out_no_more_over_the_limit) {
    DataDecoder decoder{{BareNewline::normalize, 10}};
    std::string out;
    EXPECT_FALSE(decoder.feed("12345678\r\n", out).done);
    EXPECT_FALSE(decoder.is_too_large());
    decoder.feed(std::string(100000, 'x'), out);
    EXPECT_TRUE(decoder.is_too_large());
    EXPECT_TRUE(decoder.feed("\r\n.\r\n", out).done);
    EXPECT_EQ(out, "12345678\r\n");
    EXPECT_EQ(decoder.octets(), 100012U);
}

TEST(DataDecoder, ends_at_once_for_an_empty_message) {
    const Decoded decoded = decode_whole(".\r\nQUIT");
    EXPECT_TRUE(decoded.done);
    EXPECT_EQ(decoded.body, "");
    EXPECT_EQ(decoded.consumed, 3U);
}

std::string encode_split(std::string_view body, std::size_t cut) {
    DataEncoder encoder;
    std::string wire;
    encoder.encode(body.substr(0, cut), wire);
    encoder.encode(body.substr(cut), wire);
    encoder.finish(wire);
    return wire;
}

TEST(DataEncoder, stuffs_and_terminates) {
    EXPECT_EQ(encode_split("", 0), ".\r\n");
    EXPECT_EQ(encode_split("a\r\n", 0), "a\r\n.\r\n");
    EXPECT_EQ(encode_split("a", 0), "a\r\n.\r\n");
    EXPECT_EQ(encode_split(".\r\n..\r\n", 0), "..\r\n...\r\n.\r\n");
}

// Any octets, so also such as the decoder never lets through.
TEST(DataEncoder, agrees_with_the_reference_exhaustively_and_decodes_back) {
    constexpr std::string_view alphabet = "\r\n.a";
    for (std::size_t length = 0; length <= 7; ++length) {
        for (std::size_t n = 0; n < (std::size_t{1} << (2 * length)); ++n) {
            std::string body;
            for (std::size_t i = 0; i < length; ++i) {
                body += alphabet[(n >> (2 * i)) & 3];
            }
            const std::string expected = reference_encode(body);
            for (std::size_t cut = 0; cut <= body.size(); ++cut) {
                ASSERT_EQ(encode_split(body, cut), expected) << testing::PrintToString(body);
            }
            const Decoded canonical = decode_whole(body + "\r\n.\r\n");
            const Decoded back = decode_whole(encode_split(canonical.body, 0));
            ASSERT_EQ(back.body, canonical.body);
            ASSERT_EQ(back.bare_newlines, 0U);
        }
    }
}

}  // namespace
}  // namespace siding::smtp
