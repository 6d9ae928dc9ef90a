#include "dns/wire_reader.hpp"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>

namespace siding::dns {
namespace {

using std::chrono::seconds;
using Read = std::optional<Rdata>;

// Numbers of one width in a row.
template <typename Number, std::size_t count, typename Take>
std::optional<std::array<Number, count>> take_all(WireReader& reader, Take take) {
    std::array<Number, count> numbers{};
    for (Number& number : numbers) {
        const auto taken = (reader.*take)();
        if (!taken) {
            return std::nullopt;
        }
        number = *taken;
    }
    return numbers;
}

template <std::size_t count>
auto take_octets(WireReader& reader) {
    return take_all<std::uint8_t, count>(reader, &WireReader::take_octet);
}

template <std::size_t count>
auto take_16s(WireReader& reader) {
    return take_all<std::uint16_t, count>(reader, &WireReader::take_16);
}

template <std::size_t count>
auto take_32s(WireReader& reader) {
    return take_all<std::uint32_t, count>(reader, &WireReader::take_32);
}

Read read_address(WireReader reader, bool is_ipv6) {
    const std::string octets = reader.take_rest();
    if (octets.size() != (is_ipv6 ? 16U : 4U)) {
        return std::nullopt;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = is_ipv6 ? AF_INET6 : AF_INET;
    if (::inet_ntop(family, octets.data(), text.data(), text.size()) == nullptr) {
        return std::nullopt;
    }
    return Address{is_ipv6 ? net::Family::ipv6 : net::Family::ipv4, text.data()};
}

Read read_host_name(WireReader reader) {
    auto name = reader.take_name();
    if (!name || !reader.is_at_end()) {
        return std::nullopt;
    }
    return HostName{std::move(*name)};
}

Read read_mx(WireReader reader) {
    const auto preference = reader.take_16();
    auto host = preference ? reader.take_name() : std::nullopt;
    if (!host || !reader.is_at_end()) {
        return std::nullopt;
    }
    return Mx{*preference, std::move(*host)};
}

Read read_soa(WireReader reader) {
    auto primary = reader.take_name();
    auto mailbox = primary ? reader.take_name() : std::nullopt;
    const auto numbers = mailbox ? take_32s<5>(reader) : std::nullopt;
    if (!numbers || !reader.is_at_end()) {
        return std::nullopt;
    }
    const auto& [serial, refresh, retry, expire, minimum] = *numbers;
    return Soa{
        std::move(*primary),
        std::move(*mailbox),
        serial,
        seconds{refresh},
        seconds{retry},
        seconds{expire},
        seconds{minimum}};
}

// RFC 1035 §3.3.14: one string or more.
Read read_text(WireReader reader) {
    Text text;
    do {
        const auto size = reader.take_octet();
        auto octets = size ? reader.take_octets(*size) : std::nullopt;
        if (!octets) {
            return std::nullopt;
        }
        text.strings.push_back(std::move(*octets));
    } while (!reader.is_at_end());
    return text;
}

// RFC 6698 §2.1.
Read read_tlsa(WireReader reader) {
    const auto numbers = take_octets<3>(reader);
    if (!numbers) {
        return std::nullopt;
    }
    const auto& [usage, selector, matching] = *numbers;
    return net::TlsaRecord{usage, selector, matching, reader.take_rest()};
}

// RFC 2782.
Read read_srv(WireReader reader) {
    const auto numbers = take_16s<3>(reader);
    auto target = numbers ? reader.take_name() : std::nullopt;
    if (!target || !reader.is_at_end()) {
        return std::nullopt;
    }
    const auto& [priority, weight, port] = *numbers;
    return Srv{priority, weight, port, std::move(*target)};
}

// RFC 8659 §4.1.
Read read_caa(WireReader reader) {
    const auto numbers = take_octets<2>(reader);
    auto tag = numbers ? reader.take_octets((*numbers)[1]) : std::nullopt;
    if (!tag || tag->empty()) {
        return std::nullopt;
    }
    return Caa{(*numbers)[0], std::move(*tag), reader.take_rest()};
}

// RFC 4034 §5.1.
Read read_ds(WireReader reader) {
    const auto key_tag = reader.take_16();
    const auto numbers = key_tag ? take_octets<2>(reader) : std::nullopt;
    if (!numbers) {
        return std::nullopt;
    }
    return Ds{*key_tag, (*numbers)[0], (*numbers)[1], reader.take_rest()};
}

// RFC 4034 §2.1.
Read read_dnskey(WireReader reader) {
    const auto flags = reader.take_16();
    const auto numbers = flags ? take_octets<2>(reader) : std::nullopt;
    if (!numbers) {
        return std::nullopt;
    }
    return Dnskey{*flags, (*numbers)[0], (*numbers)[1], reader.take_rest()};
}

// RFC 4034 §3.1.
Read read_rrsig(WireReader reader) {
    const auto covered = reader.take_16();
    const auto numbers = covered ? take_octets<2>(reader) : std::nullopt;
    const auto times = numbers ? take_32s<3>(reader) : std::nullopt;
    const auto key_tag = times ? reader.take_16() : std::nullopt;
    auto signer = key_tag ? reader.take_name() : std::nullopt;
    if (!signer) {
        return std::nullopt;
    }
    const auto& [ttl, expiration, inception] = *times;
    return Rrsig{
        *covered,
        (*numbers)[0],
        (*numbers)[1],
        seconds{ttl},
        WallTime{seconds{expiration}},
        WallTime{seconds{inception}},
        *key_tag,
        std::move(*signer),
        reader.take_rest()};
}

}  // namespace

Read read_rdata(WireReader inside, std::uint16_t type) {
    switch (static_cast<RecordType>(type)) {
    case RecordType::a:
        return read_address(inside, false);
    case RecordType::aaaa:
        return read_address(inside, true);
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::ptr:
        return read_host_name(inside);
    case RecordType::soa:
        return read_soa(inside);
    case RecordType::mx:
        return read_mx(inside);
    case RecordType::txt:
        return read_text(inside);
    case RecordType::srv:
        return read_srv(inside);
    case RecordType::ds:
        return read_ds(inside);
    case RecordType::rrsig:
        return read_rrsig(inside);
    case RecordType::dnskey:
        return read_dnskey(inside);
    case RecordType::tlsa:
        return read_tlsa(inside);
    case RecordType::caa:
        return read_caa(inside);
    }
    return Opaque{inside.take_rest()};
}

}  // namespace siding::dns
