// What `siding dns` asks for: checked values, as in cli/actions.hpp.
#pragma once

#include "base/domain.hpp"
#include "dns/verdict.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace siding::cli {

struct ShowDns {
    std::optional<Domain> domain = {};    // unset: all
    std::optional<dns::Verdict> is = {};  // the exit code says whether it is reached
    bool wait = false;                    // until it is
};

// Redrawn until Ctrl-C.
struct WatchDns {
    std::optional<Domain> domain = {};
};

// The daemon looks now.
struct LookAtDns {
    Domain domain;
};

// One look and one round of the panel, without a daemon.
struct ProbeDns {
    Domain domain;
    std::optional<std::filesystem::path> config = {};
    std::string panel = {};  // "default", "off", "system" or a file; empty: as configured
    std::optional<unsigned> samples = {};
    std::vector<std::string> old_hosts = {};
    std::vector<std::string> new_hosts = {};
};

struct ImportSenders {
    Domain domain;
    std::vector<std::filesystem::path> files;
    std::string format = "auto";  // or "postfix", "exchange", "plain"
};

struct ListSenders {
    std::optional<Domain> domain = {};
};

// All records of a domain that matter for its mail, into a file.
struct TakeDnsSnapshot {
    Domain domain;
    std::optional<std::filesystem::path> config = {};
    std::vector<std::string> selectors = {};           // DKIM
    std::optional<std::filesystem::path> output = {};  // unset: DOMAIN-TIME.dns.json here
};

// Two snapshots, or the newest one of a domain against now.
struct CompareDnsSnapshots {
    std::string before;                               // a file, or a domain
    std::optional<std::filesystem::path> after = {};  // unset: now
    std::optional<std::filesystem::path> config = {};
    std::vector<std::string> selectors = {};
};

}  // namespace siding::cli
