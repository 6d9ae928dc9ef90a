// Names of mailboxes: the server's octets to UTF-8 and back without loss.
//
// A proper name is modified UTF-7 (RFC 3501 §5.1.3), or UTF-8 where UTF8=ACCEPT is in force. Of any
// other, each octet that cannot stand for itself is kept as the private code point U+EE00 + octet;
// a proper name that has such code points is kept that way too ("&7iY-" as U+EE26 "7iY-"). So
// encode(decode(raw)) is raw for all octets, except that INBOX is one name in any case.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

// Octets that are no UTF-8 become U+FFFD.
std::string to_mutf7(std::string_view utf8);
// Strict: only what to_mutf7 writes. Errc::invalid_argument otherwise.
Result<std::string> from_mutf7(std::string_view text);

// `utf8_accept`: the server sends and takes UTF-8.
std::string decode_mailbox_name(std::string_view raw, bool utf8_accept = false);
std::string encode_mailbox_name(std::string_view name, bool utf8_accept = false);
// Whether the name has octets kept as code points.
bool has_kept_octets(std::string_view name);
// The same name for people and for another server: kept octets as the UTF-8 that they are, or
// U+FFFD; has none of those code points. Not reversible.
std::string readable_mailbox_name(std::string_view name);

bool is_inbox(std::string_view name);  // whatever the case (RFC 9051 §5.1)

}  // namespace siding::backfill
