// Set SIDING_WRITE_GENERATED=1 to write the generated files instead of comparing them.
#include "config/reference.hpp"

#include "config/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace siding::config {
namespace {

void expect_file(const std::string& path, const std::string& text) {
    if (std::getenv("SIDING_WRITE_GENERATED") != nullptr) {
        std::ofstream{path} << text;
        return;
    }
    std::ostringstream file;
    file << std::ifstream{path}.rdbuf();
    EXPECT_EQ(file.str(), text) << path
                                << ": run with SIDING_WRITE_GENERATED=1 to bring it up to date";
}

TEST(Reference, FilesAreUpToDate) {
    expect_file("docs/configuration.md", format_reference());
    expect_file("config/siding.example.yaml", format_example());
}

TEST(Reference, TheExampleLoadsAndSaysOnlyDefaults) {
    auto example = load_text(format_example(), "example");
    ASSERT_TRUE(example) << example.error().text();
    auto minimal = load_text(minimal_example(), "minimal");
    ASSERT_TRUE(minimal) << minimal.error().text();
    for (auto& [domain, settings] : minimal->domains) {
        settings.phase = Phase::prep;
    }
    EXPECT_EQ(*example, *minimal);
}

TEST(Reference, TheExampleStillLoadsWithEveryLineInForce) {
    std::string all = format_example();
    for (auto at = all.find('#'); at != std::string::npos; at = all.find('#', at + 1)) {
        const bool explains = all.compare(at, 2, "# ") == 0;
        if (!explains) {
            all.erase(at, 1);
        }
    }
    // The default stands there, and ca_file, a copy and fingerprints are for other values; a
    // secret is in one place.
    const auto replace = [&all](std::string_view usual, std::string_view other) {
        const auto at = all.find(usual);
        ASSERT_NE(at, std::string::npos) << usual;
        all.replace(at, usual.size(), other);
    };
    replace("tls: opportunistic", "tls: verify");
    replace("phase: prep", "phase: pass_old");
    replace("phase: hold", "phase: pass_old");
    replace("credential: old-secret", "");
    for (const std::string_view key : {"tls_fingerprints: ", "fingerprints: ", "fingerprints: "}) {
        const auto prints = all.find(key);
        ASSERT_NE(prints, std::string::npos);
        all.erase(prints, all.find('\n', prints) - prints);
    }
    const auto config = load_text(all, "all");
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_TRUE(config->control.http);
    EXPECT_EQ(config->tls.names.size(), 1U);
    EXPECT_EQ(config->domains.begin()->second.recipients.files.size(), 2U);
    EXPECT_EQ(config->domains.begin()->second.waves.at("pilot").files.size(), 2U);
    EXPECT_EQ(config->express.size(), 1U);
    EXPECT_FALSE(config->listeners.at(0).xclient.networks.empty());
}

TEST(Reference, TheMinimalExampleIsTenLinesAtMost) {
    EXPECT_LE(std::ranges::count(minimal_example(), '\n'), 10);
}

}  // namespace
}  // namespace siding::config
