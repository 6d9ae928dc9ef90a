#include "config/schema.hpp"

#include "config/load.hpp"
#include "config/reference.hpp"
#include "config/settings.hpp"
#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
    EXPECT_EQ(names("listeners[].xclient"), (std::set<std::string_view>{"networks", "required"}));
    EXPECT_EQ(
        names("domains.*"),
        (std::set<std::string_view>{
            "phase", "recipients", "rewrite", "copy", "waves", "mx", "stragglers"})
    );
    EXPECT_EQ(
        names("domains.*.recipients"), (std::set<std::string_view>{"file", "import", "verify"})
    );
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
    auto config = load_text(minimal_example(), "minimal");
    ASSERT_TRUE(config);
    config->tls.names["mx2.example.com"] = {"/c", "/k"};
    config->domains.begin()->second.waves["pilot"] = {};
    config->express.push_back({.name = "invoices"});
    std::set<std::string_view> set;
    for (const auto& [path, setting] : settings_of(*config)) {
        set.insert(setting.key->path);
    }
    for (const Key& key : keys()) {
        const bool part = key.path.starts_with("listeners[]") ||
                          key.path.starts_with("domains.*.recipients.") ||
                          key.path.starts_with("domains.*.waves.*.import") ||  // told with `file`
                          key.type == KeyType::credential;  // told as `secret_file`
        if (key.type != KeyType::group && !part) {
            EXPECT_TRUE(set.contains(key.path)) << key.path;
        }
    }
}

// The value is what the loader makes of each word.
TEST(Schema, ChoicesStandInTheOrderOfTheirEnums) {
    const auto index = [](std::string_view path, std::string_view word) {
        const auto words = split_choices(find_key(path)->choices);
        return std::ranges::find(words, word) - words.begin();
    };
    const auto number = [](auto value) { return static_cast<std::ptrdiff_t>(value); };
    EXPECT_EQ(index("listeners[].tls", "starttls"), number(ListenerTls::starttls));
    EXPECT_EQ(index("listeners[].tls", "implicit"), number(ListenerTls::implicit));
    EXPECT_EQ(index("tls.minimum", "1.3"), number(TlsVersion::v1_3));
    EXPECT_EQ(index("servers.*.tls", "opportunistic"), number(ServerTls::opportunistic));
    EXPECT_EQ(index("servers.*.tls", "required"), number(ServerTls::required));
    EXPECT_EQ(index("servers.*.tls", "verify"), number(ServerTls::verify));
    EXPECT_EQ(index("servers.*.tls", "fingerprint"), number(ServerTls::fingerprint));
    EXPECT_EQ(index("servers.*.tls", "dane"), number(ServerTls::dane));
    EXPECT_EQ(index("servers.*.auth.mechanism", "plain"), number(Auth::Mechanism::plain));
    EXPECT_EQ(index("servers.*.auth.mechanism", "xoauth2"), number(Auth::Mechanism::xoauth2));
    EXPECT_EQ(index("servers.*.profile", "postfix"), number(Profile::postfix));
    EXPECT_EQ(index("servers.*.profile", "exchange"), number(Profile::exchange));
    EXPECT_EQ(index("servers.*.profile", "m365"), number(Profile::m365));
    EXPECT_EQ(index("servers.*.profile", "google"), number(Profile::google));
    EXPECT_EQ(index("release.order", "small_first"), number(Release::Order::small_first));
    constexpr const char* format = "domains.*.recipients.import[].format";
    EXPECT_EQ(index(format, "virtual"), number(RecipientMapFormat::virtual_map));
    EXPECT_EQ(index(format, "aliases"), number(RecipientMapFormat::aliases));
    EXPECT_EQ(index(format, "relay_recipients"), number(RecipientMapFormat::relay_recipients));
    EXPECT_EQ(index(format, "csv"), number(RecipientMapFormat::csv));
    EXPECT_EQ(index("verify.when_unreachable", "defer"), number(Verify::Unreachable::defer));
    EXPECT_EQ(index("filter.on_failure", "defer"), number(Filter::OnFailure::defer));
    EXPECT_EQ(index("filter.on_reject", "tag"), number(Filter::OnReject::tag));
    EXPECT_EQ(index("backfill.source.tls", "starttls"), number(ImapTls::starttls));
    EXPECT_EQ(index("backfill.destination.tls", "off"), number(ImapTls::off));
    EXPECT_EQ(index("early_talkers", "log"), number(EarlyTalkers::log));
    EXPECT_EQ(index("early_talkers", "ignore"), number(EarlyTalkers::ignore));
    EXPECT_EQ(index("bare_newlines", "reject"), number(BareNewlines::reject));
    EXPECT_EQ(index("log.level", "error"), number(LogLevel::error));
}

TEST(Schema, EveryExtensionIsOfferedByDefault) {
    EXPECT_EQ(Config{}.extensions, all_extensions());
    EXPECT_EQ(all_extensions().size(), 11U);
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
