#include "dns/response.hpp"

#include "tests/support/fake_dns.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::dns_address;
using test::dns_cname;
using test::dns_mx;
using test::dns_ns;
using test::dns_opt;
using test::dns_soa;
using test::DnsReply;

const Question asked{"Example.", RecordType::mx};

std::string octets_of(const DnsReply& reply) {
    return test::make_dns_reply(test::make_dns_query("example", 15), reply);
}

Result<Response> parse(const DnsReply& reply) {
    return parse_response(octets_of(reply), asked);
}

TEST(Response, keeps_all_that_was_said) {
    const std::string blocked{"\x00\x0F no\x01", 6};
    const std::string subnet{"\x00\x01\x18\x10\xC0\x00\x02", 7};
    const auto response =
        parse({.is_authenticated = true,
               .answers = {dns_mx("EXAMPLE", 20, "b.example"), dns_mx("example", 10, "A.example")},
               .authority = {dns_ns("example", "ns.example", 77)},
               .is_authoritative = true,
               .additional =
                   {dns_address("ns.example", "192.0.2.1", 78),
                    dns_opt({{3, "site-7"}, {15, blocked}, {8, subnet}, {99, "?"}})}}
        ).value();
    EXPECT_EQ(response.rcode, rcode::no_error);
    EXPECT_TRUE(response.authoritative);
    EXPECT_TRUE(response.authenticated);
    EXPECT_TRUE(response.recursion_available);
    EXPECT_FALSE(response.truncated);
    EXPECT_TRUE(response.has_edns);
    EXPECT_EQ(response.nsid, "site-7");
    EXPECT_EQ(response.errors, (std::vector<ExtendedError>{{15, " no\\x01"}}));
    EXPECT_EQ(response.ecs_scope, 16);
    EXPECT_EQ(response.octets, 193U);

    const std::vector<std::string> hosts{"10 a.example", "20 b.example"};
    EXPECT_EQ(rrset_of(response, "example.", RecordType::mx), (RrSet{hosts, 300s}));
    EXPECT_EQ(rrset_of(response, "example", RecordType::mx).text(), "10 a.example; 20 b.example");
    ASSERT_EQ(response.authority.size(), 1U);
    EXPECT_EQ(response.authority[0].ttl, 77s);
    EXPECT_EQ(response.authority[0].as<HostName>()->name, "ns.example");
    ASSERT_EQ(response.additional.size(), 1U);  // without OPT
    EXPECT_TRUE(response.additional[0].is(RecordType::a));
    EXPECT_TRUE(find(response, "other", RecordType::mx).empty());
}

TEST(Response, an_error_is_an_answer) {
    EXPECT_EQ(parse({.rcode = 5}).value().rcode, rcode::refused);
    EXPECT_EQ(
        parse({.rcode = 0, .additional = {dns_opt({}, 1)}}).value().rcode, rcode::bad_version
    );
    EXPECT_EQ(parse({.rcode = 1, .lacks_question = true}).value().rcode, rcode::malformed_query);
    EXPECT_EQ(format_rcode(rcode::server_failure), "SERVFAIL");
    EXPECT_EQ(format_rcode(rcode::bad_version), "BADVERS");
    EXPECT_EQ(format_rcode(23), "RCODE23");
}

TEST(Response, a_site_without_a_text_is_shown_in_hexadecimal) {
    const std::string name{"\x00\xFF", 2};
    EXPECT_EQ(parse({.additional = {dns_opt({{3, name}})}}).value().nsid, "00ff");
    EXPECT_EQ(parse({.additional = {dns_opt({{3, ""}})}}).value().nsid, "");
}

TEST(Response, says_why_it_is_none) {
    struct Row {
        std::string octets;
        std::string_view why;
    };
    const std::vector<Row> rows{
        {octets_of({.is_to_another = true}), "answers another question"},
        {octets_of({.lacks_question = true}), "answers another question"},
        {test::make_dns_query("example", 15), "this is no answer"},
        {"", "this is no answer"},
        {octets_of({.answers = {{"example", 15, 1, "x"}}}), "malformed"},
        {octets_of({.answers = {{"example", 1, 1, "x"}}}), "malformed"},
    };
    for (const Row& row : rows) {
        const auto response = parse_response(row.octets, asked);
        ASSERT_TRUE(response.has_error()) << row.why;
        EXPECT_TRUE(response.error().is(Errc::unavailable)) << row.why;
        EXPECT_NE(response.error().message().find(row.why), std::string::npos)
            << response.error().message();
    }
    const std::string mx = octets_of({.answers = {dns_mx("example", 1, "a")}});
    EXPECT_TRUE(parse_response(mx, {"example", RecordType::a}).has_error());
    EXPECT_TRUE(parse_response(mx, {"example.net", RecordType::mx}).has_error());
}

TEST(Response, of_one_that_is_cut_off_the_whole_records_stay) {
    std::string octets =
        octets_of({.answers = {dns_mx("example", 1, "a"), dns_mx("example", 2, "b")}});
    const std::string cut = octets.substr(0, octets.size() - 3);
    EXPECT_TRUE(parse_response(cut, asked).has_error());
    octets = cut;
    octets[2] = static_cast<char>(static_cast<unsigned char>(octets[2]) | 0x02U);  // TC
    const auto response = parse_response(octets, asked).value();
    EXPECT_TRUE(response.truncated);
    EXPECT_EQ(rrset_of(response, "example", RecordType::mx).data, std::vector<std::string>{"1 a"});
}

TEST(Response, follows_aliases_when_asked_to) {
    const auto response =
        parse({.answers = {dns_cname("example", "b"), dns_cname("b", "c"), dns_mx("c", 1, "m")}}
        ).value();
    EXPECT_EQ(follow_aliases(response, "Example"), "c");
    EXPECT_TRUE(rrset_of(response, "example", RecordType::mx).empty());
    const auto circle = parse({.answers = {dns_cname("example", "b"), dns_cname("b", "example")}});
    follow_aliases(circle.value(), "example");  // ends
    EXPECT_EQ(negative_ttl_of(parse({.authority = {dns_soa("example", 60)}}).value()), 60s);
    EXPECT_EQ(negative_ttl_of(parse({}).value()), 0s);
}

TEST(Response, a_set_has_each_record_once) {
    auto again = dns_mx("example", 1, "a");
    again.ttl = 5;
    const auto response = parse({.answers = {dns_mx("example", 1, "A"), again}}).value();
    EXPECT_EQ(rrset_of(response, "example", RecordType::mx), (RrSet{{"1 a"}, 5s}));
}

TEST(Response, survives_every_changed_octet) {
    const std::string octets = octets_of(
        {.answers = {dns_cname("example", "b.example"), dns_mx("b.example", 2, "c.example")},
         .authority = {dns_soa("example", 60)},
         .additional = {dns_opt({{3, "site"}, {15, std::string{"\0\3", 2}}})}}
    );
    std::size_t understood = 0;
    for (std::size_t n = 0; n < octets.size(); ++n) {
        for (const unsigned flip : {0x01U, 0x40U, 0x80U, 0xC0U, 0xFFU}) {
            std::string changed = octets;
            changed[n] = static_cast<char>(static_cast<unsigned char>(changed[n]) ^ flip);
            understood += parse_response(changed, asked).has_value() ? 1U : 0U;
        }
    }
    EXPECT_GT(understood, 0U);
    EXPECT_LT(understood, octets.size() * 5);
}

}  // namespace
}  // namespace siding::dns
