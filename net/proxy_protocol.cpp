#include "net/proxy_protocol.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace siding::net {
namespace {

using Status = ProxyParse::Status;

constexpr std::string_view v1_signature = "PROXY ";
constexpr std::string_view v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t v2_prefix_octets = 16;  // signature, version, family, length

ProxyParse malformed(std::string_view reason) {
    return {.status = Status::malformed, .reason = reason};
}

ProxyParse need_more() {
    return {.status = Status::need_more};
}

ProxyParse complete(std::size_t consumed, ProxyHeader header) {
    return {.status = Status::complete, .consumed = consumed, .header = std::move(header)};
}

bool starts_like(std::string_view octets, std::string_view signature) {
    const auto size = std::min(octets.size(), signature.size());
    return octets.substr(0, size) == signature.substr(0, size);
}

Endpoint ipv4_endpoint(std::string_view address, std::uint16_t port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    std::memcpy(&name.sin_addr, address.data(), sizeof name.sin_addr);
    return make_endpoint(reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

Endpoint ipv6_endpoint(std::string_view address, std::uint16_t port) {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(port);
    std::memcpy(&name.sin6_addr, address.data(), sizeof name.sin6_addr);
    return make_endpoint(reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

// --- Version 1 (§2.1) ---------------------------------------------------------------------------

std::vector<std::string_view> split_at_spaces(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        const auto space = text.find(' ');
        words.push_back(text.substr(0, space));
        if (space == std::string_view::npos) {
            return words;
        }
        text.remove_prefix(space + 1);
    }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool is_plain = text.size() == 1 || !text.starts_with('0');
    if (code != std::errc{} || end != text.data() + text.size() || !is_plain) {
        return std::nullopt;
    }
    return port;
}

std::optional<Endpoint> parse_v1_end(
    bool is_v6, std::string_view address, std::string_view port_text
) {
    const auto port = parse_port(port_text);
    std::array<char, sizeof(in6_addr)> octets{};
    const std::string text{address};
    if (!port || ::inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), octets.data()) != 1) {
        return std::nullopt;
    }
    const std::string_view view{octets.data(), octets.size()};
    return is_v6 ? ipv6_endpoint(view, *port) : ipv4_endpoint(view, *port);
}

ProxyParse parse_v1(std::string_view octets) {
    const std::string_view window = octets.substr(0, proxy_v1_octets_max);
    const auto end = window.find_first_of("\r\n");
    const std::string_view text = window.substr(0, end);
    const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::ranges::all_of(text, is_printable)) {
        return malformed("an octet that is no text in a PROXY line");
    }
    const bool has_end =
        end != std::string_view::npos && (window[end] == '\n' || end + 1 < window.size());
    if (!has_end) {
        return window.size() < proxy_v1_octets_max ? need_more()
                                                   : malformed("a PROXY line of over 107 octets");
    }
    if (window.substr(end, 2) != "\r\n") {
        return malformed("a PROXY line that does not end in CRLF");
    }
    const auto words = split_at_spaces(text);
    const std::size_t consumed = end + 2;
    // §2.1: whatever follows UNKNOWN is ignored.
    if (words[1] == "UNKNOWN") {
        return complete(consumed, {});
    }
    const bool is_v6 = words[1] == "TCP6";
    if ((!is_v6 && words[1] != "TCP4") || words.size() != 6) {
        return malformed("a PROXY line of an unknown form");
    }
    const auto source = parse_v1_end(is_v6, words[2], words[4]);
    const auto destination = parse_v1_end(is_v6, words[3], words[5]);
    if (!source || !destination) {
        return malformed("a PROXY line with a bad address or port");
    }
    ProxyHeader header;
    header.local = false;
    header.source = *source;
    header.destination = *destination;
    return complete(consumed, std::move(header));
}

// --- Version 2 (§2.2) ---------------------------------------------------------------------------

std::uint8_t octet_at(std::string_view octets, std::size_t offset) {
    return static_cast<std::uint8_t>(octets[offset]);
}

std::uint16_t number_at(std::string_view octets, std::size_t offset) {
    return static_cast<std::uint16_t>(octet_at(octets, offset) << 8 | octet_at(octets, offset + 1));
}

// §2.2.3, RFC 4960 appendix B: reflected, polynomial 0x1EDC6F41.
std::uint32_t update_crc32c(std::uint32_t crc, std::uint8_t octet) {
    crc ^= octet;
    for (int bit = 0; bit < 8; ++bit) {
        crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
    }
    return crc;
}

// The checksum's own four octets count as zero.
bool fits_checksum(std::string_view whole, std::size_t offset) {
    std::uint32_t crc = 0xFFFFFFFFU;
    for (std::size_t n = 0; n < whole.size(); ++n) {
        crc = update_crc32c(crc, n - offset < 4 ? std::uint8_t{0} : octet_at(whole, n));
    }
    const auto sent =
        static_cast<std::uint32_t>(number_at(whole, offset)) << 16 | number_at(whole, offset + 2);
    return ~crc == sent;
}

struct Tlv {
    std::uint8_t type = 0;
    std::string_view value;
};

// Nothing when the next one does not fit into what is left.
std::optional<Tlv> take_tlv(std::string_view& rest) {
    if (rest.size() < 3 || rest.size() - 3 < number_at(rest, 1)) {
        return std::nullopt;
    }
    const Tlv tlv{octet_at(rest, 0), rest.substr(3, number_at(rest, 1))};
    rest.remove_prefix(3 + tlv.value.size());
    return tlv;
}

// §2.2.5: client flags, verify result, then TLVs of its own.
bool read_tls(std::string_view value, ProxyHeader& header) {
    constexpr std::uint8_t came_over_tls = 0x01;
    constexpr std::uint8_t type_version = 0x21;
    constexpr std::uint8_t type_cipher = 0x23;
    if (value.size() < 5) {
        return false;
    }
    const bool is_tls = (octet_at(value, 0) & came_over_tls) != 0;
    for (std::string_view rest = value.substr(5); !rest.empty();) {
        const auto tlv = take_tlv(rest);
        if (!tlv) {
            return false;
        }
        if (is_tls && tlv->type == type_version) {
            header.tls_version = escape(tlv->value, 32);
        } else if (is_tls && tlv->type == type_cipher) {
            header.tls_cipher = escape(tlv->value, 64);
        }
    }
    return true;
}

// Nothing, or what is wrong.
std::optional<std::string_view> read_tlvs(
    std::string_view whole, std::size_t offset, ProxyHeader& header
) {
    constexpr std::uint8_t type_crc32c = 0x03;
    constexpr std::uint8_t type_ssl = 0x20;
    for (std::string_view rest = whole.substr(offset); !rest.empty();) {
        const auto tlv = take_tlv(rest);
        if (!tlv) {
            return "a PROXY header with a field beyond its end";
        }
        const auto value_offset = static_cast<std::size_t>(tlv->value.data() - whole.data());
        if (tlv->type == type_crc32c &&
            (tlv->value.size() != 4 || !fits_checksum(whole, value_offset))) {
            return "a PROXY header with a wrong checksum";
        }
        if (tlv->type == type_ssl && !read_tls(tlv->value, header)) {
            return "a PROXY header with a bad TLS field";
        }
    }
    return std::nullopt;
}

// §2.2: source and destination address, source and destination port.
ProxyParse parse_v2_addresses(std::string_view whole, bool is_v6) {
    const std::size_t size = is_v6 ? 16 : 4;
    const std::size_t tlvs = v2_prefix_octets + 2 * size + 4;
    if (whole.size() < tlvs) {
        return malformed("a PROXY header too short for its addresses");
    }
    const std::string_view addresses = whole.substr(v2_prefix_octets);
    const std::uint16_t source_port = number_at(addresses, 2 * size);
    const std::uint16_t destination_port = number_at(addresses, 2 * size + 2);
    const auto make = is_v6 ? ipv6_endpoint : ipv4_endpoint;
    ProxyHeader header;
    header.local = false;
    header.source = make(addresses.substr(0, size), source_port);
    header.destination = make(addresses.substr(size, size), destination_port);
    if (const auto reason = read_tlvs(whole, tlvs, header)) {
        return malformed(*reason);
    }
    return complete(whole.size(), std::move(header));
}

ProxyParse parse_v2(std::string_view octets) {
    if (octets.size() < v2_prefix_octets) {
        return need_more();
    }
    const std::uint8_t version = octet_at(octets, 12) >> 4;
    const std::uint8_t command = octet_at(octets, 12) & 0x0F;
    const std::uint8_t family = octet_at(octets, 13) >> 4;
    const std::uint8_t transport = octet_at(octets, 13) & 0x0F;
    // §2.2: receivers must drop connections with values that are not assigned.
    if (version != 2 || command > 1 || family > 3 || transport > 2) {
        return malformed("a PROXY header with an unknown version, command or family");
    }
    const std::size_t size = v2_prefix_octets + number_at(octets, 14);
    if (size > proxy_v2_octets_max) {
        return malformed("a PROXY header of over 4096 octets");
    }
    if (octets.size() < size) {
        return need_more();
    }
    const bool is_local = command == 0;
    const bool is_ip_stream = transport == 1 && (family == 1 || family == 2);
    if (is_local || !is_ip_stream) {
        return complete(size, {});
    }
    return parse_v2_addresses(octets.substr(0, size), family == 2);
}

// --- Writing ------------------------------------------------------------------------------------

void append_number(std::string& octets, std::size_t number) {
    octets += static_cast<char>(number >> 8 & 0xFF);
    octets += static_cast<char>(number & 0xFF);
}

std::optional<in_addr> ipv4_of(const Endpoint& endpoint) {
    in_addr octets{};
    if (::inet_pton(AF_INET, endpoint.address.c_str(), &octets) != 1) {
        return std::nullopt;
    }
    return octets;
}

std::optional<in6_addr> ipv6_of(const Endpoint& endpoint) {
    // A zone (fe80::1%eth0) means nothing to another host.
    const std::string address = endpoint.address.substr(0, endpoint.address.find('%'));
    in6_addr octets{};
    const std::string mapped = ipv4_of(endpoint) ? "::ffff:" + address : address;
    if (::inet_pton(AF_INET6, mapped.c_str(), &octets) != 1) {
        return std::nullopt;
    }
    return octets;
}

template <typename Octets>
std::string join(const Octets& source, const Octets& destination) {
    return std::string{reinterpret_cast<const char*>(&source), sizeof source} +
           std::string{reinterpret_cast<const char*>(&destination), sizeof destination};
}

}  // namespace

std::string format_proxy_v2(const Endpoint& source, const Endpoint& destination) {
    constexpr char command_local = 0x20;
    constexpr char command_proxy = 0x21;
    constexpr char tcp_over_ipv4 = 0x11;
    constexpr char tcp_over_ipv6 = 0x21;
    std::string header{v2_signature};
    const auto source4 = ipv4_of(source);
    const auto destination4 = ipv4_of(destination);
    const auto source6 = ipv6_of(source);
    const auto destination6 = ipv6_of(destination);
    if (!source6 || !destination6) {
        header += command_local;
        header.append(3, '\0');  // UNSPEC, no octets
        return header;
    }
    const bool is_ipv4 = source4 && destination4;
    const std::string addresses =
        is_ipv4 ? join(*source4, *destination4) : join(*source6, *destination6);
    header += command_proxy;
    header += is_ipv4 ? tcp_over_ipv4 : tcp_over_ipv6;
    append_number(header, addresses.size() + 4);
    header += addresses;
    append_number(header, source.port);
    append_number(header, destination.port);
    return header;
}

ProxyParse parse_proxy_header(std::string_view octets) {
    const bool like_v1 = starts_like(octets, v1_signature);
    if (!like_v1 && !starts_like(octets, v2_signature)) {
        ProxyParse parsed = malformed("no PROXY header");
        parsed.foreign = true;
        return parsed;
    }
    if (octets.size() < v1_signature.size()) {
        return need_more();
    }
    return like_v1 ? parse_v1(octets) : parse_v2(octets);
}

}  // namespace siding::net
