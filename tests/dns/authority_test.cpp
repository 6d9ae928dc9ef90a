#include "dns/authority.hpp"

#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <memory>
#include <optional>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using test::dns_address;
using test::dns_mx;
using test::dns_ns;
using test::dns_soa;
using test::DnsRecord;
using test::DnsReply;
using Kind = AuthorityProblem::Kind;
using Looked = std::optional<Result<AuthorityView>>;

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_ns = 2;
constexpr std::uint16_t type_soa = 6;
constexpr std::uint16_t type_mx = 15;
constexpr std::uint16_t type_aaaa = 28;

awaitable<void> look_into(Authority& authority, std::string domain, Looked& looked) {
    looked = co_await authority.look(std::move(domain));
}

DnsReply referral(std::vector<DnsRecord> servers, std::vector<DnsRecord> glue) {
    return {.authority = std::move(servers), .additional = std::move(glue)};
}

DnsReply word(std::vector<DnsRecord> answers, std::vector<DnsRecord> authority = {}) {
    return {
        .answers = std::move(answers), .authority = std::move(authority), .is_authoritative = true};
}

DnsRecord with_ttl(DnsRecord record, std::uint32_t ttl) {
    record.ttl = ttl;
    return record;
}

// A root on 127.0.0.1 that delegates "test", whose zone on 127.0.0.2 delegates "a.test" to ns1 on
// 127.0.0.3 and ns2 on 127.0.0.4; all on one port.
class AuthorityTest : public testing::Test {
protected:
    AuthorityTest() {
        root_.set(
            "a.test", type_ns, referral({dns_ns("test", "ns.test")}, {glue_of("ns.test", 2)})
        );
        tld_.set("a.test", type_ns, delegation_of_a());
        for (auto* const server : {&first_, &second_}) {
            serve(*server);
        }
    }

    static DnsRecord glue_of(const std::string& name, int last) {
        return dns_address(name, "127.0.0." + std::to_string(last));
    }

    static DnsReply delegation_of_a() {
        return referral(
            {dns_ns("a.test", "ns1.a.test", 120), dns_ns("a.test", "ns2.a.test", 120)},
            {glue_of("ns1.a.test", 3), glue_of("ns2.a.test", 4)}
        );
    }

    static void serve(test::FakeDns& server, std::uint32_t ttl = 60) {
        server.set("a.test", type_mx, word({with_ttl(dns_mx("a.test", 10, "old.test"), ttl)}));
        server.set("a.test", type_soa, word({dns_soa("a.test", 30)}));
        server.set(
            "a.test",
            type_ns,
            word({dns_ns("a.test", "ns1.a.test", 90), dns_ns("a.test", "ns2.a.test", 90)})
        );
        server.set("ns1.a.test", type_a, word({glue_of("ns1.a.test", 3)}));
        server.set("ns2.a.test", type_a, word({glue_of("ns2.a.test", 4)}));
        server.set("ns1.a.test", type_aaaa, word({}));
        server.set("ns2.a.test", type_aaaa, word({}));
    }

    Result<AuthorityView> look(const std::string& domain) {
        if (!authority_) {
            Roots roots;
            roots.servers = {root_.address()};
            roots.port = root_.address().port;
            authority_ = std::make_unique<Authority>(prober_, resolver_, roots);
        }
        Looked looked;
        loop_.run(look_into(*authority_, domain, looked));
        return std::move(*looked);
    }

    static std::vector<Kind> kinds(const AuthorityView& view) {
        std::vector<Kind> found;
        for (const AuthorityProblem& problem : view.problems) {
            EXPECT_FALSE(problem.text.empty());
            found.push_back(problem.kind);
        }
        return found;
    }

    net::RunLoop loop_;
    ManualClock clock_{WallTime{1h}};
    test::FakeDns root_{loop_.executor()};
    test::FakeDns tld_{loop_.executor(), "127.0.0.2", root_.address().port};
    test::FakeDns first_{loop_.executor(), "127.0.0.3", root_.address().port};
    test::FakeDns second_{loop_.executor(), "127.0.0.4", root_.address().port};
    Prober prober_{loop_.executor(), clock_};
    Resolver resolver_{loop_.executor(), [] {
                           ResolverOptions options;
                           options.servers = {{"127.0.0.1", 1}};  // nobody
                           return options;
                       }()};
    std::unique_ptr<Authority> authority_;
};

TEST_F(AuthorityTest, a_zone_in_order_has_no_problems) {
    const auto view = look("A.test.").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{}) << view.problems[0].text;
    EXPECT_EQ(view.domain, "a.test");
    EXPECT_EQ(view.zone, "a.test");
    EXPECT_EQ(view.parent, "test");
    EXPECT_EQ(view.at, WallTime{1h});
    EXPECT_EQ(view.delegation, (RrSet{{"ns1.a.test", "ns2.a.test"}, 120s}));
    ASSERT_EQ(view.servers.size(), 2U);
    EXPECT_EQ(view.servers[0].name, "ns1.a.test");
    EXPECT_EQ(view.servers[0].address.host, "127.0.0.3");
    EXPECT_TRUE(view.servers[0].in_parent && view.servers[0].in_child);
    EXPECT_TRUE(view.servers[0].mx_tcp.response.by_tcp);
    EXPECT_EQ(view.servers[1].serial(), 1U);
    EXPECT_TRUE(view.is_settled());
    EXPECT_EQ(view.mx(), (RrSet{{"10 old.test"}, 60s}));
    EXPECT_EQ(view.child_ns_ttl, 90s);
    EXPECT_EQ(view.negative_ttl, 30s);
}

TEST_F(AuthorityTest, one_server_lags_behind) {
    second_.set("a.test", type_mx, word({dns_mx("a.test", 10, "hold.test")}));
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::mx_differs});
    EXPECT_FALSE(view.is_settled());
    EXPECT_EQ(view.mx(), std::nullopt);
    EXPECT_EQ(view.mx_of(view.servers[1]).data, std::vector<std::string>{"10 hold.test"});
    EXPECT_NE(view.problems[0].text.find("ns2.a.test"), std::string::npos);
}

TEST_F(AuthorityTest, the_ttl_is_part_of_what_they_must_agree_on) {
    serve(second_, 3600);
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::ttl_differs});
    EXPECT_FALSE(view.is_settled());
    EXPECT_EQ(view.mx(), (RrSet{{"10 old.test"}, 3600s}));
}

TEST_F(AuthorityTest, a_lame_server_is_named_and_not_asked_for_its_opinion) {
    for (const std::uint16_t type : {type_mx, type_soa, type_ns}) {
        second_.set("a.test", type, {.rcode = 5});
    }
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::lame});
    EXPECT_NE(view.problems[0].server.find("ns2.a.test 127.0.0.4"), std::string::npos);
    EXPECT_NE(view.problems[0].text.find("REFUSED"), std::string::npos);
    EXPECT_TRUE(view.servers[1].is_lame());
    EXPECT_TRUE(view.is_settled());
    EXPECT_TRUE(view.mx());
}

TEST_F(AuthorityTest, without_aa_its_word_does_not_count) {
    second_.set("a.test", type_mx, {.answers = {dns_mx("a.test", 1, "stale.test")}});
    second_.set("a.test", type_soa, {.answers = {dns_soa("a.test", 30)}});
    second_.set("a.test", type_ns, {.answers = {dns_ns("a.test", "ns2.a.test")}});
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::not_authoritative});
    EXPECT_EQ(view.mx(), (RrSet{{"10 old.test"}, 60s}));
}

TEST_F(AuthorityTest, a_server_that_fails_at_the_mx_unsettles) {
    second_.set("a.test", type_mx, {.rcode = 2});
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::lame});
    EXPECT_NE(view.problems[0].text.find("SERVFAIL"), std::string::npos);
    EXPECT_FALSE(view.servers[1].is_lame());
    EXPECT_FALSE(view.is_settled());
}

TEST_F(AuthorityTest, a_server_may_be_down) {
    tld_.set(
        "a.test",
        type_ns,
        referral(
            {dns_ns("a.test", "ns1.a.test"), dns_ns("a.test", "ns2.a.test")},
            {glue_of("ns1.a.test", 3), glue_of("ns2.a.test", 99)}
        )
    );
    const auto view = look("a.test").value();
    // Glue that differs from the zone's own word, and nobody there.
    EXPECT_EQ(kinds(view), (std::vector<Kind>{Kind::delegation_differs, Kind::unreachable}));
    ASSERT_EQ(view.servers.size(), 3U);
    EXPECT_NE(view.problems[0].text.find("127.0.0.99"), std::string::npos);
    EXPECT_FALSE(view.servers[1].is_reachable());
    EXPECT_FALSE(view.servers[1].is_lame());
    EXPECT_EQ(view.servers[2].address.host, "127.0.0.4");
}

TEST_F(AuthorityTest, tcp_must_work_too) {
    auto deaf = word({with_ttl(dns_mx("a.test", 10, "old.test"), 60)});
    deaf.is_deaf_to_tcp = true;
    second_.set("a.test", type_mx, deaf);
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::no_tcp});
    EXPECT_TRUE(view.is_settled());
}

TEST_F(AuthorityTest, parent_and_child_may_name_different_servers) {
    tld_.set(
        "a.test", type_ns, referral({dns_ns("a.test", "ns1.a.test")}, {glue_of("ns1.a.test", 3)})
    );
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::delegation_differs});
    ASSERT_EQ(view.servers.size(), 2U);
    EXPECT_EQ(view.servers[1].name, "ns2.a.test");  // asked all the same
    EXPECT_FALSE(view.servers[1].in_parent);
    EXPECT_TRUE(view.servers[1].in_child);
    EXPECT_TRUE(view.servers[1].is_heard());
}

TEST_F(AuthorityTest, a_server_in_another_zone_is_found_on_the_way_down) {
    tld_.set("a.test", type_ns, referral({dns_ns("a.test", "ns.b.test")}, {}));
    root_.set("ns.b.test", type_ns, referral({dns_ns("test", "ns.test")}, {glue_of("ns.test", 2)}));
    tld_.set(
        "ns.b.test", type_ns, referral({dns_ns("b.test", "x.b.test")}, {glue_of("x.b.test", 4)})
    );
    second_.set("ns.b.test", type_ns, word({}, {dns_soa("b.test", 30)}));
    second_.set("ns.b.test", type_a, word({glue_of("ns.b.test", 3)}));
    second_.set("ns.b.test", type_aaaa, word({}));
    first_.set("a.test", type_ns, word({dns_ns("a.test", "ns.b.test")}));
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{}) << view.problems[0].text;
    ASSERT_EQ(view.servers.size(), 1U);
    EXPECT_EQ(view.servers[0].address.host, "127.0.0.3");
}

TEST_F(AuthorityTest, a_server_without_an_address_is_named) {
    tld_.set(
        "a.test",
        type_ns,
        referral(
            {dns_ns("a.test", "ns1.a.test"), dns_ns("a.test", "gone.test")},
            {glue_of("ns1.a.test", 3)}
        )
    );
    tld_.set("gone.test", type_ns, {.rcode = 3, .is_authoritative = true});
    first_.set(
        "a.test", type_ns, word({dns_ns("a.test", "ns1.a.test"), dns_ns("a.test", "gone.test")})
    );
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::missing_address});
    EXPECT_EQ(view.problems[0].server, "gone.test");
}

// One server for a zone and the one above it answers at once, without a referral.
TEST_F(AuthorityTest, a_zone_may_live_with_its_parent) {
    tld_.set("a.test", type_ns, word({dns_ns("a.test", "ns.test", 77)}, {}));
    tld_.set("a.test", type_mx, word({dns_mx("a.test", 10, "old.test")}));
    tld_.set("a.test", type_soa, word({dns_soa("a.test", 30)}));
    root_.set("ns.test", type_ns, referral({dns_ns("test", "ns.test")}, {glue_of("ns.test", 2)}));
    tld_.set("ns.test", type_ns, word({}, {dns_soa("test", 30)}));
    tld_.set("ns.test", type_a, word({glue_of("ns.test", 2)}));
    tld_.set("ns.test", type_aaaa, word({}));
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{}) << view.problems[0].text;
    EXPECT_EQ(view.zone, "a.test");
    EXPECT_EQ(view.parent, "test");
    EXPECT_EQ(view.delegation, (RrSet{{"ns.test"}, 77s}));
    EXPECT_TRUE(view.is_settled());
}

TEST_F(AuthorityTest, a_domain_may_be_a_name_in_its_zone) {
    root_.set("m.a.test", type_ns, referral({dns_ns("test", "ns.test")}, {glue_of("ns.test", 2)}));
    tld_.set("m.a.test", type_ns, delegation_of_a());
    for (auto* const server : {&first_, &second_}) {
        server->set("m.a.test", type_ns, word({}, {dns_soa("a.test", 30)}));
        server->set("m.a.test", type_mx, word({dns_mx("m.a.test", 10, "old.test")}));
    }
    const auto view = look("m.a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{}) << view.problems[0].text;
    EXPECT_EQ(view.zone, "a.test");
    EXPECT_EQ(view.mx(), (RrSet{{"10 old.test"}, 300s}));
}

TEST_F(AuthorityTest, what_does_not_exist_is_said) {
    tld_.set("a.test", type_ns, {.rcode = 3, .is_authoritative = true});
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::no_zone});
    EXPECT_TRUE(view.servers.empty());
    EXPECT_FALSE(view.is_settled());
    EXPECT_EQ(view.mx(), std::nullopt);
}

TEST_F(AuthorityTest, no_mx_is_something_to_agree_on) {
    for (auto* const server : {&first_, &second_}) {
        server->set("a.test", type_mx, word({}, {dns_soa("a.test", 30)}));
    }
    const auto view = look("a.test").value();
    EXPECT_FALSE(view.is_settled());
    ASSERT_TRUE(view.mx());
    EXPECT_TRUE(view.mx()->empty());
}

TEST_F(AuthorityTest, where_nobody_answers_the_zone_is_named) {
    tld_.set("a.test", type_ns, {.rcode = 2});
    const auto view = look("a.test");
    ASSERT_TRUE(view.has_error());
    EXPECT_TRUE(view.error().is(Errc::unavailable));
    EXPECT_NE(view.error().message().find("no server of test tells"), std::string::npos)
        << view.error().message();
    EXPECT_NE(view.error().message().find("SERVFAIL"), std::string::npos);
    EXPECT_TRUE(look("a..test").error().is(Errc::invalid_argument));
    EXPECT_TRUE(look("").error().is(Errc::invalid_argument));
}

TEST_F(AuthorityTest, the_way_is_kept_for_a_while_and_the_mx_never) {
    ASSERT_TRUE(look("a.test").has_value());
    ASSERT_TRUE(look("a.test").has_value());
    EXPECT_EQ(root_.questions("a.test", type_ns), 1U);
    EXPECT_EQ(tld_.questions("a.test", type_ns), 1U);
    EXPECT_EQ(first_.questions("a.test", type_mx), 4U);  // UDP and TCP
    clock_.advance(121s);                                // the delegation's TTL
    ASSERT_TRUE(look("a.test").has_value());
    EXPECT_EQ(root_.questions("a.test", type_ns), 1U);
    EXPECT_EQ(tld_.questions("a.test", type_ns), 2U);
    clock_.advance(301s);
    ASSERT_TRUE(look("a.test").has_value());
    EXPECT_EQ(root_.questions("a.test", type_ns), 2U);
}

// Glue for a name outside the zone that gives it could be anything.
TEST_F(AuthorityTest, does_not_believe_glue_from_elsewhere) {
    tld_.set(
        "a.test",
        type_ns,
        referral({dns_ns("a.test", "ns.other")}, {dns_address("ns.other", "127.0.0.4")})
    );
    root_.set("ns.other", type_ns, {.rcode = 3, .is_authoritative = true});
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::missing_address});
    EXPECT_EQ(second_.questions(), 0U);
}

TEST_F(AuthorityTest, servers_that_hang_on_each_other_are_an_end) {
    tld_.set("a.test", type_ns, referral({dns_ns("a.test", "ns.b.test")}, {}));
    tld_.set("ns.b.test", type_ns, referral({dns_ns("b.test", "ns.a.test")}, {}));
    tld_.set("ns.a.test", type_ns, referral({dns_ns("a.test", "ns.b.test")}, {}));
    for (const char* const name : {"ns.a.test", "ns.b.test"}) {
        root_.set(name, type_ns, referral({dns_ns("test", "ns.test")}, {glue_of("ns.test", 2)}));
    }
    const auto view = look("a.test").value();
    EXPECT_EQ(kinds(view), std::vector<Kind>{Kind::missing_address});
    EXPECT_LT(tld_.questions(), 400U);
}

awaitable<void> ask_round(
    Authority& authority,
    const AuthorityView& view,
    Question question,
    std::vector<std::pair<net::HostPort, Sample>>& answers
) {
    answers = co_await authority.ask_everywhere(view, question);
}

TEST_F(AuthorityTest, asks_the_same_of_every_server) {
    const auto view = look("a.test").value();
    std::vector<std::pair<net::HostPort, Sample>> answers;
    loop_.run(ask_round(*authority_, view, Question{"ns1.a.test", RecordType::a}, answers));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].first.host, "127.0.0.3");
    for (const auto& [server, sample] : answers) {
        EXPECT_EQ(sample.response.answers.at(0).as<Address>()->text, "127.0.0.3");
    }
}

TEST(Roots, are_thirteen_twice) {
    const Roots roots = default_roots();
    EXPECT_EQ(roots.servers.size(), 26U);
    EXPECT_EQ(roots.port, 53);
    for (const net::HostPort& server : roots.servers) {
        EXPECT_TRUE(server.is_literal()) << server.text();
    }
}

}  // namespace
}  // namespace siding::dns
