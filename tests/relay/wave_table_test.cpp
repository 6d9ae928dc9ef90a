#include "relay/wave_table.hpp"

#include "relay/recipient_import.hpp"
#include "relay/wave_follow.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

const Domain example = Domain::parse("example.com").value();

std::shared_ptr<const RecipientSet> file(std::string_view text) {
    return std::make_shared<const RecipientSet>(std::move(parse_recipient_list(text)).value());
}

std::shared_ptr<const WaveMembers> members(
    std::set<std::string, std::less<>> addresses, std::set<std::string, std::less<>> patterns = {}
) {
    return std::make_shared<const WaveMembers>(WaveMembers{
        std::move(addresses), std::move(patterns)});
}

WaveTable table_of(WaveTable::Waves waves) {
    WaveTable::Domains domains;
    domains.emplace("example.com", std::move(waves));
    return WaveTable{std::move(domains)};
}

WaveTable usual() {
    WaveTable::Waves waves;
    waves["b-pilot"].files = {file("bob@example.com\neve@example.com\nann@other.example\n")};
    waves["b-pilot"].patterns = {"sales-*"};
    waves["c-rest"].files = {file("eve@example.com\nbob+news@example.com\n\"a b\"@example.com\n")};
    waves["c-rest"].patterns = {"sales-eu*", "z*"};
    waves["d-mine"].members = members({"sue@example.com"}, {"z?"});
    return table_of(std::move(waves));
}

struct Row {
    const char* address;
    const char* wave;
};

void expect_waves(const WaveTable& table, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        EXPECT_EQ(table.wave_of(example, row.address, "+"), row.wave) << row.address;
    }
}

TEST(WaveTable, AddressesBeatPatternsAndTheFirstNameWins) {
    expect_waves(
        usual(),
        {
            {"bob@example.com", "b-pilot"},
            {"BOB@Example.COM", "b-pilot"},
            {"eve@example.com", "b-pilot"},      // in two: the first by name
            {"bob+x@example.com", "b-pilot"},    // where bob is …
            {"bob+news@example.com", "c-rest"},  // … unless it is named itself
            {"\"a b\"@example.com", "c-rest"},
            {"sales-eu@example.com", "b-pilot"},  // two patterns: likewise
            {"sales-eu+x@example.com", "b-pilot"},
            {"za@example.com", "c-rest"},
            {"sue@example.com", "d-mine"},
            {"ann@example.com", "default"},
            {"ann@other.example", "default"},  // a file may name others; not here
            {"bob@sub.example.com", "default"},
            {"postmaster", "default"},
            {"", "default"},
        }
    );
    EXPECT_EQ(
        usual().wave_of(Domain::parse("none.example").value(), "a@none.example", "+"), "default"
    );
}

TEST(WaveTable, WithoutADelimiterATagIsPartOfTheName) {
    EXPECT_EQ(usual().wave_of(example, "bob+x@example.com", ""), "default");
}

TEST(WaveTable, NamesWithoutADomainAreOfEachAndAWholeDomainIsLast) {
    WaveTable::Waves waves;
    auto aliases = import_aliases("ann: x\n");
    ASSERT_TRUE(aliases);
    waves["a"].files = {file("@example.com\n")};
    waves["b"].files = {std::make_shared<const RecipientSet>(std::move(*aliases))};
    waves["c"].patterns = {"p*"};
    expect_waves(
        table_of(std::move(waves)),
        {{"ann@example.com", "b"}, {"paul@example.com", "c"}, {"joe@example.com", "a"}}
    );
}

TEST(WaveTable, OverlapsAreCountedWithAnExample) {
    const auto overlaps = usual().overlaps();
    ASSERT_EQ(overlaps.size(), 1U);
    EXPECT_EQ(overlaps[0].domain, "example.com");
    EXPECT_EQ(overlaps[0].first, "b-pilot");
    EXPECT_EQ(overlaps[0].second, "c-rest");
    EXPECT_EQ(overlaps[0].addresses, 1U);
    EXPECT_EQ(overlaps[0].example, "eve@example.com");
}

TEST(WaveTable, CountsWhoIsOfTheDomain) {
    const WaveTable table = usual();
    EXPECT_EQ(count_addresses(*table.find(example, "b-pilot"), "example.com"), 2U);
    EXPECT_EQ(count_addresses(*table.find(example, "d-mine"), "example.com"), 1U);
    EXPECT_EQ(table.find(example, "nobody"), nullptr);
}

TEST(WaveTable, WhatARewriteMapMadeCountsWhereTheNameSaidDoesNot) {
    const WaveTable table = usual();
    const auto wave = [&](std::string_view said, const std::vector<std::string>& names) {
        return wave_of_names(table, example, said, names, "+");
    };
    EXPECT_EQ(wave("info@example.com", {"bob@example.com"}), "b-pilot");
    EXPECT_EQ(wave("sue@example.com", {"bob@example.com"}), "d-mine");
    EXPECT_EQ(wave("info@example.com", {"x@example.com", "za@example.com"}), "c-rest");
    EXPECT_EQ(wave("info@example.com", {"bob@other.example"}), "default");
}

}  // namespace
}  // namespace siding::relay
