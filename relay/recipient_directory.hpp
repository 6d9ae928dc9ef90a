// Does a recipient exist, and what is it called now? Asks what the domain's configuration names, in
// the order of cost: `any`, the files, then the servers. A postmaster always exists (RFC 5321
// §4.5.1).
#pragma once

#include "base/address.hpp"
#include "config/live.hpp"
#include "relay/recipient_report.hpp"
#include "relay/recipient_tables.hpp"
#include "relay/verifier.hpp"
#include "relay/wave_tables.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class RecipientDirectory {
public:
    // All outlive it. Without `waves` everybody is in the wave `default`.
    RecipientDirectory(
        const config::Live& config,
        RecipientTables& tables,
        Verifier& verifier,
        const WaveTables* waves = nullptr
    )
        : config_{config}, tables_{tables}, verifier_{verifier}, waves_{waves} {}

    struct Answer {
        Answer() = default;  // no aggregate: net/asio.hpp

        Existence existence = Existence::undecided;
        std::vector<std::string> rewritten_to;  // forward-paths; empty: keeps its name
    };

    // `config`: the transaction's. The address is of one of its domains.
    net::awaitable<Answer> look_up(Address address, std::shared_ptr<const config::Config> config);

    // The wave that the address is in by now.
    std::string wave_of(const Domain& domain, std::string_view address) const;

    // Whether the local part says where to go from here ("victim%other.example", "other!victim",
    // "\"victim@other.example\"") and no file names it as a mailbox. A server that trusts us might
    // go there: refused as relaying.
    bool is_route(const Address& address) const;

    // look_up() for an operator, with every source's word. Errc::not_found for a domain that is not
    // ours.
    net::awaitable<Result<RecipientReport>> report(Address address);

    net::awaitable<Result<std::uint64_t>> flush(std::string what) { return verifier_.flush(what); }

private:
    const config::Live& config_;
    RecipientTables& tables_;
    Verifier& verifier_;
    const WaveTables* waves_;
};

}  // namespace siding::relay
