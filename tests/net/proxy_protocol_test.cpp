#include "net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace siding::net {
namespace {

using namespace std::string_literals;
using Status = ProxyParse::Status;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

// "…" → "need", "bad: reason", or the header and how much of the input it took.
std::string show(const ProxyParse& parsed) {
    switch (parsed.status) {
    case Status::need_more:
        return "need";
    case Status::malformed:
        return "bad";
    case Status::complete:
        break;
    }
    std::string text = std::to_string(parsed.consumed) + " ";
    if (parsed.header.local) {
        return text + "local";
    }
    text += parsed.header.source.text() + " > " + parsed.header.destination.text();
    if (parsed.header.tls_version) {
        text += " " + *parsed.header.tls_version;
    }
    if (parsed.header.tls_cipher) {
        text += " " + *parsed.header.tls_cipher;
    }
    return text;
}

std::string length(std::size_t size) {
    return {static_cast<char>(size >> 8), static_cast<char>(size & 0xFF)};
}

std::string v2(char command, char family, const std::string& rest) {
    return signature + command + family + length(rest.size()) + rest;
}

std::string tlv(char type, const std::string& value) {
    return type + length(value.size()) + value;
}

const std::string v4_ends = "\xC0\x00\x02\x01\xC6\x33\x64\x02\x9C\x40\x00\x19"s;
const std::string v6_one = "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"s;
const std::string v6_two = "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02"s;
const std::string v4_in_v6 = "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x01"s;
const std::string ports = "\x9C\x40\x00\x19"s;

struct Row {
    std::string input;
    std::string expected;
};

const std::vector<Row> v1_rows{
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n", "44 192.0.2.1:40000 > 198.51.100.2:25"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 0 65535\r\n", "43 192.0.2.1:0 > 198.51.100.2:65535"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
     "56 255.255.255.255:65535 > 255.255.255.255:65535"},
    {"PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n",
     "45 [2001:db8::1]:40000 > [2001:db8::2]:25"},
    {"PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:0001 ::1 1 2\r\n",
     "60 [2001:db8::1]:1 > [::1]:2"},
    {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "37 192.0.2.1:1 > [::1]:2"},  // RFC 4291 §2.5.5.2
    {"PROXY UNKNOWN\r\n", "15 local"},
    {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "59 local"},
    {"PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n", "107 local"},
    {"PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n", "bad"},  // 108 octets
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\rx", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 \r\n", "bad"},
    {"PROXY TCP4 192.0.2.1  198.51.100.2 40000 25\r\n", "bad"},
    {"PROXY TCP4\t192.0.2.1 198.51.100.2 40000 25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 +1 25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 040 25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2  25\r\n", "bad"},
    {"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", "bad"},
    {"PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n", "bad"},
    {"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "bad"},
    {"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", "bad"},
    {"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "bad"},
    {"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", "bad"},
    {"PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", "bad"},
    {"PROXY \r\n", "bad"},
    {"PROXY UNKNOWNX\r\n", "bad"},
    {"PROXY TCP4 192.0.2.1\0 198.51.100.2 1 2\r\n"s, "bad"},
    {"PROXY UNKNOWN \x80\r\n", "bad"},
    {"proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n", "bad"},
    {"PROXX", "bad"},
    {"EHLO a\r\n", "bad"},
    {"\x16\x03\x01", "bad"},
    {"", "need"},
    {"P", "need"},
    {"PROXY ", "need"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r", "need"},
};

const std::vector<Row> v2_rows{
    {v2('\x21', '\x11', v4_ends), "28 192.0.2.1:40000 > 198.51.100.2:25"},
    {v2('\x21', '\x21', v6_one + v6_two + ports), "52 [2001:db8::1]:40000 > [2001:db8::2]:25"},
    {v2('\x21', '\x21', v4_in_v6 + v6_two + ports), "52 192.0.2.1:40000 > [2001:db8::2]:25"},
    // LOCAL: whatever comes with it.
    {v2('\x20', '\x00', ""), "16 local"},
    {v2('\x20', '\x11', v4_ends), "28 local"},
    {v2('\x20', '\x11', "abc"), "19 local"},
    // Families that are no TCP over IP.
    {v2('\x21', '\x00', ""), "16 local"},
    {v2('\x21', '\x00', "\xFF\xFF"), "18 local"},
    {v2('\x21', '\x12', v4_ends), "28 local"},
    {v2('\x21', '\x31', std::string(216, 'x')), "232 local"},
    // Values that nobody has assigned.
    {v2('\x11', '\x11', v4_ends), "bad"},
    {v2('\x31', '\x11', v4_ends), "bad"},
    {v2('\x22', '\x11', v4_ends), "bad"},
    {v2('\x21', '\x41', v4_ends), "bad"},
    {v2('\x21', '\x13', v4_ends), "bad"},
    // Too short for the family.
    {v2('\x21', '\x11', v4_ends.substr(1)), "bad"},
    {v2('\x21', '\x21', v4_ends), "bad"},
    // Length: ours ends at 4096.
    {v2('\x20', '\x00', std::string(4080, 'x')), "4096 local"},
    {v2('\x20', '\x00', std::string(4081, 'x')), "bad"},
    {(signature + "\x20\x00\xFF\xFF"s), "bad"},
    // TLVs.
    {v2('\x21', '\x11', v4_ends + tlv('\x05', "id") + tlv('\x04', "")),
     "36 192.0.2.1:40000 > 198.51.100.2:25"},
    {v2('\x21', '\x11', v4_ends + "\x05\x00"s), "bad"},
    {v2('\x21', '\x11', v4_ends + "\x05\x00\x02x"s), "bad"},
    {v2('\x21',
        '\x11',
        v4_ends + tlv('\x20', "\x01\0\0\0\0"s + tlv('\x21', "TLSv1.3") + tlv('\x23', "A\x1b"))),
     "51 192.0.2.1:40000 > 198.51.100.2:25 TLSv1.3 A\\x1b"},
    {v2('\x21', '\x11', v4_ends + tlv('\x20', "\0\0\0\0\0"s + tlv('\x21', "TLSv1.3"))),
     "46 192.0.2.1:40000 > 198.51.100.2:25"},  // says that TLS was not used
    {v2('\x21', '\x11', v4_ends + tlv('\x20', "\x01\0\0\0")), "bad"},
    {v2('\x21', '\x11', v4_ends + tlv('\x20', "\x01\0\0\0\0\x21\x00\x09TLSv1.3"s)), "bad"},
    {v2('\x21', '\x11', v4_ends + tlv('\x03', "\0\0\0\0"s)), "bad"},
    {v2('\x21', '\x11', v4_ends + tlv('\x03', "\0\0\0"s)), "bad"},
    // Signature.
    {signature.substr(0, 11) + "\r", "bad"},
    {"\r\n\r\n\r\n", "bad"},
    {"\r\n", "need"},
    {signature, "need"},
    {signature + "\x21\x11\x00"s, "need"},
};

TEST(ProxyProtocol, reads_version_1) {
    for (const Row& row : v1_rows) {
        EXPECT_EQ(show(parse_proxy_header(row.input)), row.expected) << row.input;
    }
}

TEST(ProxyProtocol, reads_version_2) {
    for (std::size_t n = 0; n < v2_rows.size(); ++n) {
        EXPECT_EQ(show(parse_proxy_header(v2_rows[n].input)), v2_rows[n].expected) << n;
    }
}

TEST(ProxyProtocol, does_not_look_beyond_and_is_not_satisfied_early) {
    for (const auto* const rows : {&v1_rows, &v2_rows}) {
        for (const Row& row : *rows) {
            const std::string whole = show(parse_proxy_header(row.input));
            if (whole == "bad" || whole == "need") {
                continue;
            }
            EXPECT_EQ(show(parse_proxy_header(row.input + "EHLO a\r\n\0"s)), whole);
            for (std::size_t size = 0; size < row.input.size(); ++size) {
                const auto part = std::string_view{row.input}.substr(0, size);
                EXPECT_EQ(show(parse_proxy_header(part)), "need") << whole << " cut at " << size;
            }
        }
    }
}

TEST(ProxyProtocol, checks_a_checksum) {
    // HAProxy's own sum over this header; see RFC 4960 appendix B.
    const std::string header = v2('\x21', '\x11', v4_ends + tlv('\x03', "\0\0\0\0"s));
    unsigned accepted = 0;
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : header) {
        crc ^= static_cast<std::uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
    }
    crc = ~crc;
    for (std::uint32_t flipped = 0; flipped < 33; ++flipped) {
        const std::uint32_t sum = flipped == 32 ? crc : crc ^ (1U << flipped);
        std::string sent = header;
        for (std::size_t n = 0; n < 4; ++n) {
            sent[sent.size() - 4 + n] = static_cast<char>(sum >> (24 - 8 * n));
        }
        accepted += parse_proxy_header(sent).status == Status::complete ? 1 : 0;
    }
    EXPECT_EQ(accepted, 1U);
}

TEST(ProxyProtocol, gives_a_reason) {
    EXPECT_EQ(parse_proxy_header("EHLO a\r\n").reason, "no PROXY header");
    EXPECT_TRUE(parse_proxy_header("EHLO a\r\n").foreign);
    EXPECT_FALSE(parse_proxy_header("PROXY TCP4 a b 1 2\r\n").foreign);
    EXPECT_EQ(
        parse_proxy_header("PROXY TCP4 a b 1 2\r\n").reason,
        "a PROXY line with a bad address or port"
    );
}

TEST(ProxyProtocol, writes_what_it_reads) {
    const Endpoint v4{Family::ipv4, "192.0.2.1", 4711};
    const Endpoint v4_here{Family::ipv4, "198.51.100.25", 25};
    const Endpoint v6{Family::ipv6, "2001:db8::1", 65535};
    const Endpoint v6_here{Family::ipv6, "2001:db8::25", 25};
    struct Ends {
        Endpoint source;
        Endpoint destination;
        std::string shown;
    };
    const std::vector<Ends> rows{
        {v4, v4_here, "28 192.0.2.1:4711 > 198.51.100.25:25"},
        {v6, v6_here, "52 [2001:db8::1]:65535 > [2001:db8::25]:25"},
        {v4, v6_here, "52 192.0.2.1:4711 > [2001:db8::25]:25"},  // mapped, and shown as IPv4
        {{Family::ipv6, "fe80::1%eth0", 1}, v6_here, "52 [fe80::1]:1 > [2001:db8::25]:25"},
        {{Family::local, "/run/x.sock", 0}, v4_here, "16 local"},
        {v4, {}, "16 local"},
    };
    for (const Ends& row : rows) {
        const std::string octets = format_proxy_v2(row.source, row.destination);
        EXPECT_EQ(show(parse_proxy_header(octets)), row.shown);
        EXPECT_EQ(octets.substr(0, signature.size()), signature);
    }
    const std::string expected =
        signature + "\x21\x11\0\x0C\xC0\0\x02\x01\xC6\x33\x64\x19"s + "\x12\x67\0\x19"s;
    EXPECT_EQ(format_proxy_v2(v4, v4_here), expected);
}

}  // namespace
}  // namespace siding::net
