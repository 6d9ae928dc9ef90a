// The service extensions of one side of a session: what we offer, what a peer offered.
#pragma once

#include "smtp/reply.hpp"

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::smtp {

enum class Extension {
    pipelining,             // RFC 2920
    size,                   // RFC 1870
    eight_bit_mime,         // RFC 6152
    enhanced_status_codes,  // RFC 2034
    starttls,               // RFC 3207
};
inline constexpr std::size_t extension_count = 5;

class Extensions {
public:
    Extensions() = default;
    explicit Extensions(std::initializer_list<Extension> list);

    bool has(Extension extension) const { return set_[static_cast<std::size_t>(extension)]; }
    void add(Extension extension) { set_.set(static_cast<std::size_t>(extension)); }

    // The largest message; none where SIZE is not offered or names no limit (RFC 1870 §4).
    std::optional<std::uint64_t> size_octets_max() const { return size_octets_max_; }
    void add_size(std::uint64_t octets_max);

    // What both sides offer, with the smaller of the two size limits.
    Extensions intersect(const Extensions& other) const;

    bool operator==(const Extensions&) const = default;

private:
    std::bitset<extension_count> set_;
    std::optional<std::uint64_t> size_octets_max_;
};

// The EHLO reply (RFC 5321 §4.1.1.1). Unknown keywords are passed over when reading.
Reply format_ehlo_reply(std::string hostname, const Extensions& extensions);
Extensions parse_ehlo_reply(const Reply& reply);

}  // namespace siding::smtp
