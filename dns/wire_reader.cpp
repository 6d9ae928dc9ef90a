#include "dns/wire_reader.hpp"

#include "base/bytes.hpp"

#include <ares.h>

#include <memory>

namespace siding::dns {
namespace {

struct FreeText {
    void operator()(char* text) const { ::ares_free_string(text); }
};

}  // namespace

std::optional<std::uint8_t> WireReader::take_octet() {
    if (!has(1)) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(octets_[offset_++]);
}

std::optional<std::uint16_t> WireReader::take_16() {
    if (!has(2)) {
        return std::nullopt;
    }
    const unsigned high = *take_octet();
    const unsigned low = *take_octet();
    return static_cast<std::uint16_t>(high << 8 | low);
}

std::optional<std::uint32_t> WireReader::take_32() {
    if (!has(4)) {
        return std::nullopt;
    }
    const std::uint32_t high = *take_16();
    const std::uint32_t low = *take_16();
    return high << 16 | low;
}

std::optional<std::string> WireReader::take_octets(std::size_t count) {
    if (!has(count)) {
        return std::nullopt;
    }
    std::string taken{octets_.substr(offset_, count)};
    offset_ += count;
    return taken;
}

std::string WireReader::take_rest() {
    std::string rest{octets_.substr(offset_)};
    offset_ = octets_.size();
    return rest;
}

std::optional<std::string> WireReader::take_name() {
    const auto* const start = reinterpret_cast<const unsigned char*>(octets_.data());
    char* text = nullptr;
    long used = 0;
    const int size = static_cast<int>(octets_.size());
    if (!has(1) || ::ares_expand_name(start + offset_, start, size, &text, &used) != ARES_SUCCESS) {
        return std::nullopt;
    }
    const std::unique_ptr<char, FreeText> owner{text};
    offset_ += static_cast<std::size_t>(used);
    return to_lower(text);
}

std::optional<RawRecord> WireReader::take_record() {
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
    record.ttl_field = *ttl;
    record.data = offset_;
    record.data_size = *size;
    offset_ += *size;
    return record;
}

WireReader WireReader::inside(const RawRecord& record) const {
    WireReader reader{octets_.substr(0, record.data + record.data_size)};
    reader.offset_ = record.data;
    return reader;
}

std::optional<std::vector<RawRecord>> take_records(WireReader& reader, std::size_t count) {
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

}  // namespace siding::dns
