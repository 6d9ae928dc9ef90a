// What recipient files and rewrite maps are searched by. A key is the local part, unquoted, '@' and
// the domain, all in lower case: "joe@example.com". "@example.com" is a whole domain, "joe@" a name
// without one. The last '@' divides, whatever a quoted local part holds.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding::relay {

enum class BareNames { refused, allowed };

// Reads addresses as they stand in a file. Keeps the last domain, since the next line's is mostly
// the same.
class KeyReader {
public:
    explicit KeyReader(BareNames bare) : bare_{bare} {}

    // The key, valid until the next call. Errc::invalid_argument for what is no address.
    Result<std::string_view> read(std::string_view text);

private:
    Result<void> read_domain(std::string_view text);

    BareNames bare_;
    std::string domain_text_;
    std::string domain_;
    std::string key_;
};

std::string_view domain_of_key(std::string_view key);  // empty for a name without one

// An address as it is looked up: with its tag and without. "Joe+News@Example.com" has the tag
// "+News". A delimiter in front is part of the name; an empty one finds no tag.
struct LookupKeys {
    LookupKeys(const Address& address, std::string_view delimiter);

    // For a whole-domain rule: the same local part elsewhere.
    LookupKeys at(std::string_view other_domain) const;

    std::string full;      // joe+news@example.com
    std::string untagged;  // joe@example.com; the same as full without a tag
    std::string bare;      // joe+news@
    std::string untagged_bare;
    std::string whole_domain;  // @example.com
    std::string tag;           // verbatim, with the delimiter; empty without
};

// `local` (unquoted) as it has to stand in front of the '@': quoted where it must be.
std::string quote_local_part(std::string_view local);
std::string unquote_local_part(std::string_view local);

}  // namespace siding::relay
