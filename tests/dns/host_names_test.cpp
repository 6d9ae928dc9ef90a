#include "dns/host_names.hpp"

#include "dns/authority.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <gtest/gtest.h>

#include <map>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using test::dns_address;
using test::dns_cname;
using test::dns_ns;
using test::dns_soa;
using test::DnsRecord;
using test::DnsReply;

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_ns = 2;
constexpr std::uint16_t type_txt = 16;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::uint16_t type_rrsig = 46;
constexpr std::uint16_t type_tlsa = 52;

DnsReply word(std::vector<DnsRecord> answers, std::vector<DnsRecord> authority = {}) {
    return {
        .answers = std::move(answers), .authority = std::move(authority), .is_authoritative = true};
}

DnsRecord text_at(const std::string& owner, const std::string& text) {
    DnsRecord record{owner, type_txt, 300};
    record.data = static_cast<char>(text.size()) + text;
    return record;
}

// Of TLSA; the signature itself is not looked at.
DnsRecord signature_at(const std::string& owner) {
    DnsRecord record{owner, type_rrsig, 300};
    record.data = std::string{"\0\x34\x08\x02", 4} + std::string(14, '\1') +
                  test::dns_name("a.test") + "signature";
    return record;
}

// A root that delegates "a.test" to two servers, and "b.test" to the second of them.
class HostNames : public testing::Test {
protected:
    HostNames() {
        for (const char* const name : {"mx.a.test", "_mta-sts.a.test", "a.test"}) {
            root_.set(
                name,
                type_ns,
                {.authority = {dns_ns("a.test", "ns1.a.test"), dns_ns("a.test", "ns2.a.test")},
                 .additional =
                     {dns_address("ns1.a.test", "127.0.0.3"),
                      dns_address("ns2.a.test", "127.0.0.4")}}
            );
        }
        root_.set(
            "_sts.b.test",
            type_ns,
            {.authority = {dns_ns("b.test", "ns2.a.test")},
             .additional = {dns_address("ns2.a.test", "127.0.0.4")}}
        );
        for (auto* const server : {&first_, &second_}) {
            for (const char* const name : {"a.test", "mx.a.test"}) {
                server->set(name, type_ns, word({}, {dns_soa("a.test", 30)}));
            }
            server->set("mx.a.test", type_a, word({dns_address("mx.a.test", "192.0.2.1", 600)}));
            server->set("mx.a.test", type_aaaa, word({}, {dns_soa("a.test", 30)}));
        }
    }

    using Look = awaitable<std::vector<Served>> (*)(Authority&, std::string);

    static awaitable<void> store(
        Look look, Authority& authority, std::string name, std::vector<Served>& found
    ) {
        found = co_await look(authority, std::move(name));
    }

    // "ns1.a.test A" → the row.
    std::map<std::string, Served> rows(Look look, const std::string& name) {
        Roots roots;
        roots.servers = {root_.address()};
        roots.port = root_.address().port;
        Authority authority{prober_, resolver_, roots};
        std::vector<Served> found;
        loop_.run(store(look, authority, name, found));
        std::map<std::string, Served> rows;
        for (const Served& each : found) {
            const std::string server = each.server.substr(0, each.server.find(' '));
            rows[server + " " + format_type(each.type)] = each;
        }
        return rows;
    }

    net::RunLoop loop_;
    ManualClock clock_{WallTime{1h}};
    test::FakeDns root_{loop_.executor()};
    test::FakeDns first_{loop_.executor(), "127.0.0.3", root_.address().port};
    test::FakeDns second_{loop_.executor(), "127.0.0.4", root_.address().port};
    Prober prober_{loop_.executor(), clock_};
    Resolver resolver_{loop_.executor(), [] {
                           ResolverOptions options;
                           options.servers = {{"127.0.0.1", 1}};  // nobody
                           return options;
                       }()};
};

TEST_F(HostNames, each_server_is_asked_for_both_families) {
    second_.set("mx.a.test", type_a, word({dns_address("mx.a.test", "192.0.2.2", 60)}));
    auto found = rows(look_at_host, "mx.a.test");
    EXPECT_EQ(found["ns1.a.test A"].data, "192.0.2.1");
    EXPECT_EQ(found["ns1.a.test A"].ttl, 600s);
    EXPECT_EQ(found["ns1.a.test A"].name, "mx.a.test");
    EXPECT_EQ(found["ns2.a.test A"].data, "192.0.2.2");
    EXPECT_EQ(found["ns2.a.test AAAA"].data, "");
    EXPECT_EQ(found["ns2.a.test AAAA"].ttl, 30s) << "of the absence";
}

TEST_F(HostNames, who_has_no_authority_or_no_word_has_no_row) {
    first_.set("mx.a.test", type_a, {.answers = {dns_address("mx.a.test", "192.0.2.9")}});
    second_.set("mx.a.test", type_a, {.rcode = 2, .is_authoritative = true});
    const auto found = rows(look_at_host, "mx.a.test");
    EXPECT_FALSE(found.contains("ns1.a.test A"));
    EXPECT_FALSE(found.contains("ns2.a.test A"));
    EXPECT_TRUE(found.contains("ns1.a.test AAAA"));
}

TEST_F(HostNames, a_host_that_does_not_exist_has_no_rows) {
    EXPECT_TRUE(rows(look_at_host, "mx.nowhere").empty());
}

TEST_F(HostNames, who_is_silent_is_left_alone_for_a_minute) {
    first_.set("mx.a.test", type_a, {.is_dropped = true});
    first_.set("mx.a.test", type_aaaa, {.is_dropped = true});
    Roots roots;
    roots.servers = {root_.address()};
    roots.port = root_.address().port;
    Authority authority{prober_, resolver_, roots};
    std::vector<Served> found;
    const auto asked = [&] { return first_.questions("mx.a.test", type_a); };
    loop_.run(store(look_at_host, authority, "mx.a.test", found));
    EXPECT_EQ(asked(), 1U);
    loop_.run(store(look_at_host, authority, "mx.a.test", found));
    EXPECT_EQ(asked(), 1U);
    EXPECT_EQ(found.front().server.substr(0, 3), "ns2");
    clock_.advance(61s);
    loop_.run(store(look_at_host, authority, "mx.a.test", found));
    EXPECT_EQ(asked(), 2U);
}

TEST_F(HostNames, digests_count_with_a_signature_alone) {
    const std::string name = "_25._tcp.mx.a.test";
    const DnsRecord digest = test::dns_tlsa(name, std::string{"\3\1\1", 3} + std::string(32, 'x'));
    first_.set(name, type_tlsa, word({digest, signature_at(name)}));
    second_.set(name, type_tlsa, word({digest}));
    auto found = rows(look_at_host, "mx.a.test");
    EXPECT_TRUE(found["ns1.a.test TLSA"].data.starts_with("3 1 1 7878"))
        << found["ns1.a.test TLSA"].data;
    EXPECT_EQ(found["ns1.a.test TLSA"].name, name);
    ASSERT_TRUE(found.contains("ns2.a.test TLSA"));
    EXPECT_EQ(found["ns2.a.test TLSA"].data, "");
}

TEST_F(HostNames, one_good_announcement_counts) {
    const std::string name = "_mta-sts.a.test";
    first_.set(
        name, type_txt, word({text_at(name, "hello"), text_at(name, "v=STSv1; id=20261121;")})
    );
    second_.set(
        name, type_txt, word({text_at(name, "v=STSv1; id=1;"), text_at(name, "v=STSv1; id=2;")})
    );
    auto found = rows(look_at_announcement, "a.test");
    EXPECT_EQ(found["ns1.a.test TXT"].data, "v=STSv1; id=20261121");
    EXPECT_EQ(found["ns2.a.test TXT"].data, "");
}

TEST_F(HostNames, an_alias_into_another_zone_is_followed) {
    const std::string name = "_mta-sts.a.test";
    for (auto* const server : {&first_, &second_}) {
        server->set(name, type_txt, word({dns_cname(name, "_sts.b.test")}));
    }
    second_.set("_sts.b.test", type_ns, word({}, {dns_soa("b.test", 30)}));
    second_.set("_sts.b.test", type_txt, word({text_at("_sts.b.test", "v=STSv1; id=b;")}));
    auto found = rows(look_at_announcement, "a.test");
    EXPECT_EQ(found["ns2.a.test TXT"].data, "v=STSv1; id=b");
    EXPECT_EQ(found["ns2.a.test TXT"].name, name);
    EXPECT_FALSE(found.contains("ns1.a.test TXT"));
}

}  // namespace
}  // namespace siding::dns
