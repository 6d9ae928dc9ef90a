// Octets of a DNS message, taken from front to back (RFC 1035 §4). The one place that knows how
// names and numbers stand there: every take is checked against the octets that are there, and names
// are read by c-ares' decoder, which bounds its jumps and escapes what is not printable.
#pragma once

#include "dns/record.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

inline constexpr std::uint16_t class_in = 1;
inline constexpr std::size_t header_octets = 12;

// A record whose data has not been looked at.
struct RawRecord {
    std::string owner{};
    std::uint16_t type = 0;
    std::uint16_t record_class = 0;  // of OPT: how much fits
    std::uint32_t ttl_field = 0;     // as sent; of OPT: flags
    std::size_t data = 0;            // offset in the message: its names may point elsewhere
    std::size_t data_size = 0;

    // RFC 2181 §8: with the highest bit set it counts as zero.
    std::chrono::seconds ttl() const {
        return std::chrono::seconds{ttl_field > 0x7FFFFFFF ? 0 : ttl_field};
    }
};

class WireReader {
public:
    explicit WireReader(std::string_view octets) : octets_{octets} {}

    std::size_t left() const { return octets_.size() - offset_; }
    bool is_at_end() const { return left() == 0; }

    std::optional<std::uint8_t> take_octet();
    std::optional<std::uint16_t> take_16();
    std::optional<std::uint32_t> take_32();
    std::optional<std::string> take_octets(std::size_t count);
    std::string take_rest();
    std::optional<std::string> take_name();  // as plain_name has it; the root is empty
    std::optional<RawRecord> take_record();

    // A reader that ends where the record does, but sees all before it: for compressed names.
    WireReader inside(const RawRecord& record) const;

private:
    bool has(std::size_t count) const { return left() >= count; }

    std::string_view octets_;
    std::size_t offset_ = 0;
};

// The first `count` records, or nothing where one is cut off.
std::optional<std::vector<RawRecord>> take_records(WireReader& reader, std::size_t count);

// The data of one record; `inside` it. A type that is not known gives Opaque, data that does not
// fit its type nothing.
std::optional<Rdata> read_rdata(WireReader inside, std::uint16_t type);

}  // namespace siding::dns
