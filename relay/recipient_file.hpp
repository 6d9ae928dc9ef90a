// The recipients that one file names, and the plain format: an address or `@domain` on each line,
// `#` comments, blank lines. Pure: takes text, opens nothing. A line that is no address refuses the
// whole file, since a table with holes refuses mail for good.
#pragma once

#include "base/result.hpp"
#include "relay/address_index.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace siding::relay {

class RecipientSet {
public:
    void reserve(std::string_view file);  // for what a file of that text may hold
    void add(std::string_view key);       // of relay/address_key.hpp; twice is once

    bool contains(std::string_view key) const { return keys_.contains(key); }
    void for_each(const std::function<void(std::string_view key)>& visit) const {
        keys_.for_each(visit);
    }
    std::size_t size() const { return keys_.size(); }
    std::size_t memory_octets() const { return keys_.memory_octets(); }

    // Entries by domain; names without one under "".
    const std::map<std::string, std::size_t, std::less<>>& sizes() const { return sizes_; }

private:
    AddressIndex keys_;
    std::map<std::string, std::size_t, std::less<>> sizes_;
    std::pair<const std::string, std::size_t>* last_ = nullptr;  // of the last key's domain
};

// Errc::invalid_argument: bad lines by number, or a text without any address: that is a file which
// somebody is about to write, or forgot to.
Result<RecipientSet> parse_recipient_list(std::string_view text);

// What every format ends with: refuses an empty set.
Result<RecipientSet> finish_recipients(RecipientSet set);

}  // namespace siding::relay
