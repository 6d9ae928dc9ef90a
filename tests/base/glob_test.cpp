#include "base/glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace siding {
namespace {

TEST(Glob, StarsAndQuestionMarks) {
    struct Row {
        const char* pattern;
        const char* text;
        bool matches;
    };
    constexpr Row rows[] = {
        {"", "", true},
        {"", "a", false},
        {"joe", "joe", true},
        {"joe", "joey", false},
        {"joey", "joe", false},
        {"*", "", true},
        {"*", "anything", true},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"a*", "ba", false},
        {"*a", "bba", true},
        {"*a", "bab", false},
        {"a*c*e", "abcde", true},
        {"a*c*e", "abde", false},
        {"a*b", "ab*b", true},
        {"**a**", "bab", true},
        {"?", "a", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"*?", "", false},
        {"*@example.com", "joe@example.com", true},
        {"*@example.com", "joe@example.com.org", false},
        {"a*", "A", false},  // whoever compares makes both lower case
        {"*", "a*b", true},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(matches_glob(row.pattern, row.text), row.matches)
            << row.pattern << " on " << row.text;
    }
}

TEST(Glob, ManyStarsTakeNoTime) {
    std::string pattern;
    for (int i = 0; i < 1000; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches_glob(pattern + "b", std::string(100'000, 'a')));
}

}  // namespace
}  // namespace siding
