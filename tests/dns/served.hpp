// What tests of sums and verdicts share: times on a Saturday, and answers of servers.
#pragma once

#include "dns/history.hpp"
#include "dns/record.hpp"
#include "dns/sample_state.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace siding::dns::test {

// Sat 2026-11-21 13:00:00 UTC and so much later.
inline WallTime at(std::chrono::milliseconds later) {
    using namespace std::chrono;
    return WallTime{sys_days{year{2026} / November / 21} + 13h + later};
}

// An MX set of example.com.
inline Served served(
    std::string server, std::string data, std::chrono::seconds ttl, WallTime when
) {
    Served answer;
    answer.server = std::move(server);
    answer.name = "example.com";
    answer.type = static_cast<std::uint16_t>(RecordType::mx);
    answer.data = std::move(data);
    answer.ttl = ttl;
    answer.at = when;
    return answer;
}

inline Expected expected() {
    return {{"new.example"}, {"old.example"}};
}

inline constexpr const char* old_mx = "10 old.example";
inline constexpr const char* new_mx = "10 new.example";

}  // namespace siding::dns::test
