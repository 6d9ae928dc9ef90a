// What `siding backfill` asks for: checked values, as in cli/actions.hpp.
#pragma once

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
    bool wait = false;  // until every account is done; the exit code says how that went
};

struct PlanBackfill {
    std::string account;
    bool yaml = false;  // as a file to review and edit
};

struct ReportBackfill {
    std::string account;
};

struct ChangeBackfill {
    std::optional<bool> paused = {};
    std::optional<bool> following = {};
};

}  // namespace siding::cli
