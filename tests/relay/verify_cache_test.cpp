#include "relay/verify_cache.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using Kind = Knowledge::Kind;

const WallTime noon = parse_time("2026-11-21T12:00:00Z").value();

Knowledge make(Kind kind, WallTime checked_at = noon) {
    Knowledge out;
    out.kind = kind;
    out.checked_at = checked_at;
    out.reply = "550 5.1.1 no such user";
    return out;
}

Address address(std::string_view text) {
    return Address::parse(text).value();
}

TEST(VerifyKnowledge, FormatAndParseAreAPair) {
    for (const Kind kind :
         {Kind::exists, Kind::unknown, Kind::accepted, Kind::accepts_all, Kind::selective}) {
        Knowledge knowledge = make(kind);
        EXPECT_EQ(parse_knowledge(format_knowledge(knowledge)), knowledge);
        knowledge.reply.clear();
        EXPECT_EQ(parse_knowledge(format_knowledge(knowledge)), knowledge);
    }
    EXPECT_EQ(
        format_knowledge(make(Kind::unknown)), "1 unknown 1795262400000 550 5.1.1 no such user"
    );
}

TEST(VerifyKnowledge, WhatCannotBeReadIsNotKnown) {
    for (const char* text :
         {"",
          "1",
          "1 ",
          "1 unknown",
          "1 unknown ",
          "1 unknown 17x 550",
          "1 unknown 99999999999999999999 550",
          "1 nonsense 1763726400000 550",
          "2 unknown 1763726400000 550",
          "unknown"}) {
        EXPECT_EQ(parse_knowledge(text), std::nullopt) << text;
    }
}

TEST(VerifyKnowledge, Lifetimes) {
    struct Row {
        Kind kind;
        std::chrono::milliseconds lifetime;
    };
    config::Verify settings;
    settings.positive_ttl = 96h;
    settings.negative_ttl = 5min;
    for (const Row& row :
         {Row{Kind::exists, 96h},
          Row{Kind::unknown, 5min},
          Row{Kind::accepted, 5min},
          Row{Kind::accepts_all, 1h},
          Row{Kind::selective, 1h}}) {
        const Knowledge knowledge = make(row.kind);
        EXPECT_TRUE(is_fresh(knowledge, settings, noon + row.lifetime - 1ms));
        EXPECT_FALSE(is_fresh(knowledge, settings, noon + row.lifetime));
    }
    EXPECT_TRUE(is_last_known_good(make(Kind::exists)));
    EXPECT_TRUE(is_last_known_good(make(Kind::accepts_all)));
    EXPECT_FALSE(is_last_known_good(make(Kind::unknown)));
    EXPECT_FALSE(is_last_known_good(make(Kind::selective)));
}

TEST(VerifyKnowledge, AgeIsNeverNegative) {
    EXPECT_EQ(age_of(make(Kind::exists), noon + 3s), 3s);
    EXPECT_EQ(age_of(make(Kind::exists), noon - 3h), 0s);
}

TEST(VerifyKeys, NameServerAndSubject) {
    EXPECT_EQ(verify_key("old", address("Joe@Example.COM")), "verify/old/joe@example.com");
    EXPECT_EQ(verify_domain_key("old", address("x@e.example").domain()), "verify/old/@e.example");
}

TEST(VerifyKeys, WhatAFlushMeans) {
    const std::vector<std::string> keys{
        "verify/new/@example.com",
        "verify/new/a/joe@example.com",
        "verify/new/joe@example.com",
        "verify/old/joe@example.com",
        "verify/old/joe@sub.example.com",
        "verify/old/sue@example.com",
    };
    struct Row {
        const char* what;
        std::string expected;  // one digit per key
    };
    for (const Row& row :
         {Row{"", "111111"},
          Row{"example.com", "111101"},
          Row{"@Example.com", "111101"},
          Row{"sub.example.com", "000010"},
          Row{"Joe@example.com", "001100"},
          Row{"a/joe@example.com", "010000"},
          Row{"nobody@example.com", "000000"}}) {
        const auto filter = parse_flush(row.what);
        ASSERT_TRUE(filter) << row.what;
        std::string found;
        for (const std::string& key : keys) {
            found += (*filter)(key) ? '1' : '0';
        }
        EXPECT_EQ(found, row.expected) << row.what;
    }
    for (const char* what : {"@", "joe@", "no such thing", "joe@ex ample"}) {
        const auto filter = parse_flush(what);
        ASSERT_FALSE(filter) << what;
        EXPECT_TRUE(filter.error().is(Errc::invalid_argument));
    }
}

TEST(VerifyCache, KeepsWhatWasUsedLast) {
    VerifyCache cache{3};
    for (const char* key : {"a", "b", "c"}) {
        cache.put(key, make(Kind::exists));
    }
    EXPECT_TRUE(cache.find("a", noon));
    cache.put("d", make(Kind::exists));
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_TRUE(cache.find("a", noon));
    EXPECT_FALSE(cache.find("b", noon));
    cache.put("c", make(Kind::unknown));
    cache.put("e", make(Kind::exists));
    EXPECT_FALSE(cache.find("d", noon));
    EXPECT_EQ(cache.find("c", noon)->kind, Kind::unknown);
}

TEST(VerifyCache, ErasesWhatTheFilterNames) {
    VerifyCache cache{10};
    for (const char* key : {"verify/old/joe@a.example", "verify/old/joe@b.example"}) {
        cache.put(key, make(Kind::exists));
    }
    const auto filter = parse_flush("a.example").value();
    EXPECT_EQ(cache.erase_if(filter), 1U);
    EXPECT_FALSE(cache.find("verify/old/joe@a.example", noon));
    EXPECT_TRUE(cache.find("verify/old/joe@b.example", noon));
    cache.put("verify/old/joe@a.example", make(Kind::unknown));
    EXPECT_EQ(cache.find("verify/old/joe@a.example", noon)->kind, Kind::unknown);
}

TEST(VerifyCache, AnAnswerFromTheFutureAgesFromNowOn) {
    VerifyCache cache{10};
    cache.put("a", make(Kind::exists, noon + 1000h));
    EXPECT_EQ(cache.find("a", noon)->checked_at, noon);
    EXPECT_EQ(age_of(*cache.find("a", noon + 2h), noon + 2h), 2h);
}

}  // namespace
}  // namespace siding::relay
