#include "dns/message.hpp"

#include "base/bytes.hpp"
#include "dns/wire_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

namespace siding::dns {
namespace {

constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;

struct Message {
    std::uint16_t flags = 0;
    std::vector<RawRecord> answers;
    std::vector<RawRecord> authority;
};

Error unusable(std::string_view name, std::string_view why) {
    return {Errc::unavailable, "DNS about " + escape(name) + ": " + std::string{why}};
}

std::string_view name_of_rcode(unsigned rcode) {
    constexpr std::array<std::string_view, 6> names{
        "NOERROR",
        "the server calls it malformed (FORMERR)",
        "the server has failed, or the zone's signatures are wrong (SERVFAIL)",
        "NXDOMAIN",
        "the server cannot do this (NOTIMP)",
        "the server refuses (REFUSED)"};
    return rcode < names.size() ? names[rcode] : "an error without a name";
}

Result<Message> parse_message(std::string_view octets, std::string_view name, RecordType type) {
    WireReader reader{octets};
    if (octets.size() < header_octets ||
        octets.size() > std::numeric_limits<std::uint16_t>::max()) {
        return unusable(name, "not a DNS message");
    }
    reader.take_16();  // the id is c-ares' business
    Message message;
    message.flags = *reader.take_16();
    const std::uint16_t questions = *reader.take_16();
    const std::uint16_t answers = *reader.take_16();
    const std::uint16_t authority = *reader.take_16();
    reader.take_16();
    constexpr unsigned is_response = 0x8000;
    constexpr unsigned is_cut = 0x0200;
    if ((message.flags & is_response) == 0 || questions != 1) {
        return unusable(name, "not an answer");
    }
    const auto asked = reader.take_name();
    const auto asked_type = reader.take_16();
    const auto asked_class = reader.take_16();
    if (!asked || asked != name || asked_type != static_cast<std::uint16_t>(type) ||
        asked_class != class_in) {
        return unusable(name, "the answer to another question");
    }
    if ((message.flags & is_cut) != 0) {
        return unusable(name, "an answer that is cut off");
    }
    auto found = take_records(reader, answers);
    auto above = found ? take_records(reader, authority) : std::nullopt;
    if (!above) {
        return unusable(name, "a malformed answer");
    }
    message.answers = std::move(*found);
    message.authority = std::move(*above);
    return message;
}

std::optional<Record> read_record(WireReader reader, RecordType type) {
    const auto data = read_rdata(reader, static_cast<std::uint16_t>(type));
    if (!data) {
        return std::nullopt;
    }
    if (const auto* const mx = std::get_if<Mx>(&*data)) {
        return *mx;
    }
    if (const auto* const address = std::get_if<Address>(&*data)) {
        return *address;
    }
    if (const auto* const tlsa = std::get_if<net::TlsaRecord>(&*data)) {
        return *tlsa;
    }
    return std::nullopt;
}

// Goes from the name asked for to the one that has the records; false for a chain without end.
bool follow_aliases(const Message& message, std::string_view octets, Answer& answer) {
    for (int step = 0; step < aliases_max; ++step) {
        const auto is_alias = [&](const RawRecord& record) {
            return record.type == type_cname && record.record_class == class_in &&
                   record.owner == answer.name;
        };
        const auto found = std::ranges::find_if(message.answers, is_alias);
        if (found == message.answers.end()) {
            return true;
        }
        auto target = WireReader{octets}.inside(*found).take_name();
        if (!target) {
            return false;
        }
        answer.ttl = std::min(answer.ttl, found->ttl());
        answer.name = std::move(*target);
    }
    return false;
}

// RFC 2308 §5: the SOA says for how long there is nothing. Without one: not at all.
std::chrono::seconds ttl_of_absence(const Message& message, std::string_view octets) {
    for (const RawRecord& record : message.authority) {
        if (record.type != type_soa) {
            continue;
        }
        const auto data = read_rdata(WireReader{octets}.inside(record), type_soa);
        if (const auto* const soa = data ? std::get_if<Soa>(&*data) : nullptr) {
            return std::min(record.ttl(), soa->minimum);
        }
    }
    return std::chrono::seconds{0};
}

}  // namespace

Result<Answer> parse_answer(std::string_view octets, std::string_view name, RecordType type) {
    SIDING_ASSIGN(const Message message, parse_message(octets, name, type));
    constexpr unsigned no_error = 0;
    constexpr unsigned no_such_name = 3;
    constexpr unsigned is_authenticated = 0x0020;
    const unsigned rcode = message.flags & 0x000F;
    if (rcode != no_error && rcode != no_such_name) {
        return unusable(name, name_of_rcode(rcode));
    }
    Answer answer;
    answer.rcode = rcode == no_error ? Answer::Rcode::no_error : Answer::Rcode::no_such_name;
    answer.authenticated = (message.flags & is_authenticated) != 0;
    answer.name = name;
    answer.ttl = std::chrono::seconds::max();
    if (!follow_aliases(message, octets, answer)) {
        return unusable(name, "aliases without end");
    }
    for (const RawRecord& record : message.answers) {
        if (record.type != static_cast<std::uint16_t>(type) || record.record_class != class_in ||
            record.owner != answer.name) {
            continue;
        }
        auto read = read_record(WireReader{octets}.inside(record), type);
        if (!read) {
            return unusable(name, "a malformed record");
        }
        answer.ttl = std::min(answer.ttl, record.ttl());
        answer.records.push_back(std::move(*read));
    }
    if (answer.records.empty()) {
        answer.ttl = std::min(answer.ttl, ttl_of_absence(message, octets));
    }
    return answer;
}

}  // namespace siding::dns
