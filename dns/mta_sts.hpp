// MTA-STS (RFC 8461): the TXT record that announces a policy, and the policy itself. Pure.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// At "_mta-sts.DOMAIN"; the policy is at "https://mta-sts.DOMAIN/.well-known/mta-sts.txt".
inline constexpr std::string_view sts_label = "_mta-sts.";
inline constexpr std::string_view sts_host_label = "mta-sts.";
inline constexpr std::string_view sts_path = "/.well-known/mta-sts.txt";

bool is_sts_record(std::string_view text);

// §3.1: the id. Errc::invalid_argument says what is wrong.
Result<std::string> parse_sts_record(std::string_view text);

struct StsPolicy {
    enum class Mode { none, testing, enforce };

    Mode mode = Mode::none;
    std::chrono::seconds max_age{0};
    std::vector<std::string> mx{};  // lower case: hosts, or "*.example.net"

    // §4.1: whether one of the patterns is this host.
    bool allows(std::string_view host) const;
};

std::string_view format_sts_mode(StsPolicy::Mode mode);

// §3.2. Unknown keys are passed over. Errc::invalid_argument says what is wrong.
Result<StsPolicy> parse_sts_policy(std::string_view text);
std::string format_sts_policy(const StsPolicy& policy);  // lines end in "\n"

// RFC 6125 §6.4.3 as §4.1 has it: "*." stands for exactly one label.
bool matches_sts_pattern(std::string_view pattern, std::string_view host);

}  // namespace siding::dns
