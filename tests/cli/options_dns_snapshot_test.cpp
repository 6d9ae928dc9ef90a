#include "cli/options.hpp"

#include <gtest/gtest.h>

namespace siding::cli {
namespace {

Result<Options> parse(std::vector<std::string> arguments) {
    return parse_options(std::move(arguments), {.socket = "", .now = {}});
}

TEST(DnsSnapshotOptions, become_actions) {
    const auto taken = parse(
        {"dns", "snapshot", "Example.com", "--selector", "s1", "--selector", "s2", "--output", "o"}
    );
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
    const auto& snapshot = std::get<TakeDnsSnapshot>(taken->action);
    EXPECT_EQ(snapshot.domain.text(), "example.com");
    EXPECT_EQ(snapshot.selectors, (std::vector<std::string>{"s1", "s2"}));
    EXPECT_EQ(snapshot.output, "o");
    EXPECT_FALSE(snapshot.config.has_value());

    const auto compared = parse({"dns", "diff", "a.json", "b.json", "--config", "c.yaml"});
    ASSERT_TRUE(compared.has_value()) << compared.error().message();
    const auto& diff = std::get<CompareDnsSnapshots>(compared->action);
    EXPECT_EQ(diff.before, "a.json");
    EXPECT_EQ(diff.after, "b.json");
    EXPECT_EQ(diff.config, "c.yaml");
    EXPECT_FALSE(std::get<CompareDnsSnapshots>(parse({"dns", "diff", "example.com"})->action).after
    );
}

TEST(DnsSnapshotOptions, are_refused_in_one_line) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"dns", "snapshot"}, {"dns", "snapshot", "no..name"}, {"dns", "diff"}}) {
        const auto options = parse(arguments);
        ASSERT_TRUE(options.has_error());
        EXPECT_EQ(options.error().message().find('\n'), std::string::npos);
    }
}

}  // namespace
}  // namespace siding::cli
