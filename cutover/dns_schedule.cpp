#include "cutover/dns_schedule.hpp"

#include <algorithm>

namespace siding::cutover {

void DnsSchedule::set_domains(
    const std::vector<Domain>& domains, WallTime now, std::chrono::milliseconds watch
) {
    constexpr std::chrono::milliseconds step_max{250};
    const std::set<Domain> wanted{domains.begin(), domains.end()};
    std::erase_if(times_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    const auto count =
        static_cast<std::chrono::milliseconds::rep>(std::max<std::size_t>(1, wanted.size()));
    const auto step = std::min(step_max, watch / count);
    WallTime at = now;
    for (const Domain& domain : wanted) {
        Slot slot;
        slot.at = at;
        if (times_.emplace(domain, slot).second) {
            at += step;
        }
    }
}

std::vector<Domain> DnsSchedule::take_due(WallTime now, std::size_t domains_max) {
    std::vector<std::pair<WallTime, Domain>> due;
    for (const auto& [domain, slot] : times_) {
        if (!slot.is_busy && slot.at <= now) {
            due.emplace_back(slot.at, domain);
        }
    }
    std::ranges::sort(due);
    std::vector<Domain> taken;
    for (auto& [at, domain] : due) {
        if (taken.size() == domains_max) {
            break;
        }
        times_.at(domain).is_busy = true;
        taken.push_back(std::move(domain));
    }
    return taken;
}

void DnsSchedule::done(const Domain& domain, WallTime next) {
    const auto found = times_.find(domain);
    if (found == times_.end()) {
        return;
    }
    Slot& slot = found->second;
    slot.is_busy = false;
    slot.at = slot.is_urgent ? WallTime{} : next;
    slot.is_urgent = false;
}

void DnsSchedule::hurry(const Domain& domain, WallTime now) {
    const auto found = times_.find(domain);
    if (found == times_.end()) {
        return;
    }
    found->second.is_urgent = found->second.is_busy;
    found->second.at = std::min(found->second.at, now);
}

std::optional<WallTime> DnsSchedule::at(const Domain& domain) const {
    const auto found = times_.find(domain);
    return found == times_.end() ? std::nullopt : std::optional{found->second.at};
}

bool DnsSchedule::is_busy(const Domain& domain) const {
    const auto found = times_.find(domain);
    return found != times_.end() && found->second.is_busy;
}

std::optional<WallTime> DnsSchedule::first() const {
    std::optional<WallTime> first;
    for (const auto& [domain, slot] : times_) {
        if (!slot.is_busy && (!first || slot.at < *first)) {
            first = slot.at;
        }
    }
    return first;
}

}  // namespace siding::cutover
