#include "dns/record.hpp"

#include "dns/wire_reader.hpp"
#include "tests/support/fake_dns.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using test::dns_name;

std::string octets(std::initializer_list<int> numbers) {
    std::string out;
    for (const int number : numbers) {
        out += static_cast<char>(number);
    }
    return out;
}

// "": refused.
std::string show(RecordType type, const std::string& data) {
    const auto number = static_cast<std::uint16_t>(type);
    const auto read = read_rdata(WireReader{data}, number);
    return read ? format_rdata({"x", number, 1s, *read}) : "";
}

TEST(Record, is_shown_as_in_a_zone_file) {
    const std::string soa = dns_name("NS.example") + dns_name("hostmaster.example") +
                            octets({0, 0, 0, 9, 0, 0, 14, 16, 0, 0, 2, 88, 0, 1, 81, 128}) +
                            octets({0, 0, 0, 60});
    const std::string rrsig = octets({0, 15, 13, 2, 0, 0, 0, 60}) +
                              octets({0x61, 0x7A, 0x3C, 0x80, 0x61, 0x78, 0x99, 0x00, 0x12, 0x34}) +
                              dns_name("Example") + "abcd";
    struct Row {
        RecordType type;
        std::string data;
        std::string shown;
    };
    const std::vector<Row> rows{
        {RecordType::a, octets({192, 0, 2, 1}), "192.0.2.1"},
        {RecordType::a, octets({192, 0, 2}), ""},
        {RecordType::aaaa, octets({32, 1, 13, 184}) + std::string(11, '\0') + "\1", "2001:db8::1"},
        {RecordType::mx, octets({0, 10}) + dns_name("MX.Example.net"), "10 mx.example.net"},
        {RecordType::mx, octets({0, 0, 0}), "0 ."},  // RFC 7505
        {RecordType::mx, octets({0, 10}), ""},
        {RecordType::mx, octets({0, 10, 0, 0}), ""},  // something behind the name
        {RecordType::ns, dns_name("ns.Example"), "ns.example"},
        {RecordType::cname, dns_name("b"), "b"},
        {RecordType::ptr, octets({0}), "."},
        {RecordType::soa, soa, "ns.example hostmaster.example 9 3600 600 86400 60"},
        {RecordType::soa, soa.substr(0, soa.size() - 1), ""},
        {RecordType::soa, soa + "x", ""},
        {RecordType::txt, "\5v=a b\3\"\\\x01", R"("v=a b" "\"\\\001")"},
        {RecordType::txt, octets({0}), "\"\""},
        {RecordType::txt, "", ""},
        {RecordType::txt, "\5v=", ""},
        {RecordType::tlsa, octets({3, 1, 1, 0xAB, 0xCD}), "3 1 1 abcd"},
        {RecordType::srv, octets({0, 1, 0, 2, 3, 225}) + dns_name("h"), "1 2 993 h"},
        {RecordType::srv, octets({0, 0, 0, 0, 0, 0, 0}), "0 0 0 ."},  // RFC 2782: not offered
        {RecordType::caa, octets({0, 5}) + "issueca.example", "0 issue \"ca.example\""},
        {RecordType::caa, octets({128, 5}) + "ISSUE;", "128 issue \";\""},
        {RecordType::caa, octets({0, 9}) + "issue", ""},
        {RecordType::ds, octets({0x12, 0x34, 13, 2, 0xFF}), "4660 13 2 ff"},
        {RecordType::dnskey, octets({1, 1, 3, 13}) + "abcde", "257 3 13 YWJjZGU="},
        {RecordType::rrsig,
         rrsig,
         "MX 13 2 60 20211028060032 20211027001040 4660 example YWJjZA=="},
        {RecordType::rrsig, rrsig.substr(0, 17), ""},
        {static_cast<RecordType>(65), octets({0xA, 0xFF}), "\\# 2 0aff"},  // RFC 3597 §5
        {static_cast<RecordType>(65), "", "\\# 0"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(show(row.type, row.data), row.shown)
            << format_type(static_cast<std::uint16_t>(row.type)) << " "
            << (row.shown.empty() ? "is refused" : "");
    }
}

TEST(Record, knows_types_by_name) {
    EXPECT_EQ(parse_type("mx"), RecordType::mx);
    EXPECT_EQ(parse_type("DNSKEY"), RecordType::dnskey);
    EXPECT_EQ(parse_type("ANY"), std::nullopt);
    EXPECT_EQ(format_type(RecordType::caa), "CAA");
    EXPECT_EQ(format_type(std::uint16_t{65}), "TYPE65");
    for (const int number : {1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 46, 48, 52, 257}) {
        const auto type = static_cast<std::uint16_t>(number);
        const std::string name = format_type(type);
        EXPECT_EQ(parse_type(name), static_cast<RecordType>(type)) << name;
    }
}

TEST(Record, a_text_is_read_as_one) {
    const Text text{{"v=spf1 include:", "example.net -all"}};
    EXPECT_EQ(text.joined(), "v=spf1 include:example.net -all");
}

// RFC 4034 §5.4: dskey.example.com.
TEST(Record, reckons_the_tag_of_a_key) {
    constexpr std::string_view digits =
        "01039e8a247418e318903b215a848acfd5f37f026bd4062db26c774c690968d5d56df8bfda91e6f36d9a279888"
        "f41333357c5e6029990d10fdf5663062a512763326980a615ddbf17a05ddfcce7e5fb3abcca05a31b0957452d4"
        "521e83870789063115bf97f6c308ccf57cdc9ce7fe10f6ed1bd0cc0660038c50dcdb0feb963c2f17";
    Dnskey key{256, 3, 5, {}};
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        key.key += static_cast<char>(std::stoi(std::string{digits.substr(at, 2)}, nullptr, 16));
    }
    EXPECT_EQ(key.key_tag(), 60485);
    EXPECT_FALSE(key.is_secure_entry_point());
}

TEST(Record, knows_what_lies_below_what) {
    EXPECT_TRUE(is_at_or_below("a.example", "example"));
    EXPECT_TRUE(is_at_or_below("example", "example"));
    EXPECT_TRUE(is_at_or_below("example", ""));
    EXPECT_FALSE(is_at_or_below("aexample", "example"));
    EXPECT_FALSE(is_at_or_below("example", "a.example"));
    EXPECT_EQ(plain_name("Example.NET."), "example.net");
    EXPECT_EQ(plain_name("."), "");
}

}  // namespace
}  // namespace siding::dns
