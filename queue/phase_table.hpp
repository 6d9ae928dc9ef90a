// The phases in force: a value, replaced whole at each flip, so that a transaction keeps the epoch
// it began with.
#pragma once

#include "base/domain.hpp"
#include "base/phase.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace siding::queue {

struct PhaseTable {
    std::uint64_t epoch = 0;                                      // number of the flip in force
    std::map<std::pair<std::string, std::string>, Phase> phases;  // (domain, wave)
    std::map<std::pair<std::string, std::string>, std::string> copies;  // where there is one

    std::optional<Phase> find(const Domain& domain, const std::string& wave = "default") const {
        const auto found = phases.find({domain.text(), wave});
        return found == phases.end() ? std::nullopt : std::optional{found->second};
    }

    // The server that gets a copy of what the wave passes on; empty for none.
    std::string copy_of(const Domain& domain, const std::string& wave) const {
        const auto found = copies.find({domain.text(), wave});
        return found == copies.end() ? std::string{} : found->second;
    }
};

}  // namespace siding::queue
