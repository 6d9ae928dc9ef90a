#include "dns/tag_list.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

TEST(TagList, reads_names_and_values) {
    const TagList list = parse_tag_list(" v=DKIM1 ; k = rsa;p=AB =\t;").value();
    const std::vector<std::pair<std::string, std::string>> expected{
        {"v", "DKIM1"}, {"k", "rsa"}, {"p", "AB ="}};
    EXPECT_EQ(list.tags, expected);
    EXPECT_EQ(list.find("k"), "rsa");
    EXPECT_EQ(list.find("K"), std::nullopt);  // RFC 6376 §3.2: names in their case
    EXPECT_EQ(list.get("t", "s"), "s");
    EXPECT_TRUE(parse_tag_list("").value().tags.empty());
}

TEST(TagList, refuses_what_is_none) {
    for (const char* const text : {"v", "=a", "v=1;;p=2", "1a=b", "a b=c", "v=1;v=2"}) {
        EXPECT_TRUE(parse_tag_list(text).has_error()) << text;
    }
}

TEST(TagList, reads_keys_of_dkim) {
    // A 2048-bit key's SubjectPublicKeyInfo has 294 octets, 392 digits.
    const std::string rsa =
        "v=DKIM1; h=sha256; t=s:y; p=" + std::string(200, 'A') + " " + std::string(192, 'B');
    const DkimKey key = parse_dkim_key(rsa).value();
    EXPECT_EQ(key.type, "rsa");
    EXPECT_EQ(key.bits, 2048U);
    EXPECT_TRUE(key.is_testing);
    EXPECT_FALSE(key.is_revoked);
    EXPECT_EQ(parse_dkim_key("p=" + std::string(216, 'A')).value().bits, 1024U);
    EXPECT_TRUE(parse_dkim_key("v=DKIM1; p=").value().is_revoked);
    const DkimKey curve = parse_dkim_key("k=ed25519; p=" + std::string(43, 'A') + "=").value();
    EXPECT_EQ(curve.bits, 256U);

    for (const char* const text :
         {"v=DKIM1", "v=DKIM2; p=AAAA", "p=AAAA; v=DKIM1", "p=?", "p=AAAAA", "k=ed25519; p=AAAA"}) {
        EXPECT_TRUE(parse_dkim_key(text).has_error()) << text;
    }
}

TEST(TagList, reads_policies_of_dmarc) {
    const Dmarc dmarc = parse_dmarc(
                            "v=DMARC1; p=Quarantine; sp=none; pct=20; aspf=s; "
                            "rua=mailto:a@example.net, mailto:b@reports.example!10m"
    )
                            .value();
    EXPECT_EQ(dmarc.policy, DmarcPolicy::quarantine);
    EXPECT_EQ(dmarc.subdomain_policy, DmarcPolicy::none);
    EXPECT_EQ(dmarc.percent, 20);
    EXPECT_TRUE(dmarc.is_spf_strict);
    EXPECT_FALSE(dmarc.is_dkim_strict);
    EXPECT_EQ(dmarc.reports_to.size(), 2U);
    // RFC 7489 §6.6.3: without a policy, but with somebody who reads reports
    EXPECT_EQ(parse_dmarc("v=DMARC1; rua=mailto:a@b.example").value().policy, DmarcPolicy::none);

    for (const char* const text :
         {"p=none; v=DMARC1",
          "v=DMARC1",
          "v=DMARC1; p=drop",
          "v=DMARC1; p=none; pct=101",
          "v=DMARC10; p=none"}) {
        EXPECT_TRUE(parse_dmarc(text).has_error()) << text;
    }
}

TEST(TagList, reads_where_reports_of_tls_go) {
    const auto reporting =
        parse_tls_reporting("v=TLSRPTv1;rua=mailto:r@example.net,https://r.example/x").value();
    const std::vector<std::string> expected{"mailto:r@example.net", "https://r.example/x"};
    EXPECT_EQ(reporting.reports_to, expected);
    for (const char* const text :
         {"v=TLSRPTv1", "v=TLSRPTv1; rua=ftp://a", "v=TLSRPTv2; rua=mailto:a@b"}) {
        EXPECT_TRUE(parse_tls_reporting(text).has_error()) << text;
    }
}

TEST(TagList, finds_the_domain_of_an_address) {
    EXPECT_EQ(mailto_domain("mailto:reports@Example.NET"), "example.net");
    EXPECT_EQ(mailto_domain("MAILTO:a@b.example!10m"), "b.example");
    EXPECT_EQ(mailto_domain("mailto:nobody"), std::nullopt);
    EXPECT_EQ(mailto_domain("https://a@b.example"), std::nullopt);
}

}  // namespace
}  // namespace siding::dns
