// One flip as it is remembered: what an operator lists, and what a rollback takes back.
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"
#include "base/phase.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace siding::queue {

struct FlipMove {
    Domain domain;
    std::string wave;
    Phase from = Phase::prep;
    Phase to = Phase::prep;
    std::string copy_from = {};  // the server that got a copy before …
    std::string copy_to = {};    // … and after; empty for none

    bool operator==(const FlipMove&) const = default;
};

struct FlipRecord {
    std::uint64_t epoch = 0;
    WallTime at{};
    std::string who;
    std::string why;
    std::vector<FlipMove> moves;
    std::uint64_t undone_by = 0;  // epoch of the flip that took it back, 0: in force or overtaken
    std::uint64_t undoes = 0;     // epoch of the flip that it takes back, 0: none
};

}  // namespace siding::queue
