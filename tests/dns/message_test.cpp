#include "dns/message.hpp"

#include "base/bytes.hpp"
#include "tests/support/fake_dns.hpp"

#include <ares.h>
#include <gtest/gtest.h>

#include <cstring>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::dns_address;
using test::dns_cname;
using test::dns_mx;
using test::dns_soa;
using test::dns_tlsa;
using test::DnsReply;

std::string reply_to(std::string_view name, RecordType type, const DnsReply& reply) {
    const auto number = static_cast<std::uint16_t>(type);
    return test::make_dns_reply(test::make_dns_query(name, number), reply);
}

Result<Answer> parse(std::string_view name, RecordType type, const DnsReply& reply) {
    return parse_answer(reply_to(name, type, reply), name, type);
}

TEST(Message, reads_addresses) {
    const auto answer = parse(
                            "mx.example",
                            RecordType::a,
                            {.is_authenticated = true,
                             .answers =
                                 {dns_address("MX.example", "192.0.2.1", 300),
                                  dns_address("mx.example", "192.0.2.2", 60)}}
    ).value();
    EXPECT_EQ(answer.rcode, Answer::Rcode::no_error);
    EXPECT_TRUE(answer.authenticated);
    EXPECT_EQ(answer.ttl, 60s);
    const std::vector<Address> expected{
        {net::Family::ipv4, "192.0.2.1"}, {net::Family::ipv4, "192.0.2.2"}};
    EXPECT_EQ(answer.all<Address>(), expected);
    EXPECT_TRUE(answer.all<Mx>().empty());

    const DnsReply ipv6{.answers = {dns_address("mx.example", "2001:db8::1")}};
    const auto other = parse("mx.example", RecordType::aaaa, ipv6).value();
    const std::vector<Address> expected6{{net::Family::ipv6, "2001:db8::1"}};
    EXPECT_EQ(other.all<Address>(), expected6);
    EXPECT_FALSE(other.authenticated);
}

TEST(Message, reads_mx_and_the_null_mx) {
    const DnsReply two{
        .answers = {dns_mx("example", 20, "Two.example"), dns_mx("example", 10, "a.b")}};
    const std::vector<Mx> expected{{20, "two.example"}, {10, "a.b"}};
    EXPECT_EQ(parse("example", RecordType::mx, two).value().all<Mx>(), expected);

    const DnsReply null{.answers = {dns_mx("example", 0, "")}};
    const std::vector<Mx> nobody{{0, ""}};
    EXPECT_EQ(parse("example", RecordType::mx, null).value().all<Mx>(), nobody);
}

TEST(Message, reads_tlsa) {
    const std::string digest(32, '\xAB');
    const std::string name = "_25._tcp.mx.example";
    const DnsReply reply{.answers = {dns_tlsa(name, "\x03\x01\x01" + digest)}};
    const std::vector<net::TlsaRecord> expected{{3, 1, 1, digest}};
    const auto found = parse(name, RecordType::tlsa, reply).value().all<net::TlsaRecord>();
    EXPECT_EQ(found, expected);
    EXPECT_TRUE(found[0].is_usable());
}

TEST(Message, knows_which_tlsa_records_smtp_can_use) {
    struct Row {
        net::TlsaRecord record;
        bool is_usable;
    };
    const std::vector<Row> rows{
        {{3, 1, 1, std::string(32, 'x')}, true},
        {{2, 0, 2, std::string(64, 'x')}, true},
        {{3, 0, 0, "certificate"}, true},
        {{0, 1, 1, std::string(32, 'x')}, false},  // RFC 7672 §3.1.3
        {{1, 1, 1, std::string(32, 'x')}, false},
        {{4, 1, 1, std::string(32, 'x')}, false},
        {{3, 2, 1, std::string(32, 'x')}, false},
        {{3, 1, 3, std::string(32, 'x')}, false},
        {{3, 1, 1, std::string(31, 'x')}, false},
        {{3, 1, 2, std::string(32, 'x')}, false},
        {{3, 1, 0, ""}, false},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(row.record.is_usable(), row.is_usable) << row.record.text();
    }
}

TEST(Message, follows_aliases) {
    const DnsReply reply{
        .answers = {
            dns_address("c.example", "192.0.2.1", 300),
            dns_cname("b.example", "c.example", 20),
            dns_cname("a.example", "b.example", 40),
            dns_address("stranger.example", "192.0.2.66", 1),
        }};
    const auto answer = parse("a.example", RecordType::a, reply).value();
    EXPECT_EQ(answer.name, "c.example");
    EXPECT_EQ(answer.ttl, 20s);
    const std::vector<Address> expected{{net::Family::ipv4, "192.0.2.1"}};
    EXPECT_EQ(answer.all<Address>(), expected);

    const DnsReply loop{
        .answers = {dns_cname("a.example", "b.example"), dns_cname("b.example", "a.example")}};
    EXPECT_TRUE(parse("a.example", RecordType::a, loop).error().is(Errc::unavailable));
}

TEST(Message, absence_is_an_answer) {
    const DnsReply nothing{.authority = {dns_soa("example", 120)}};
    const auto none = parse("x.example", RecordType::mx, nothing).value();
    EXPECT_EQ(none.rcode, Answer::Rcode::no_error);
    EXPECT_TRUE(none.records.empty());
    EXPECT_EQ(none.ttl, 120s);  // RFC 2308 §5

    const auto unknown = parse("x.example", RecordType::mx, {.rcode = 3}).value();
    EXPECT_EQ(unknown.rcode, Answer::Rcode::no_such_name);
    EXPECT_EQ(unknown.ttl, 0s);
}

TEST(Message, refuses_what_says_nothing) {
    struct Row {
        DnsReply reply;
        std::string_view why;
    };
    const std::vector<Row> rows{
        {{.rcode = 2}, "SERVFAIL"},
        {{.rcode = 5}, "REFUSED"},
        {{.rcode = 11}, "without a name"},
        {{.is_cut_off = true}, "cut off"},
        {{.is_to_another = true}, "another question"},
        {{.answers = {{"x.example", 1, 300, "abc"}}}, "malformed record"},  // three octets
        {{.answers = {{"x.example", 1, 300, "abcde"}}}, "malformed record"},
        {{.answers = {{"x.example", 5, 300, "\x20gone"}}}, "aliases"},  // beyond its record
    };
    for (const Row& row : rows) {
        const auto answer = parse("x.example", RecordType::a, row.reply);
        ASSERT_TRUE(answer.has_error()) << row.why;
        EXPECT_TRUE(answer.error().is(Errc::unavailable)) << row.why;
        EXPECT_NE(answer.error().message().find(row.why), std::string::npos)
            << answer.error().message();
    }
    const DnsReply mx{.answers = {{"x.example", 15, 300, std::string{"\0\x0A", 2}}}};
    EXPECT_TRUE(parse("x.example", RecordType::mx, mx).has_error());
    const DnsReply tlsa{.answers = {{"x.example", 52, 300, std::string{"\3\1", 2}}}};
    EXPECT_TRUE(parse("x.example", RecordType::tlsa, tlsa).has_error());
    EXPECT_TRUE(parse_answer("", "x.example", RecordType::a).has_error());
    EXPECT_TRUE(parse_answer(std::string(12, '\0'), "x.example", RecordType::a).has_error());
}

// The last octets are the second record's: short of any of them there is no answer.
TEST(Message, is_whole_or_nothing) {
    const DnsReply reply{
        .answers = {dns_mx("example", 1, "a.example"), dns_mx("example", 2, "b.example")}};
    const std::string octets = reply_to("example", RecordType::mx, reply);
    for (std::size_t size = 0; size < octets.size(); ++size) {
        const std::string cut = octets.substr(0, size);  // on the heap: the sanitizer sees its end
        EXPECT_TRUE(parse_answer(cut, "example", RecordType::mx).has_error()) << size;
    }
    EXPECT_TRUE(parse_answer(octets, "example", RecordType::mx).has_value());
}

TEST(Message, survives_every_changed_octet) {
    const DnsReply reply{
        .answers = {dns_cname("example", "b.example"), dns_mx("b.example", 2, "c.example")},
        .authority = {dns_soa("example", 60)}};
    const std::string octets = reply_to("example", RecordType::mx, reply);
    std::size_t understood = 0;
    for (std::size_t n = 0; n < octets.size(); ++n) {
        for (const unsigned flip : {0x01U, 0x40U, 0x80U, 0xC0U, 0xFFU}) {
            std::string changed = octets;
            changed[n] = static_cast<char>(static_cast<unsigned char>(changed[n]) ^ flip);
            understood += parse_answer(changed, "example", RecordType::mx).has_value() ? 1U : 0U;
        }
    }
    EXPECT_GT(understood, 0U);
    EXPECT_LT(understood, octets.size() * 5);
}

// c-ares' own reading of MX records, as a second opinion.
TEST(Message, agrees_with_c_ares) {
    const DnsReply reply{
        .answers = {dns_mx("example", 7, "a.example"), dns_mx("example", 9, "b.example")}};
    const std::string octets = reply_to("example", RecordType::mx, reply);
    ares_mx_reply* first = nullptr;
    const auto* const data = reinterpret_cast<const unsigned char*>(octets.data());
    ASSERT_EQ(::ares_parse_mx_reply(data, static_cast<int>(octets.size()), &first), ARES_SUCCESS);
    std::vector<Mx> expected;
    for (const ares_mx_reply* mx = first; mx != nullptr; mx = mx->next) {
        expected.push_back({mx->priority, mx->host});
    }
    ::ares_free_data(first);
    EXPECT_EQ(parse_answer(octets, "example", RecordType::mx).value().all<Mx>(), expected);
}

}  // namespace
}  // namespace siding::dns
