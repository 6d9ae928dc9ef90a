// All records of a domain that matter for its mail, as each authoritative server gives them: what
// is checked and handed over before and after a migration. A value that is kept in a file and
// compared.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cutover/recursive_lookup.hpp"
#include "cutover/sts_policy.hpp"
#include "dns/authority.hpp"
#include "dns/prober.hpp"
#include "net/asio.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

struct SnapshotServer {
    std::string name{};  // "ns2.example.net 192.0.2.2"
    std::uint32_t serial = 0;
    std::string problem{};  // why it has not been asked, or has not answered

    bool operator==(const SnapshotServer&) const = default;
};

// What some servers say to one question.
struct SnapshotAnswer {
    std::vector<std::string> data{};  // as in a zone file, sorted; empty: there is none
    std::chrono::seconds ttl{0};
    std::vector<std::string> servers{};  // of SnapshotServer; empty: all of them

    bool operator==(const SnapshotAnswer&) const = default;
};

struct SnapshotRecord {
    std::string name{};
    std::string type{};  // "MX"; "POLICY" is the page of MTA-STS, "NS at the parent" the delegation
    std::vector<SnapshotAnswer> answers{};
    bool is_cached = false;  // of a resolver: the name lies in another zone, its TTL means nothing

    bool is_absent() const;  // for everybody
    bool operator==(const SnapshotRecord&) const = default;
};

struct DnsSnapshot {
    DnsSnapshot() = default;  // no aggregate: net/asio.hpp

    std::string domain;
    std::string zone;
    WallTime at{};
    std::vector<SnapshotServer> servers;
    std::vector<SnapshotRecord> records;  // in the order of the questions; absent ones too
    std::vector<std::string> gaps;        // questions that nobody answered
};

struct SnapshotTools {
    dns::Prober& prober;
    dns::Authority& authority;
    const RecursiveLookup& lookup;
};

struct SnapshotOptions {
    SnapshotOptions() = default;  // no aggregate: net/asio.hpp

    std::vector<std::string> selectors;  // DKIM
    StsFetchOptions sts;
};

// Errors: Errc::invalid_argument for what is no domain, Errc::not_found for one that does not
// exist, Errc::unavailable when no server of it answers.
net::awaitable<Result<DnsSnapshot>> take_snapshot(
    const SnapshotTools& tools, std::string domain, SnapshotOptions options
);

// JSON, a document of version 1.
std::string format_snapshot(const DnsSnapshot& snapshot);
// Errc::invalid_argument says what is wrong with it.
Result<DnsSnapshot> parse_snapshot(std::string_view text);

// "example.com-20261121T140730Z.dns.json"
std::string snapshot_file_name(const DnsSnapshot& snapshot);

struct SnapshotChange {
    std::string name{};
    std::string type{};
    std::vector<std::string>
        lines{};  // "- 10 mx.old.example", "+ 10 mx.new.example", "ttl 300 → 60"

    bool operator==(const SnapshotChange&) const = default;
};

struct SnapshotDiff {
    std::vector<SnapshotChange> changes{};  // empty: the records are the same
    std::vector<std::string> notes{};       // what could not be compared, serials: no difference
};

// From the older to the newer one. Of the SOA the serial does not count.
SnapshotDiff compare_snapshots(const DnsSnapshot& before, const DnsSnapshot& after);

}  // namespace siding::cutover
