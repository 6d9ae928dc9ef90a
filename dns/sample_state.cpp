#include "dns/sample_state.hpp"

#include <algorithm>
#include <array>

namespace siding::dns {
namespace {

constexpr std::array<std::string_view, 9> state_names{
    "new", "old", "mixed", "other", "nxdomain", "nodata", "failed", "timeout", "filtered"};

bool has(const std::vector<std::string>& hosts, const std::string& host) {
    return std::ranges::find(hosts, host) != hosts.end();
}

// As sets.
bool is_same(std::vector<std::string> a, std::vector<std::string> b) {
    for (auto* const hosts : {&a, &b}) {
        std::ranges::sort(*hosts);
        const auto repeated = std::ranges::unique(*hosts);
        hosts->erase(repeated.begin(), repeated.end());
    }
    return a == b;
}

// RFC 8914 §4.16 to 4.19: blocked, censored, filtered, prohibited.
bool is_policy(const ExtendedError& error) {
    return error.code >= 15 && error.code <= 18;
}

// How a filter says no in place of an answer.
bool is_nowhere(const ResourceRecord& record) {
    const Address* const address = record.as<Address>();
    return address != nullptr && (address->text == "0.0.0.0" || address->text == "::");
}

}  // namespace

std::string_view format_state(SampleState state) {
    return state_names.at(static_cast<std::size_t>(state));
}

std::optional<SampleState> parse_state(std::string_view text) {
    const auto known = std::ranges::find(state_names, text);
    if (known == state_names.end()) {
        return std::nullopt;
    }
    return static_cast<SampleState>(known - state_names.begin());
}

std::vector<std::string> hosts_of(const RrSet& mx) {
    std::vector<std::string> hosts;
    for (const std::string& record : mx.data) {
        hosts.push_back(record.substr(record.find(' ') + 1));
    }
    return hosts;
}

SampleState Expected::judge(const RrSet& mx) const {
    if (mx.empty()) {
        return SampleState::nodata;
    }
    const std::vector<std::string> hosts = hosts_of(mx);
    if (is_same(hosts, new_hosts)) {
        return SampleState::is_new;
    }
    if (is_same(hosts, old_hosts)) {
        return SampleState::is_old;
    }
    const auto is_new = [this](const std::string& host) { return has(new_hosts, host); };
    const auto is_old = [this](const std::string& host) { return has(old_hosts, host); };
    if (std::ranges::all_of(hosts, is_new)) {
        return SampleState::is_new;
    }
    if (std::ranges::all_of(hosts, is_old)) {
        return SampleState::is_old;
    }
    const auto is_known = [&](const std::string& host) { return is_new(host) || is_old(host); };
    return std::ranges::all_of(hosts, is_known) ? SampleState::mixed : SampleState::other;
}

SampleState judge(const Sample& sample, const Expected& expected) {
    switch (sample.kind) {
    case Sample::Kind::timed_out:
    case Sample::Kind::unreachable:
        return SampleState::timed_out;
    case Sample::Kind::malformed:
        return SampleState::failed;
    case Sample::Kind::answered:
        break;
    }
    const Response& response = sample.response;
    const std::string owner = follow_aliases(response, sample.question.name);
    const RrSet mx = rrset_of(response, owner, RecordType::mx);
    const bool is_filtered = std::ranges::any_of(response.errors, is_policy) ||
                             (mx.empty() && std::ranges::any_of(response.answers, is_nowhere));
    if (is_filtered) {
        return SampleState::filtered;
    }
    if (response.rcode == rcode::no_such_name) {
        return SampleState::nxdomain;
    }
    if (response.rcode != rcode::no_error || (response.truncated && mx.empty())) {
        return SampleState::failed;
    }
    return expected.judge(mx);
}

}  // namespace siding::dns
