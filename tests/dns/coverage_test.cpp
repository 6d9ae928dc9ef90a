#include "dns/coverage.hpp"

#include "base/limits.hpp"
#include "dns/provider.hpp"
#include "tests/dns/served.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::at;

const CoverageWindow window{at(0s), 2h, at(10h)};

Coverage cover(const std::vector<ProviderFacts>& providers) {
    return coverage_of(providers, window);
}

TEST(Coverage, is_the_share_of_messages_whose_providers_have_come) {
    const Coverage coverage = cover({
        {"big.example", 987, at(1h), std::nullopt},
        {"bank-x.example", 8, std::nullopt, std::nullopt},
        {"10.1.2.0/24", 5, at(-1h), std::nullopt},
    });
    EXPECT_DOUBLE_EQ(coverage.share, 0.987);
    EXPECT_EQ(coverage.baseline_messages, 1000U);
    EXPECT_EQ(coverage.providers, 3U);
    EXPECT_EQ(coverage.providers_covered, 1U);
    ASSERT_EQ(coverage.missing.size(), 2U);
    EXPECT_EQ(coverage.missing[0].name, "bank-x.example");
    EXPECT_FALSE(coverage.missing[1].seen) << "it came before the switch";
    EXPECT_EQ(
        format_coverage(coverage),
        "98.7 % of the usual mail (1000 messages); missing: bank-x.example (0.8 %), 10.1.2.0/24 "
        "(0.5 %)"
    );
}

TEST(Coverage, a_provider_that_is_still_at_the_old_server_does_not_count) {
    const auto share = [](std::optional<WallTime> at_old) {
        return cover({{"a.example", 10, at(1h), at_old}}).share;
    };
    EXPECT_EQ(share(std::nullopt), 1);
    EXPECT_EQ(share(at(9h)), 0) << "an hour ago";
    EXPECT_EQ(share(at(8h)), 1) << "two hours ago";
    EXPECT_EQ(share(at(-1h)), 1) << "before the switch";
    const Coverage still = cover({{"a.example", 10, at(1h), at(9h)}});
    EXPECT_TRUE(still.missing[0].seen);
    EXPECT_TRUE(still.missing[0].at_old);
    EXPECT_NE(format_coverage(still).find("still at the old server"), std::string::npos);
}

TEST(Coverage, is_not_rounded_up) {
    const Coverage coverage = cover({
        {"a.example", 98996, at(1h), std::nullopt},
        {"b.example", 1004, std::nullopt, std::nullopt},
    });
    EXPECT_EQ(format_coverage(coverage).substr(0, 6), "98.9 %");
}

TEST(Coverage, without_a_baseline_means_nothing) {
    EXPECT_EQ(cover({}).baseline_messages, 0U);
    const Coverage coverage = cover({{"a.example", 0, at(1h), std::nullopt}});
    EXPECT_EQ(coverage.baseline_messages, 0U);
    EXPECT_EQ(coverage.share, 0);
}

TEST(Coverage, lists_so_many_and_no_more) {
    std::vector<ProviderFacts> providers;
    for (int i = 0; i < 1000; ++i) {
        providers.push_back({"p" + std::to_string(i), 1, std::nullopt, std::nullopt});
    }
    EXPECT_EQ(cover(providers).missing.size(), limits::missing_senders_max);
    EXPECT_EQ(cover(providers).providers, 1000U);
}

TEST(Provider, is_the_registrable_domain_of_the_client) {
    EXPECT_EQ(provider_of({"mail-wr1-f51.google.com", "209.85.221.51"}), "google.com");
    EXPECT_EQ(provider_of({"MX1.Bank.CO.UK.", "192.0.2.1"}), "bank.co.uk");
    EXPECT_EQ(provider_of({"unknown", "192.0.2.77"}), "192.0.2.0/24");
    EXPECT_EQ(provider_of({"", "2001:db8:1:2::3"}), "2001:db8:1::/48");
    EXPECT_EQ(provider_of({"co.uk", "192.0.2.1"}), "192.0.2.0/24") << "nobody's";
    EXPECT_EQ(provider_of({"localhost", "192.0.2.1"}), "192.0.2.0/24");
    EXPECT_EQ(provider_of({"192.0.2.1", "192.0.2.1"}), "192.0.2.0/24");
    EXPECT_EQ(provider_of({"", "192.0.2.1", "mail.partner.example"}), "192.0.2.0/24")
        << "anybody may say so";
    EXPECT_EQ(provider_of({"", "192.0.2.1", "mail.partner.example", true}), "partner.example");
    EXPECT_EQ(provider_of({"", "::ffff:192.0.2.9"}), "192.0.2.0/24");
    EXPECT_EQ(provider_of({"bad name", "nonsense"}), "");
}

}  // namespace
}  // namespace siding::dns
