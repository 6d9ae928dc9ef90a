// What is collected once for a domain and shared by its checks: its zone as the authoritative
// servers have it, the hosts that matter with their addresses and what their mail servers say, the
// configuration. Checks only read it; what only one of them needs it asks for itself.
#pragma once

#include "base/clock.hpp"
#include "config/config.hpp"
#include "cutover/doctor_check.hpp"
#include "cutover/doctor_options.hpp"
#include "cutover/smtp_probe.hpp"
#include "dns/authority.hpp"
#include "dns/prober.hpp"
#include "dns/sample_state.hpp"
#include "net/certificate.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

class RecursiveLookup;

// A mail server that matters, under one name and port.
struct HostView {
    HostView() = default;  // no aggregate: net/asio.hpp

    std::string name;  // lower case; a server of the configuration may be a literal address
    std::uint16_t port = 25;
    // What it is; it may be several.
    bool is_mx = false;            // of the MX records that are served now
    bool is_hold = false;          // where MX is to point: Siding
    bool is_old_mx = false;        // where MX points before the move
    std::string server;            // its name in the configuration ("old", "new"), or empty
    std::uint16_t preference = 0;  // with is_mx

    std::vector<dns::Address> addresses;              // by DNS, A and AAAA
    std::optional<std::chrono::seconds> address_ttl;  // the least one, where DNS has said it
    std::string alias_of;                             // it is a CNAME: the name behind it
    std::string problem;                              // why there are no addresses: one line
    std::vector<SmtpView> sessions;                   // one for each address, in their order

    // The first address that answered, or nothing.
    const SmtpView* answered() const;
    std::string roles() const;  // "served MX, old server"
};

struct DoctorFacts {
    DoctorFacts(
        const DoctorOptions& options_given,
        const Clock& clock_given,
        dns::Prober& prober_given,
        dns::Authority& authority_given,
        const RecursiveLookup& lookup_given,
        net::asio::any_io_executor files_given
    )
        : options{options_given},
          clock{clock_given},
          prober{prober_given},
          authority{authority_given},
          lookup{lookup_given},
          files{std::move(files_given)},
          now{clock_given.now()} {}

    const DoctorOptions& options;
    const Clock& clock;
    dns::Prober& prober;
    dns::Authority& authority;         // look() again for other domains; ask_everywhere for this
    const RecursiveLookup& lookup;     // the recursive way
    net::asio::any_io_executor files;  // for what blocks: net::run_on(facts.files, …)
    std::optional<net::TrustedRoots> trusted;  // nothing: `no_roots` says why
    std::string no_roots;

    std::string domain;  // lower case, no last dot
    WallTime now;

    // The file's; null without one. `settings`: null where the domain is not in it.
    std::shared_ptr<const config::Config> config;
    const config::DomainSettings* settings = nullptr;

    std::optional<dns::AuthorityView> view;
    std::string no_view;  // why there is none

    // MX now: what the authoritative servers give, of all of them together; without a view what
    // the resolvers give. Empty with mx_known: there is none.
    std::vector<dns::Mx> mx;
    bool mx_known = false;
    // Lower case. Without a configuration both are empty.
    std::vector<std::string> new_hosts;  // where MX is to point: Siding's names
    std::vector<std::string> old_hosts;  // where it points before the move
    dns::Expected expected() const;

    std::vector<HostView> hosts;  // each name and port once

    const HostView* host(std::string_view name) const;  // by name; null: not among them
    // Those of a server of the configuration: its address, its fall-backs or its MX hosts.
    std::vector<const HostView*> server(std::string_view configured) const;
    // MX points to the new hosts and to nobody else.
    bool is_switched() const;

    // For not_checked(): what the operator has not given. Empty where nothing is missing.
    std::string lacks_config() const;  // no file
    std::string lacks_domain() const;  // no file, or the domain is not in it
};

}  // namespace siding::cutover
