#include "net/deflate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace siding::net {
namespace {

std::string inflate_all(Inflater& inflater, std::string_view octets, std::size_t room_octets) {
    std::string out;
    std::vector<char> room(room_octets);
    for (;;) {
        const auto count = inflater.take(octets, room);
        EXPECT_TRUE(count.has_value());
        if (!count || (*count == 0 && octets.empty())) {
            return out;
        }
        out.append(room.data(), *count);
    }
}

TEST(Deflate, EveryPieceCanBeReadAtOnce) {
    Deflater deflater;
    Inflater inflater;
    for (const std::string piece : {"a1 OK done\r\n", "", "* 1 FETCH (UID 1)\r\n"}) {
        std::string packed;
        deflater.add(piece, packed);
        EXPECT_EQ(inflate_all(inflater, packed, 4096), piece);
    }
}

TEST(Deflate, OctetsComeBackWhateverTheRoom) {
    std::mt19937 random{7};
    std::string octets(300'000, '\0');
    for (char& octet : octets) {
        octet = static_cast<char>(random() % 7 == 0 ? random() : 'x');
    }
    for (const std::size_t room : {1U, 100U, 65'536U, 1'000'000U}) {
        Deflater deflater;
        std::string packed;
        deflater.add(std::string_view{octets}.substr(0, 1000), packed);
        deflater.add(std::string_view{octets}.substr(1000), packed);
        EXPECT_LT(packed.size(), octets.size());
        Inflater inflater;
        EXPECT_EQ(inflate_all(inflater, packed, room), octets) << room;
    }
}

TEST(Deflate, MuchOfLittleComesInPiecesOfTheRoom) {
    Deflater deflater;
    std::string packed;
    deflater.add(std::string(50'000'000, 'x'), packed);
    EXPECT_LT(packed.size(), 100'000U);
    Inflater inflater;
    std::array<char, 4096> room{};
    std::string_view octets{packed};
    std::size_t pieces = 0;
    for (;;) {
        const auto count = inflater.take(octets, room);
        ASSERT_TRUE(count.has_value());
        ASSERT_LE(*count, room.size());
        if (*count == 0) {
            break;
        }
        ++pieces;
    }
    EXPECT_EQ(pieces, (50'000'000 + room.size() - 1) / room.size());
}

TEST(Deflate, WhatIsNoneIsSaid) {
    Inflater inflater;
    std::array<char, 64> room{};
    std::string_view octets{"* OK not compressed at all\r\n"};
    const auto count = inflater.take(octets, room);
    ASSERT_FALSE(count.has_value());
    EXPECT_TRUE(count.error().is(Errc::invalid_argument));
}

TEST(Deflate, TheEndIsSaid) {
    Inflater inflater;
    std::array<char, 64> room{};
    std::string_view octets{"\x03\x00", 2};  // a last block without octets
    const auto count = inflater.take(octets, room);
    ASSERT_FALSE(count.has_value());
    EXPECT_EQ(count.error().context, "the compressed octets end");
}

}  // namespace
}  // namespace siding::net
