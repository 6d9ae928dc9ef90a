// Until when an honest resolver may serve what is no longer true: each formula as a pure function
// over what was really served. docs/propagation.md explains them in plain words.
//
// E_k is the last instant at which an authoritative server gave an answer, as far as our looks can
// tell: the first look that found something else there. Deadlines are rounded up to full seconds,
// the unit in which resolvers count.
#pragma once

#include "base/clock.hpp"
#include "dns/history.hpp"
#include "dns/sample_state.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

struct Deadline {
    WallTime at{};
    std::string why{};  // "ns2.example.net 192.0.2.2 served TTL 3600 until Sat 13:07:30"

    bool operator==(const Deadline&) const = default;
};

// "Sat 14:07:30", in UTC.
std::string show_utc(WallTime time);
// "1 h 5 min", "45 s", "2 d".
std::string show_duration(std::chrono::seconds span);

struct DeadlineOptions {
    // s: for points of presence of the DNS host that we do not see, and an answer's way.
    std::chrono::seconds slack{0};
    std::string domain{};  // whose MX; empty: of every name in the history
    // The servers ("ns2.example.net 192.0.2.2") that are asked now; empty: all in the history. The
    // others have left the delegation: see nameserver_move().
    std::vector<std::string> servers{};
    std::function<std::string(WallTime)> show = show_utc;  // times in words
};

// D_mx = max_k (E_k + TTL_k) over all epochs k in which a server gave anything but the new MX,
// where E_k is `first_new + s` once that server has said something else, and `now` while it has
// not: then the deadline moves. For a server that has left the delegation E_k = T_del + TTL_ns.
// Nothing: no server ever gave anything else.
std::optional<Deadline> mx_deadline(
    const History& history,
    const Expected& expected,
    WallTime now,
    const DeadlineOptions& options = {}
);

// T_pub = max_i first_new_i + s over the servers i. Nothing while one of them serves something
// else, or is not known.
std::optional<WallTime> published_at(
    const History& history, const Expected& expected, const DeadlineOptions& options = {}
);

// D_a = max_k (E_k + TTL_k) over the A and AAAA sets of `host` with an address that is not in
// `addresses`: when only the address behind an MX name changes. Nothing: there were none.
std::optional<Deadline> address_deadline(
    const History& history,
    std::string_view host,
    const std::vector<std::string>& addresses,
    WallTime now,
    const DeadlineOptions& options = {}
);

// D = T_del + max(TTL_ns_parent, TTL_ns_child) + TTL_mx: the old servers go on serving the old zone
// to everybody who still holds the old delegation. Where they serve the new MX too, D_mx counts.
struct NameserverMove {
    WallTime moved_at{};  // T_del
    std::chrono::seconds parent_ttl{0};
    std::chrono::seconds child_ttl{0};
    std::chrono::seconds mx_ttl{0};  // of the old MX at the old servers
};
Deadline nameserver_move(const NameserverMove& move, const DeadlineOptions& options = {});

// D = t_create + min(SOA.MINIMUM, TTL of the SOA): who asked for a name before it was there
// remembers that it was not (RFC 2308 §5).
struct NewName {
    WallTime created_at{};
    std::chrono::seconds soa_minimum{0};
    std::chrono::seconds soa_ttl{0};
};
Deadline negative_deadline(const NewName& name, const DeadlineOptions& options = {});

// D_floor = T_pub + max(TTL_1, F): resolvers that keep everything for F at least.
struct FloorFacts {
    WallTime published_at{};           // T_pub
    std::chrono::seconds mx_ttl{0};    // TTL_1, the last TTL of the old MX
    std::chrono::seconds floor{3600};  // F
};
Deadline floor_deadline(const FloorFacts& facts, const DeadlineOptions& options = {});

// D_stale = D_mx + 3 d if the authoritative servers could not be asked at some time between
// T_pub - TTL and D_mx: resolvers may then serve what has expired (RFC 8767 §5). Otherwise D_mx.
Deadline stale_deadline(
    const Deadline& mx, bool was_unreachable, const DeadlineOptions& options = {}
);

// D_hard = max(D_mx, D_floor) + M: what senders' own caches need.
Deadline hard_deadline(
    const Deadline& mx,
    const std::optional<Deadline>& floor,
    std::chrono::seconds allowance,
    const DeadlineOptions& options = {}
);

// D_sts = t_sts + TTL_txt for senders that look at the id again before they give up (RFC 8461
// §5.1), t_sts + max(max_age_old, TTL_txt) for those that trust their cache. t_sts: policy and TXT
// id were both new.
struct StsChange {
    WallTime changed_at{};  // t_sts
    std::chrono::seconds txt_ttl{0};
    std::chrono::seconds max_age_old{0};
};
enum class StsCaches { lenient, strict };
Deadline sts_deadline(
    const StsChange& change, StsCaches caches, const DeadlineOptions& options = {}
);

// New TLSA records count from t + 2·TTL_tlsa on, beside the old ones (RFC 7671 §8.1). After the
// last TLSA record went, senders may insist on it until t + TTL_tlsa + the negative TTL.
struct DaneChange {
    WallTime changed_at{};  // t
    std::chrono::seconds tlsa_ttl{0};
    std::chrono::seconds negative_ttl{0};
};
enum class DaneStep { added, removed };
Deadline dane_deadline(
    const DaneChange& change, DaneStep step, const DeadlineOptions& options = {}
);

}  // namespace siding::dns
