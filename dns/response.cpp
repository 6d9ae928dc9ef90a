#include "dns/response.hpp"

#include "base/bytes.hpp"
#include "dns/wire_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace siding::dns {
namespace {

constexpr std::uint16_t type_opt = 41;
constexpr int aliases_max = 16;
constexpr std::size_t error_text_max = 256;

// Of the second 16 bits of a message.
constexpr unsigned is_response = 0x8000;
constexpr unsigned is_authoritative = 0x0400;
constexpr unsigned is_truncated = 0x0200;
constexpr unsigned can_recurse = 0x0080;
constexpr unsigned is_authenticated = 0x0020;

struct Header {
    std::uint16_t flags = 0;
    std::uint16_t questions = 0;
    std::array<std::uint16_t, 3> records{};  // of the sections
};

Error unusable(const Question& question, std::string_view why) {
    return {Errc::unavailable, "DNS about " + escape(question.name) + ": " + std::string{why}};
}

std::optional<Header> take_header(WireReader& reader) {
    if (reader.left() < header_octets) {
        return std::nullopt;
    }
    reader.take_16();  // the id
    Header header;
    header.flags = *reader.take_16();
    header.questions = *reader.take_16();
    for (std::uint16_t& count : header.records) {
        count = *reader.take_16();
    }
    return header;
}

bool is_plain_text(std::string_view octets) {
    return !octets.empty() &&
           std::ranges::all_of(octets, [](char c) { return c >= 0x20 && c < 0x7F && c != '\\'; });
}

// Options of the OPT record (RFC 6891 §6.1.2).
void read_options(WireReader reader, Response& response) {
    constexpr std::uint16_t nsid = 3;             // RFC 5001
    constexpr std::uint16_t client_subnet = 8;    // RFC 7871 §6
    constexpr std::uint16_t extended_error = 15;  // RFC 8914 §2
    while (!reader.is_at_end()) {
        const auto code = reader.take_16();
        const auto size = code ? reader.take_16() : std::nullopt;
        const auto octets = size ? reader.take_octets(*size) : std::nullopt;
        if (!octets) {
            return;  // what came before it is whole
        }
        WireReader data{*octets};
        if (*code == nsid) {
            response.nsid = is_plain_text(*octets) ? *octets : to_hex(*octets);
        } else if (*code == extended_error && data.left() >= 2) {
            const int number = *data.take_16();
            response.errors.push_back({number, escape(data.take_rest(), error_text_max)});
        } else if (*code == client_subnet && data.left() >= 4) {
            data.take_16();
            data.take_octet();
            response.ecs_scope = *data.take_octet();
        }
    }
}

void read_opt(const RawRecord& record, WireReader inside, Response& response) {
    if (response.has_edns) {
        return;  // RFC 6891 §6.1.1: there is one
    }
    response.has_edns = true;
    response.rcode |= static_cast<int>(record.ttl_field >> 24) << 4;
    read_options(inside, response);
}

// False where the section is malformed; what stands before that place is kept.
bool take_section(
    WireReader& reader,
    std::string_view octets,
    std::size_t count,
    std::vector<ResourceRecord>& section,
    Response& response
) {
    for (std::size_t n = 0; n < count; ++n) {
        auto raw = reader.take_record();
        if (!raw) {
            return false;
        }
        const WireReader inside = WireReader{octets}.inside(*raw);
        if (raw->type == type_opt) {
            read_opt(*raw, inside, response);
            continue;
        }
        if (raw->record_class != class_in) {
            continue;
        }
        auto data = read_rdata(inside, raw->type);
        if (!data) {
            return false;
        }
        section.push_back({std::move(raw->owner), raw->type, raw->ttl(), std::move(*data)});
    }
    return true;
}

}  // namespace

std::string format_rcode(int code) {
    constexpr std::array<std::string_view, 11> names{
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE"};
    if (code == rcode::bad_version) {
        return "BADVERS";
    }
    const auto at = static_cast<std::size_t>(code);
    return at < names.size() ? std::string{names[at]} : "RCODE" + std::to_string(code);
}

Result<Response> parse_response(std::string_view octets, const Question& question) {
    WireReader reader{octets};
    const auto header = take_header(reader);
    if (!header || octets.size() > std::numeric_limits<std::uint16_t>::max() ||
        (header->flags & is_response) == 0) {
        return unusable(question, "this is no answer");
    }
    Response response;
    response.rcode = static_cast<int>(header->flags & 0x000F);
    response.authoritative = (header->flags & is_authoritative) != 0;
    response.truncated = (header->flags & is_truncated) != 0;
    response.recursion_available = (header->flags & can_recurse) != 0;
    response.authenticated = (header->flags & is_authenticated) != 0;
    response.octets = octets.size();

    // Who cannot read a question cannot repeat it (RFC 1035 §4.1.1).
    const bool may_lack_question = response.rcode == rcode::malformed_query;
    if (header->questions == 0 && may_lack_question) {
        return response;
    }
    if (header->questions != 1) {
        return unusable(question, "answers another question");
    }
    const auto name = reader.take_name();
    const auto type = name ? reader.take_16() : std::nullopt;
    const auto asked_class = type ? reader.take_16() : std::nullopt;
    if (!asked_class) {
        return unusable(question, "a malformed answer");
    }
    if (*name != plain_name(question.name) || *type != static_cast<std::uint16_t>(question.type) ||
        *asked_class != class_in) {
        return unusable(question, "answers another question");
    }
    const std::array sections{&response.answers, &response.authority, &response.additional};
    for (std::size_t n = 0; n < sections.size(); ++n) {
        if (take_section(reader, octets, header->records[n], *sections[n], response)) {
            continue;
        }
        if (!response.truncated) {
            return unusable(question, "a malformed answer");
        }
        break;
    }
    return response;
}

std::vector<ResourceRecord> find(
    const Response& response, std::string_view owner, RecordType type
) {
    const std::string name = plain_name(owner);
    std::vector<ResourceRecord> found;
    for (const ResourceRecord& record : response.answers) {
        if (record.is(type) && record.owner == name) {
            found.push_back(record);
        }
    }
    return found;
}

std::string RrSet::text() const {
    std::string out;
    for (const std::string& record : data) {
        out += (out.empty() ? "" : "; ") + record;
    }
    return out;
}

RrSet make_rrset(const std::vector<ResourceRecord>& records) {
    RrSet set;
    for (const ResourceRecord& record : records) {
        set.ttl = set.data.empty() ? record.ttl : std::min(set.ttl, record.ttl);
        set.data.push_back(format_rdata(record));
    }
    std::ranges::sort(set.data);
    const auto repeated = std::ranges::unique(set.data);
    set.data.erase(repeated.begin(), repeated.end());
    return set;
}

RrSet rrset_of(const Response& response, std::string_view owner, RecordType type) {
    return make_rrset(find(response, owner, type));
}

std::string follow_aliases(const Response& response, std::string_view owner) {
    std::string name = plain_name(owner);
    for (int step = 0; step < aliases_max; ++step) {
        const auto aliases = find(response, name, RecordType::cname);
        const HostName* const target = aliases.empty() ? nullptr : aliases.front().as<HostName>();
        if (target == nullptr) {
            return name;
        }
        name = target->name;
    }
    return name;
}

std::chrono::seconds negative_ttl_of(const Response& response) {
    for (const ResourceRecord& record : response.authority) {
        if (const Soa* const soa = record.as<Soa>()) {
            return std::min(record.ttl, soa->minimum);
        }
    }
    return std::chrono::seconds{0};
}

}  // namespace siding::dns
