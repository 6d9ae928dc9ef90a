// Old addresses to new ones: `old  new1, new2`, one to many, `@old.example  @new.example` for a
// whole domain, `name  new` for a name in every domain that reads the map; `#` comments, and lines
// that start with white space go on with the one above them. Pure and immutable.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "relay/address_index.hpp"
#include "relay/address_key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class RewriteMap {
public:
    // Errc::invalid_argument, by line: a side that is no address, no target or more than
    // limits::rewrite_targets_max, a left side that has a rule already. An empty map is a map.
    static Result<RewriteMap> parse(std::string_view text);

    // The targets of the first rule that fits: the whole address, without its tag, a name alone,
    // then `@domain`. The tag goes on to the new address (`joe+x` to `joe.new+x`) unless the rule
    // names it; `@domain` keeps the local part for a target `@other`, and drops it for a mailbox.
    std::vector<std::string> rewrite(const Address& address, const LookupKeys& keys) const;

    bool has_rule_for_mailbox(const LookupKeys& keys) const;
    // As written: addresses, or domains with their '@'.
    std::vector<std::string_view> targets_of_domain(const LookupKeys& keys) const;

    std::size_t size() const { return rules_.size(); }
    std::size_t memory_octets() const { return rules_.memory_octets(); }

private:
    struct Rule {
        std::string_view targets;
        bool names_tag;
    };
    std::optional<Rule> find_for_mailbox(const LookupKeys& keys) const;

    AddressIndex rules_;  // targets by key, a line feed between them
};

}  // namespace siding::relay
