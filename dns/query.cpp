#include "dns/query.hpp"

#include "base/bytes.hpp"
#include "dns/wire_reader.hpp"

#include <algorithm>

namespace siding::dns {
namespace {

constexpr std::size_t name_octets_max = 253;  // RFC 1035 §2.3.4, without the root's label
constexpr std::size_t label_octets_max = 63;

std::string be16(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xFF), static_cast<char>(number & 0xFF)};
}

bool is_label(std::string_view label) {
    const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F && c != '\\'; };
    return !label.empty() && label.size() <= label_octets_max &&
           std::ranges::all_of(label, is_plain);
}

Result<std::string> write_name(const std::string& name) {
    std::string octets;
    std::string_view rest = name;
    while (!rest.empty()) {
        const std::size_t dot = std::min(rest.find('.'), rest.size());
        const std::string_view label = rest.substr(0, dot);
        const bool ends_in_dot = dot + 1 == rest.size();
        if (!is_label(label) || ends_in_dot || name.size() > name_octets_max) {
            return Error{Errc::invalid_argument, "\"" + escape(name) + "\" is no name in DNS"};
        }
        octets += static_cast<char>(label.size());
        octets += label;
        rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    return octets + '\0';
}

// RFC 6891 §6.1.2, RFC 3225 §3 (DO), RFC 5001 §2.1 (NSID, empty).
std::string write_opt() {
    constexpr std::size_t type_opt = 41;
    constexpr std::size_t dnssec_ok = 0x8000;
    constexpr std::size_t option_nsid = 3;
    const std::string option = be16(option_nsid) + be16(0);
    return std::string(1, '\0') + be16(type_opt) + be16(udp_octets_max) + be16(0) +
           be16(dnssec_ok) + be16(option.size()) + option;
}

}  // namespace

Result<std::string> make_query(std::uint16_t id, const Question& question, QueryFlags flags) {
    SIDING_ASSIGN(const std::string name, write_name(plain_name(question.name)));
    constexpr std::size_t recursion_desired = 0x0100;
    constexpr std::size_t authenticated_data = 0x0020;  // RFC 6840 §5.7: tell us
    constexpr std::size_t checking_disabled = 0x0010;
    const std::size_t bits = (flags.recurse ? recursion_desired | authenticated_data : 0) |
                             (flags.checking_disabled ? checking_disabled : 0);
    std::string octets = be16(id) + be16(bits) + be16(1) + be16(0) + be16(0) +
                         be16(flags.with_edns ? 1 : 0) + name +
                         be16(static_cast<std::uint16_t>(question.type)) + be16(class_in);
    return flags.with_edns ? octets + write_opt() : octets;
}

}  // namespace siding::dns
