#include "dns/record.hpp"

#include "base/base64.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace siding::dns {
namespace {

struct TypeName {
    RecordType type;
    std::string_view name;
};

constexpr std::array type_names{
    TypeName{RecordType::a, "A"},
    TypeName{RecordType::ns, "NS"},
    TypeName{RecordType::cname, "CNAME"},
    TypeName{RecordType::soa, "SOA"},
    TypeName{RecordType::ptr, "PTR"},
    TypeName{RecordType::mx, "MX"},
    TypeName{RecordType::txt, "TXT"},
    TypeName{RecordType::aaaa, "AAAA"},
    TypeName{RecordType::srv, "SRV"},
    TypeName{RecordType::ds, "DS"},
    TypeName{RecordType::rrsig, "RRSIG"},
    TypeName{RecordType::dnskey, "DNSKEY"},
    TypeName{RecordType::tlsa, "TLSA"},
    TypeName{RecordType::caa, "CAA"},
};

// RFC 1035 §5.1: in quotes, \" and \\, and \DDD for what is not printable.
std::string quote(std::string_view octets) {
    std::string out = "\"";
    for (const char c : octets) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (code >= 0x20 && code < 0x7F) {
            out += c;
        } else {
            const std::string digits = std::to_string(code);
            out += '\\' + std::string(3 - digits.size(), '0') + digits;
        }
    }
    return out + '"';
}

std::string quote_all(const std::vector<std::string>& strings) {
    std::string out;
    for (const std::string& text : strings) {
        out += (out.empty() ? "" : " ") + quote(text);
    }
    return out;
}

std::string absolute(const std::string& name) {
    return name.empty() ? "." : name;
}

template <typename... Parts>
std::string in_a_row(const Parts&... parts) {
    std::string out;
    const auto add = [&out](const auto& part) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(part)>>) {
            out += (out.empty() ? "" : " ") + std::to_string(part);
        } else {
            out += (out.empty() ? "" : " ") + std::string{part};
        }
    };
    (add(parts), ...);
    return out;
}

// RFC 4034 §3.2: "20261121140730", UTC.
std::string format_stamp(WallTime time) {
    std::string digits;
    for (const char c : format_time(time).substr(0, 19)) {
        if (c >= '0' && c <= '9') {
            digits += c;
        }
    }
    return digits;
}

struct Formatter {
    std::string operator()(const Opaque& data) const {
        return in_a_row("\\#", data.octets.size()) +
               (data.octets.empty() ? "" : " " + to_hex(data.octets));
    }
    std::string operator()(const Address& data) const { return data.text; }
    std::string operator()(const Mx& data) const {
        return in_a_row(data.preference, absolute(data.host));
    }
    std::string operator()(const HostName& data) const { return absolute(data.name); }
    std::string operator()(const Soa& data) const {
        return in_a_row(
            absolute(data.primary),
            absolute(data.mailbox),
            data.serial,
            data.refresh.count(),
            data.retry.count(),
            data.expire.count(),
            data.minimum.count()
        );
    }
    std::string operator()(const Text& data) const { return quote_all(data.strings); }
    std::string operator()(const net::TlsaRecord& data) const {
        return in_a_row(data.usage, data.selector, data.matching, to_hex(data.data));
    }
    std::string operator()(const Srv& data) const {
        return in_a_row(data.priority, data.weight, data.port, absolute(data.target));
    }
    std::string operator()(const Caa& data) const {
        // RFC 8659 §4.1: letters and digits, in either case; another's tag may be anything.
        const std::string tag = quote(to_lower(data.tag));
        return in_a_row(data.flags, tag.substr(1, tag.size() - 2), quote(data.value));
    }
    std::string operator()(const Ds& data) const {
        return in_a_row(data.key_tag, data.algorithm, data.digest_type, to_hex(data.digest));
    }
    std::string operator()(const Dnskey& data) const {
        return in_a_row(data.flags, data.protocol, data.algorithm, to_base64(data.key));
    }
    std::string operator()(const Rrsig& data) const {
        return in_a_row(
            format_type(data.covered),
            data.algorithm,
            data.labels,
            data.original_ttl.count(),
            format_stamp(data.expiration),
            format_stamp(data.inception),
            data.key_tag,
            absolute(data.signer),
            to_base64(data.signature)
        );
    }
};

}  // namespace

std::string Text::joined() const {
    std::string out;
    for (const std::string& text : strings) {
        out += text;
    }
    return out;
}

std::uint16_t Dnskey::key_tag() const {
    std::uint32_t sum = flags + (static_cast<std::uint32_t>(protocol) << 8 | algorithm);
    for (std::size_t at = 0; at < key.size(); ++at) {
        const std::uint32_t octet = static_cast<unsigned char>(key[at]);
        sum += at % 2 == 0 ? octet << 8 : octet;
    }
    sum += sum >> 16 & 0xFFFF;
    return static_cast<std::uint16_t>(sum & 0xFFFF);
}

std::string format_rdata(const ResourceRecord& record) {
    return std::visit(Formatter{}, record.data);
}

std::string_view format_type(RecordType type) {
    const auto known = std::ranges::find(type_names, type, &TypeName::type);
    return known == type_names.end() ? "?" : known->name;
}

std::string format_type(std::uint16_t type) {
    const auto known =
        std::ranges::find(type_names, static_cast<RecordType>(type), &TypeName::type);
    return known == type_names.end() ? "TYPE" + std::to_string(type) : std::string{known->name};
}

std::optional<RecordType> parse_type(std::string_view text) {
    const auto is_it = [text](const TypeName& known) {
        return equals_ignoring_case(known.name, text);
    };
    const auto known = std::ranges::find_if(type_names, is_it);
    return known == type_names.end() ? std::nullopt : std::optional{known->type};
}

std::string plain_name(std::string_view name) {
    std::string plain = to_lower(name);
    if (plain.ends_with('.')) {
        plain.pop_back();
    }
    return plain;
}

bool is_at_or_below(std::string_view name, std::string_view zone) {
    if (zone.empty() || name == zone) {
        return true;
    }
    return name.size() > zone.size() && name.ends_with(zone) &&
           name[name.size() - zone.size() - 1] == '.';
}

}  // namespace siding::dns
