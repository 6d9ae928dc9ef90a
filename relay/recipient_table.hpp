// Who is known, and who is now called otherwise: one snapshot of the recipient files and rewrite
// maps of all domains. Knows no files and no clock; immutable, safe from any thread. The live one
// is relay/recipient_tables.hpp.
#pragma once

#include "base/address.hpp"
#include "relay/address_key.hpp"
#include "relay/recipient_file.hpp"
#include "relay/rewrite_map.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class RecipientTable {
public:
    // no_files: this domain has no file source, or one that has never been readable since it was
    // configured (at the start that cannot be; after a reload it can). Where the configuration
    // names files, no_files is therefore an answer for later: 450, never 550.
    enum class Answer { known, unknown, no_files };

    struct DomainFiles {
        std::vector<std::shared_ptr<const RecipientSet>> recipients;  // union
        std::shared_ptr<const RewriteMap> rewrite;                    // may be null
        bool complete = true;  // everything that is configured has been loaded
    };
    using Domains = std::map<std::string, DomainFiles, std::less<>>;  // by Domain::text()

    RecipientTable() = default;
    explicit RecipientTable(Domains domains) : domains_{std::move(domains)} {}

    // With its tag, without it, by a bare name, by `@domain`; or by a rewrite rule. A rule
    // `@old @new` makes nobody known by itself: there the files of `new` are asked.
    Answer find(const Address& address, std::string_view delimiter) const;

    // Listed or rewritten as it stands: not by leaving a tag out, nor by a rule for the domain.
    bool names(const Address& address) const;

    // The new forward-paths in the order of the map, each once; empty: no rule. One pass: what a
    // rule gives is not rewritten again.
    std::vector<std::string> rewrite(const Address& address, std::string_view delimiter) const;

    const Domains& domains() const { return domains_; }

private:
    const DomainFiles* files_of(std::string_view domain) const;
    bool is_listed(const DomainFiles& files, const LookupKeys& keys) const;
    bool is_named(const DomainFiles& files, const LookupKeys& keys) const;
    bool is_rewritten(const RewriteMap& map, const LookupKeys& keys) const;

    Domains domains_;
};

}  // namespace siding::relay
