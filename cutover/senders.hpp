// Who sends mail to a domain: the usual providers and hours (the baseline), when each was last seen
// at Siding and at the old server, and the stragglers. Bounded; one book per domain, on one thread;
// kept in the queue's store as small values "dns/senders/DOMAIN/…".
//
// The baseline is what logs of the last weeks say, and without any import what Siding and the old
// server have seen before the switch: who came after it says nothing of who usually comes.
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"
#include "base/network.hpp"
#include "base/result.hpp"
#include "cutover/sender_baseline.hpp"
#include "cutover/sender_log.hpp"
#include "dns/coverage.hpp"
#include "dns/provider.hpp"
#include "dns/stragglers.hpp"
#include "queue/change.hpp"
#include "queue/store.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

enum class ImportMode { replace, add };

// A mail that was seen somewhere.
struct SeenMail {
    WallTime at{};
    dns::Client client{};
    std::string sender{};
    bool is_spam = false;
    bool is_old_server = false;  // stragglers: handed in on the old server itself
};

// A straggler as it is listed.
struct Straggler {
    WallTime at{};
    std::string provider{};
    std::string client_address{};
    std::string client_name{};
    std::string sender{};
    bool is_spam = false;
    bool is_old_server = false;
    dns::StragglerClass kind = dns::StragglerClass::dns_lag;  // by what is known now
};

// Mail in the old server's log as a straggler for the domain. Nothing: not for it, or from Siding
// itself, which passes mail on to the old server as long as the phase says so.
struct SidingItself {
    std::vector<Network> networks{};  // addresses that it sends from
    std::string hostname{};
};
std::optional<SeenMail> straggler_of(
    const LoggedMail& mail, const Domain& domain, const SidingItself& siding
);

// With the addresses of this host's interfaces, but for loopback: from there comes what the old
// server hands to itself. Behind address translation the hostname must do.
SidingItself this_siding(const std::string& hostname);

// Since when stragglers count, and what classes them.
struct StragglerQuestion {
    std::optional<WallTime> published_at{};
    std::optional<WallTime> mx_deadline{};
    std::optional<WallTime> hard_deadline{};
    WallTime now{};
    bool has_source = false;
    std::string source{};
};

class SenderBook {
public:
    explicit SenderBook(Domain domain) : domain_{std::move(domain)} {}

    // What the store has of it; blocks. Values that are unreadable are passed over.
    static Result<SenderBook> load(const queue::Store& store, const Domain& domain);
    // What has changed since the last call, in changes of bounded size.
    std::vector<queue::PutValues> take_changes();

    void import(SenderBaseline baseline, ImportMode mode);

    // Whether what is seen now may be taken for usual; not at first, since nobody knows yet.
    void set_learning(bool is_learning) { is_learning_ = is_learning; }

    void note_at_siding(const SeenMail& mail);
    // Of a time after the switch. The same mail (time, client, sender) counts once: after a restart
    // a log is read again in part.
    void note_at_old(const SeenMail& mail);

    // The provider by the client's name, else by what is known of its network.
    std::string provider_of(const dns::Client& client) const;
    // Clients seen at Siding that only their network names, newest last, with address and HELO.
    // Whoever looks up their names tells it: the one that DNS confirms both ways, else a HELO that
    // has the client's address. An empty name: there is none, and nobody is asked again.
    std::vector<dns::Client> unnamed() const { return {unnamed_.begin(), unnamed_.end()}; }
    void name(const std::string& address, const std::string& confirmed_name);

    dns::Coverage coverage(const dns::CoverageWindow& window) const;
    // Stragglers since D_mx, or of the last week if that is later.
    dns::StragglerCount stragglers(const StragglerQuestion& question) const;
    // The newest ones, newest first.
    std::vector<Straggler> recent_stragglers(
        const StragglerQuestion& question, std::size_t rows_max
    ) const;

    const Domain& domain() const { return domain_; }
    bool has_import() const { return baseline_.messages > 0; }
    const SenderBaseline& baseline() const { return baseline_; }
    // Messages at Siding in the full hours since then.
    std::uint64_t seen_since(WallTime from) const;

    // Of the baseline, or of a day at least that was seen at Siding.
    std::optional<dns::HourProfile> usual_hours() const;
    // For a listing: largest share first.
    std::vector<dns::ProviderFacts> providers() const;

private:
    struct Known {
        std::uint64_t learned = 0;  // messages seen while learning, at either server
        std::optional<WallTime> at_siding{};
        std::optional<WallTime> at_old{};
    };

    Known* known_of(const std::string& provider);
    void learn_network(const dns::Client& client, const std::string& provider);
    dns::HourProfile profile() const;
    dns::StragglerFacts facts_of(const Straggler& straggler, const StragglerQuestion& question)
        const;
    bool has_profile() const;
    bool take_value(std::string_view key, std::string_view value);
    std::string key_of(std::string_view rest) const;

    Domain domain_;
    bool is_learning_ = false;
    SenderBaseline baseline_;
    std::map<std::string, Known> known_;
    std::map<std::int64_t, std::uint64_t> hours_;  // messages at Siding by hours since the epoch
    std::map<std::string, Straggler> stragglers_;  // by key, which is in order of time
    std::uint64_t next_straggler_ = 0;
    std::map<std::int64_t, std::uint64_t> dropped_;  // those no longer in the list, by hour
    std::deque<dns::Client> unnamed_;
    std::set<std::string> nameless_;  // networks

    std::set<std::string> changed_providers_;
    std::set<std::string> changed_networks_;
    bool baseline_changed_ = false;
    bool hours_changed_ = false;
    std::set<std::string> changed_stragglers_;
};

}  // namespace siding::cutover
