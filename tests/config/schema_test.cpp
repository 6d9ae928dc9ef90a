#include "config/schema.hpp"

#include "config/load.hpp"
#include "config/reference.hpp"
#include "config/settings.hpp"
#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace siding::config {
namespace {

TEST(Schema, PathsAreUniqueAndHaveTheirParents) {
    std::set<std::string_view> seen;
    for (const Key& key : keys()) {
        EXPECT_TRUE(seen.insert(key.path).second) << key.path;
        EXPECT_FALSE(key.doc.empty()) << key.path;
        auto parent = key.path.substr(0, key.path.size() - leaf_of(key).size());
        for (const std::string_view tail : {".", ".*", "[]"}) {
            if (parent.ends_with(tail)) {
                parent.remove_suffix(tail.size());
            }
        }
        EXPECT_TRUE(parent.empty() || seen.contains(parent)) << key.path << " before its parent";
    }
}

TEST(Schema, ChildrenAreTheNextLevelOnly) {
    const auto names = [](std::string_view path) {
        std::set<std::string_view> found;
        for (const Key* key : children_of(path)) {
            found.insert(leaf_of(*key));
        }
        return found;
    };
    EXPECT_TRUE(names("").contains("limits"));
    EXPECT_FALSE(names("").contains("message_size"));
    EXPECT_EQ(names("listeners[]"), (std::set<std::string_view>{"address", "tls"}));
    EXPECT_EQ(names("domains.*"), (std::set<std::string_view>{"phase", "recipients"}));
    EXPECT_TRUE(names("log").contains("level"));
    EXPECT_TRUE(names("nothing").empty());
}

// The defaults stand in config.hpp for the program and in the schema for people.
TEST(Schema, DefaultsAreThoseOfTheStructs) {
    const auto config = load_text(minimal_example(), "minimal");
    ASSERT_TRUE(config) << config.error().text();
    for (const auto& [path, setting] : settings_of(*config)) {
        const Key& key = *setting.key;
        if (!key.required && path != "domains.example.com.phase") {
            EXPECT_EQ(setting.value, key.fallback) << path;
        }
    }
}

TEST(Schema, EveryLeafIsASetting) {
    const auto config = load_text(minimal_example(), "minimal");
    ASSERT_TRUE(config);
    std::set<std::string_view> set;
    for (const auto& [path, setting] : settings_of(*config)) {
        set.insert(setting.key->path);
    }
    for (const Key& key : keys()) {
        if (key.type != KeyType::group && !key.path.starts_with("listeners[]")) {
            EXPECT_TRUE(set.contains(key.path)) << key.path;
        }
    }
}

TEST(Suggest, NamesTheNearestWord) {
    constexpr std::array<std::string_view, 3> words{"hostname", "data_dir", "listeners"};
    EXPECT_EQ(suggest("hostnam", words), "hostname");
    EXPECT_EQ(suggest("listener", words), "listeners");
    EXPECT_EQ(suggest("data-dir", words), "data_dir");
    EXPECT_EQ(suggest("tls", words), std::nullopt);
    EXPECT_EQ(suggest("", words), std::nullopt);
    EXPECT_EQ(suggest(std::string(100000, 'x'), words), std::nullopt);
}

}  // namespace
}  // namespace siding::config
