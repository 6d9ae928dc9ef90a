// Who is in which wave: one snapshot of the waves of all domains. Knows no files and no clock;
// immutable, safe from any thread. The live one is relay/wave_tables.hpp.
#pragma once

#include "base/domain.hpp"
#include "relay/recipient_file.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

// What an operator has put into a wave, next to what the configuration says. In lower case.
struct WaveMembers {
    std::set<std::string, std::less<>> addresses;  // whole ones
    std::set<std::string, std::less<>> patterns;   // globs on the local part

    bool operator==(const WaveMembers&) const = default;
};

struct WaveSources {
    std::vector<std::shared_ptr<const RecipientSet>> files;
    std::vector<std::string> patterns;           // of the configuration
    std::shared_ptr<const WaveMembers> members;  // of an operator; may be null

    // The same files as read, and the same members.
    bool operator==(const WaveSources&) const = default;
};

// Addresses that stand in more than one wave of a domain.
struct WaveOverlap {
    std::string domain;
    std::string first;   // the wave that has them
    std::string second;  // one that has not
    std::string example;
    std::size_t addresses = 0;
};

class WaveTable {
public:
    using Waves = std::map<std::string, WaveSources>;           // by name
    using Domains = std::map<std::string, Waves, std::less<>>;  // by Domain::text()

    WaveTable() = default;
    explicit WaveTable(Domains domains) : domains_{std::move(domains)} {}

    // "default" for who is in none. An address that is named goes before a pattern, a pattern
    // before `@domain`; the address as it stands before the one without its tag; of waves with the
    // same right, the first by name.
    std::string wave_of(const Domain& domain, std::string_view address, std::string_view delimiter)
        const;

    // Who can see more than one wave: for a warning.
    std::vector<WaveOverlap> overlaps() const;

    const Domains& domains() const { return domains_; }
    const Waves* waves_of(std::string_view domain) const;
    const WaveSources* find(const Domain& domain, const std::string& wave) const;

private:
    Domains domains_;
};

// Everybody whom a wave's files and operators name in a domain: whole addresses, and `@domain`. One
// that stands in several places comes several times.
void visit_addresses(
    const WaveSources& wave,
    std::string_view domain,
    const std::function<void(std::string_view address)>& visit
);

std::size_t count_addresses(const WaveSources& wave, const std::string& domain);

}  // namespace siding::relay
