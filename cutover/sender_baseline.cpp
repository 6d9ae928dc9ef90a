#include "cutover/sender_baseline.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "dns/provider.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::cutover {
namespace {

// Room for what trim() will take away again; a log has senders without end.
constexpr std::size_t slack_factor = 20;

// The span of two such; an empty one has none.
void widen(SenderBaseline& baseline, WallTime first, WallTime last) {
    const bool is_first = baseline.messages == 0;
    baseline.first = is_first ? first : std::min(baseline.first, first);
    baseline.last = is_first ? last : std::max(baseline.last, last);
}

}  // namespace

bool is_for(const LoggedMail& mail, const Domain& domain) {
    return std::ranges::any_of(mail.recipients, [&](std::string_view recipient) {
        const auto at = recipient.rfind('@');
        return at != std::string_view::npos &&
               equals_ignoring_case(recipient.substr(at + 1), domain.text());
    });
}

bool SenderBaseline::add(const LoggedMail& mail, const Domain& domain) {
    if (mail.is_internal || !is_for(mail, domain)) {
        return false;
    }
    const dns::Client client{mail.client_name, mail.client_address, mail.helo};
    const std::string provider = dns::provider_of(client);
    if (provider.empty()) {
        return false;
    }
    widen(*this, mail.at, mail.at);
    ++messages;
    ++providers[provider];
    ++hours.at(dns::hour_of_week(mail.at));
    const std::string network = dns::provider_network(mail.client_address);
    if (!network.empty() && network != provider) {
        networks[network] = provider;
    }
    if (providers.size() > slack_factor * limits::sender_providers_max ||
        networks.size() > slack_factor * limits::sender_networks_max) {
        trim();
    }
    return true;
}

void SenderBaseline::add(const SenderBaseline& other) {
    if (other.messages > 0) {
        widen(*this, other.first, other.last);
    }
    messages += other.messages;
    for (const auto& [provider, count] : other.providers) {
        providers[provider] += count;
    }
    for (const auto& [network, provider] : other.networks) {
        networks[network] = provider;
    }
    for (std::size_t i = 0; i < hours.size(); ++i) {
        hours.at(i) += other.hours.at(i);
    }
}

void SenderBaseline::trim() {
    if (providers.size() > limits::sender_providers_max) {
        std::vector<std::pair<std::uint64_t, std::string>> sizes;
        for (const auto& [provider, count] : providers) {
            sizes.emplace_back(count, provider);
        }
        std::ranges::nth_element(
            sizes,
            sizes.begin() + static_cast<std::ptrdiff_t>(limits::sender_providers_max),
            std::greater{}
        );
        for (std::size_t i = limits::sender_providers_max; i < sizes.size(); ++i) {
            providers.erase(sizes[i].second);
        }
    }
    std::erase_if(networks, [&](const auto& entry) { return !providers.contains(entry.second); });
    while (networks.size() > limits::sender_networks_max) {
        networks.erase(std::prev(networks.end()));
    }
}

dns::HourProfile SenderBaseline::profile() const {
    const std::chrono::duration<double, std::ratio<3600 * 24 * 7>> weeks = last - first;
    dns::HourProfile profile;
    for (std::size_t i = 0; i < hours.size(); ++i) {
        profile.per_hour.at(i) = static_cast<double>(hours.at(i)) / std::max(1.0, weeks.count());
    }
    return profile;
}

}  // namespace siding::cutover
