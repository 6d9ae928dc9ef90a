// What `siding backfill` asks for: checked values, as in cli/actions.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace siding::cli {

struct ShowBackfill {
    std::vector<std::string> accounts = {};  // empty: all
};

struct OrderBackfill {
    std::string order;  // copy, verify, check
    std::vector<std::string> accounts = {};
    bool wait = false;        // until every account is done; the exit code says how that went
    std::string sample = {};  // of verify: "5%", "600"; empty: every message
    std::optional<std::uint64_t> seed = {};  // of the sample
    bool canary = false;                     // of check
    std::uint64_t limit = 0;                 // of assess: octets; 0: as the destination says
};

struct RunBackfill {
    std::vector<std::string> accounts = {};
    std::string since = {};  // as the operator wrote them: the daemon reads them
    std::string before = {};
    std::string max_size = {};
    std::string quiet = {};
    bool is_back = false;  // from new to old
    bool is_final = false;
    bool wait = false;
};

struct AssessBackfill {
    std::vector<std::string> accounts = {};
    bool wait = false;        // until all are looked at, and then show it
    bool show = false;        // what was found the last time; orders nothing
    std::uint64_t limit = 0;  // octets of a message; 0: as the destination says
};

struct WriteManifest {
    std::string account;  // empty: the public key alone
    std::optional<std::filesystem::path> to = {};
};

// Without a daemon.
struct CheckManifest {
    std::filesystem::path file;
    std::string key = {};  // a public key or the name of a file that has it; empty: the manifest's
};

struct PlanBackfill {
    std::string account;
    bool yaml = false;  // as a file to review and edit
};

struct ReportBackfill {
    std::string account;
};

struct AuthorizeBackfill {
    std::string account;
    std::string side = {};  // empty: the only one that it can be
};

struct RetryBackfill {
    std::vector<std::string> accounts = {};
    std::string mailbox = {};  // as the source calls it; empty: all
    std::string uids = {};     // of that mailbox
    std::string repair = {};   // "line-ends,nul", "wrap", "auto"; empty: as it is
    bool wait = false;
};

struct ChangeBackfill {
    std::optional<bool> paused = {};
    std::optional<bool> following = {};
};

}  // namespace siding::cli
