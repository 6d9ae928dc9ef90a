#include "dns/message.hpp"

#include "base/bytes.hpp"

#include <ares.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace siding::dns {
namespace {

constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr std::size_t header_octets = 12;

struct FreeText {
    void operator()(char* text) const { ::ares_free_string(text); }
};

struct RawRecord {
    std::string owner;
    std::uint16_t type = 0;
    std::uint16_t record_class = 0;
    std::chrono::seconds ttl{0};
    std::size_t data = 0;  // offset in the message: its names may point elsewhere
    std::size_t data_size = 0;
};

class Reader {
public:
    explicit Reader(std::string_view octets) : octets_{octets} {}

    std::size_t offset() const { return offset_; }
    void seek(std::size_t offset) { offset_ = offset; }

    bool has(std::size_t count) const { return octets_.size() - offset_ >= count; }

    std::optional<std::uint8_t> take_octet() {
        if (!has(1)) {
            return std::nullopt;
        }
        return static_cast<std::uint8_t>(octets_[offset_++]);
    }

    std::optional<std::uint16_t> take_16() {
        if (!has(2)) {
            return std::nullopt;
        }
        const unsigned high = *take_octet();
        const unsigned low = *take_octet();
        return static_cast<std::uint16_t>(high << 8 | low);
    }

    std::optional<std::uint32_t> take_32() {
        if (!has(4)) {
            return std::nullopt;
        }
        const std::uint32_t high = *take_16();
        const std::uint32_t low = *take_16();
        return high << 16 | low;
    }

    // Lower case, without the last dot; the root is empty.
    std::optional<std::string> take_name() {
        const auto* const start = reinterpret_cast<const unsigned char*>(octets_.data());
        char* text = nullptr;
        long used = 0;
        const int size = static_cast<int>(octets_.size());
        if (!has(1) ||
            ::ares_expand_name(start + offset_, start, size, &text, &used) != ARES_SUCCESS) {
            return std::nullopt;
        }
        const std::unique_ptr<char, FreeText> owner{text};
        offset_ += static_cast<std::size_t>(used);
        return to_lower(text);
    }

    std::optional<RawRecord> take_record() {
        RawRecord record;
        auto name = take_name();
        const auto type = name ? take_16() : std::nullopt;
        const auto record_class = type ? take_16() : std::nullopt;
        const auto ttl = record_class ? take_32() : std::nullopt;
        const auto size = ttl ? take_16() : std::nullopt;
        if (!size || !has(*size)) {
            return std::nullopt;
        }
        record.owner = std::move(*name);
        record.type = *type;
        record.record_class = *record_class;
        // RFC 2181 §8: with the highest bit set it counts as zero.
        record.ttl = std::chrono::seconds{*ttl > 0x7FFFFFFF ? 0 : *ttl};
        record.data = offset_;
        record.data_size = *size;
        offset_ += *size;
        return record;
    }

    // A reader that ends where the record does, but sees all before it: for compressed names.
    Reader inside(const RawRecord& record) const {
        Reader reader{octets_.substr(0, record.data + record.data_size)};
        reader.seek(record.data);
        return reader;
    }

    bool is_at_end() const { return offset_ == octets_.size(); }
    std::string take_rest() {
        std::string rest{octets_.substr(offset_)};
        offset_ = octets_.size();
        return rest;
    }

private:
    std::string_view octets_;
    std::size_t offset_ = 0;
};

struct Message {
    std::uint16_t flags = 0;
    std::vector<RawRecord> answers;
    std::vector<RawRecord> authority;
};

Error unusable(std::string_view name, std::string_view why) {
    return {Errc::unavailable, "DNS about " + escape(name) + ": " + std::string{why}};
}

std::optional<std::vector<RawRecord>> take_records(Reader& reader, std::size_t count) {
    std::vector<RawRecord> records;
    for (std::size_t n = 0; n < count; ++n) {
        auto record = reader.take_record();
        if (!record) {
            return std::nullopt;
        }
        records.push_back(std::move(*record));
    }
    return records;
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
    Reader reader{octets};
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

std::optional<Record> read_mx(Reader reader) {
    const auto preference = reader.take_16();
    auto host = preference ? reader.take_name() : std::nullopt;
    if (!host || !reader.is_at_end()) {
        return std::nullopt;
    }
    return Mx{*preference, std::move(*host)};
}

std::optional<Record> read_address(Reader reader, bool is_ipv6) {
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

// RFC 6698 §2.1.
std::optional<Record> read_tlsa(Reader reader) {
    const auto usage = reader.take_octet();
    const auto selector = usage ? reader.take_octet() : std::nullopt;
    const auto matching = selector ? reader.take_octet() : std::nullopt;
    if (!matching) {
        return std::nullopt;
    }
    return net::TlsaRecord{*usage, *selector, *matching, reader.take_rest()};
}

std::optional<Record> read_record(Reader reader, RecordType type) {
    switch (type) {
    case RecordType::a:
        return read_address(reader, false);
    case RecordType::aaaa:
        return read_address(reader, true);
    case RecordType::mx:
        return read_mx(reader);
    case RecordType::tlsa:
        return read_tlsa(reader);
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
        auto target = Reader{octets}.inside(*found).take_name();
        if (!target) {
            return false;
        }
        answer.ttl = std::min(answer.ttl, found->ttl);
        answer.name = std::move(*target);
    }
    return false;
}

// RFC 2308 §5: the SOA says for how long there is nothing. Without one: not at all.
std::chrono::seconds ttl_of_absence(const Message& message, std::string_view octets) {
    for (const RawRecord& record : message.authority) {
        if (record.type != type_soa || record.data_size < 4) {
            continue;
        }
        Reader reader = Reader{octets}.inside(record);
        reader.seek(record.data + record.data_size - 4);
        const std::chrono::seconds minimum{*reader.take_32()};
        return std::min(record.ttl, minimum);
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
        auto read = read_record(Reader{octets}.inside(record), type);
        if (!read) {
            return unusable(name, "a malformed record");
        }
        answer.ttl = std::min(answer.ttl, record.ttl);
        answer.records.push_back(std::move(*read));
    }
    if (answer.records.empty()) {
        answer.ttl = std::min(answer.ttl, ttl_of_absence(message, octets));
    }
    return answer;
}

}  // namespace siding::dns
