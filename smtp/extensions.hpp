// The service extensions of one side of a session: what we offer, what a peer offered.
#pragma once

#include "smtp/reply.hpp"

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

enum class Extension {
    pipelining,             // RFC 2920
    size,                   // RFC 1870
    eight_bit_mime,         // RFC 6152
    enhanced_status_codes,  // RFC 2034
    starttls,               // RFC 3207
    smtputf8,               // RFC 6531
    chunking,               // RFC 3030
    binarymime,             // RFC 3030
    dsn,                    // RFC 3461
    limits,                 // RFC 9422
    requiretls,             // RFC 8689
};
inline constexpr std::size_t extension_count = 11;

std::string_view keyword_of(Extension extension);                    // "SMTPUTF8"
std::optional<Extension> parse_extension(std::string_view keyword);  // in any case

class Extensions {
public:
    Extensions() = default;
    explicit Extensions(std::initializer_list<Extension> list);

    // All that we know of, without numbers.
    static Extensions all();

    bool has(Extension extension) const { return set_[static_cast<std::size_t>(extension)]; }
    void add(Extension extension) { set_.set(static_cast<std::size_t>(extension)); }
    void remove(Extension extension);

    // The largest message; none where SIZE is not offered or names no limit (RFC 1870 §4).
    std::optional<std::uint64_t> size_octets_max() const { return size_octets_max_; }
    void add_size(std::uint64_t octets_max);

    // RFC 9422 §3: RCPT commands in one transaction and MAIL commands in one session that are sure
    // to be too many beyond this. None where not said.
    std::optional<std::uint64_t> rcpt_max() const { return rcpt_max_; }
    std::optional<std::uint64_t> mail_max() const { return mail_max_; }
    void add_limits(std::optional<std::uint64_t> rcpt_max, std::optional<std::uint64_t> mail_max);

    // What both sides offer, with the smaller of the two of each limit.
    Extensions intersect(const Extensions& other) const;

    bool operator==(const Extensions&) const = default;

private:
    std::bitset<extension_count> set_;
    std::optional<std::uint64_t> size_octets_max_;
    std::optional<std::uint64_t> rcpt_max_;
    std::optional<std::uint64_t> mail_max_;
};

// The EHLO reply (RFC 5321 §4.1.1.1). Unknown keywords are passed over when reading.
Reply format_ehlo_reply(std::string hostname, const Extensions& extensions);
Extensions parse_ehlo_reply(const Reply& reply);

}  // namespace siding::smtp
