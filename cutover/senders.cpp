#include "cutover/senders.hpp"

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "cutover/sender_values.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

constexpr auto straggler_window = 7 * 24h;

std::int64_t hour_of(WallTime time) {
    return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}

WallTime start_of(std::int64_t hour) {
    return WallTime{std::chrono::hours{hour}};
}

void see(std::optional<WallTime>& last, WallTime at) {
    last = last ? std::max(*last, at) : at;
}

std::string cut(std::string_view text) {
    return escape(text, 255);
}

}  // namespace

void SenderBook::import(SenderBaseline baseline, ImportMode mode) {
    for (const auto& [provider, messages] : baseline_.providers) {
        changed_providers_.insert(provider);  // those that are not in the new one go
    }
    switch (mode) {
    case ImportMode::replace:
        baseline_.providers.clear();
        baseline_.hours = {};
        baseline_.messages = 0;
        baseline_.first = baseline_.last = WallTime{};
        break;
    case ImportMode::add:
        break;
    }
    for (const auto& [network, provider] : baseline.networks) {
        changed_networks_.insert(network);
    }
    baseline_.add(baseline);
    baseline_.trim();
    for (const auto& [provider, messages] : baseline_.providers) {
        changed_providers_.insert(provider);
    }
    baseline_changed_ = true;
}

std::string SenderBook::provider_of(const dns::Client& client) const {
    const std::string network = dns::provider_network(client.address);
    std::string provider = dns::provider_of(client);
    if (provider == network) {
        const auto known = baseline_.networks.find(network);
        return known == baseline_.networks.end() ? provider : known->second;
    }
    return provider;
}

// Null when there is no room: then it is one of thousands of small ones.
SenderBook::Known* SenderBook::known_of(const std::string& provider) {
    if (provider.empty()) {
        return nullptr;
    }
    const auto found = known_.find(provider);
    if (found == known_.end() && known_.size() >= limits::sender_providers_max &&
        !baseline_.providers.contains(provider)) {
        return nullptr;
    }
    changed_providers_.insert(provider);
    return &known_[provider];
}

void SenderBook::learn_network(const dns::Client& client, const std::string& provider) {
    const std::string network = dns::provider_network(client.address);
    if (network.empty() || provider.empty()) {
        return;
    }
    if (provider != network) {
        const auto known = baseline_.networks.find(network);
        const bool has_room = known != baseline_.networks.end() ||
                              baseline_.networks.size() < limits::sender_networks_max;
        if (has_room && (known == baseline_.networks.end() || known->second != provider)) {
            baseline_.networks[network] = provider;
            changed_networks_.insert(network);
        }
        return;
    }
    const bool is_waiting =
        std::ranges::find(unnamed_, client.address, &dns::Client::address) != unnamed_.end();
    if (client.name.empty() && !is_waiting && !nameless_.contains(network)) {
        unnamed_.push_back(client);
        if (unnamed_.size() > limits::unnamed_senders_max) {
            unnamed_.pop_front();
        }
    }
}

void SenderBook::name(const std::string& address, const std::string& confirmed_name) {
    std::erase_if(unnamed_, [&](const auto& client) { return client.address == address; });
    const dns::Client client{confirmed_name, address};
    const std::string provider = dns::provider_of(client);
    const std::string network = dns::provider_network(address);
    if (provider.empty() || provider == network) {
        if (nameless_.size() >= limits::sender_networks_max) {
            nameless_.clear();
        }
        nameless_.insert(network);
        return;
    }
    learn_network(client, provider);
    // What was seen of the network was that provider.
    const auto before = known_.find(network);
    if (before == known_.end()) {
        return;
    }
    const Known seen = before->second;
    known_.erase(before);
    changed_providers_.insert(network);
    if (Known* const known = known_of(provider)) {
        known->learned += seen.learned;
        if (seen.at_siding) {
            see(known->at_siding, *seen.at_siding);
        }
        if (seen.at_old) {
            see(known->at_old, *seen.at_old);
        }
    }
}

void SenderBook::note_at_siding(const SeenMail& mail) {
    const std::string provider = provider_of(mail.client);
    learn_network(mail.client, provider);
    if (Known* const known = known_of(provider)) {
        known->learned += is_learning_ ? 1 : 0;
        see(known->at_siding, mail.at);
    }
    ++hours_[hour_of(mail.at)];
    constexpr std::chrono::hours kept = limits::senders_kept;
    hours_.erase(hours_.begin(), hours_.lower_bound(hours_.rbegin()->first - kept.count()));
    hours_changed_ = true;
}

void SenderBook::note_at_old(const SeenMail& mail) {
    Straggler straggler;
    straggler.at = mail.at;
    straggler.provider = provider_of(mail.client);
    straggler.client_address = cut(mail.client.address);
    straggler.client_name = cut(mail.client.name);
    straggler.sender = cut(mail.sender);
    straggler.is_spam = mail.is_spam;
    straggler.is_old_server = mail.is_old_server;
    // Keys are in order of time.
    const auto from = stragglers_.lower_bound(straggler_key(straggler.at, 0));
    for (auto other = from; other != stragglers_.end(); ++other) {
        if (other->second.at != straggler.at) {
            break;
        }
        if (other->second.client_address == straggler.client_address &&
            other->second.sender == straggler.sender) {
            return;
        }
    }
    if (!mail.is_old_server && !mail.is_spam) {
        if (Known* const known = known_of(straggler.provider)) {
            known->learned += is_learning_ ? 1 : 0;
            see(known->at_old, mail.at);
        }
    }
    const std::string key = straggler_key(straggler.at, next_straggler_++);
    changed_stragglers_.insert(key);
    stragglers_.emplace(key, std::move(straggler));
    if (stragglers_.size() > limits::stragglers_kept_max) {
        const auto oldest = stragglers_.begin();
        if (!oldest->second.is_spam) {
            ++dropped_[hour_of(oldest->second.at)];
        }
        constexpr std::chrono::hours kept = straggler_window + 1h;
        dropped_.erase(dropped_.begin(), dropped_.lower_bound(hour_of(mail.at) - kept.count()));
        changed_stragglers_.insert(oldest->first);
        stragglers_.erase(oldest);
        hours_changed_ = true;
    }
}

std::vector<dns::ProviderFacts> SenderBook::providers() const {
    std::map<std::string, dns::ProviderFacts> all;
    for (const auto& [provider, messages] : baseline_.providers) {
        all[provider].messages = messages;
    }
    for (const auto& [provider, known] : known_) {
        dns::ProviderFacts& facts = all[provider];
        if (!has_import()) {
            facts.messages = known.learned;
        }
        facts.seen_at_siding = known.at_siding;
        facts.seen_at_old = known.at_old;
    }
    std::vector<dns::ProviderFacts> sorted;
    for (auto& [provider, facts] : all) {
        facts.name = provider;
        sorted.push_back(std::move(facts));
    }
    std::ranges::stable_sort(sorted, std::greater{}, &dns::ProviderFacts::messages);
    return sorted;
}

dns::Coverage SenderBook::coverage(const dns::CoverageWindow& window) const {
    return dns::coverage_of(providers(), window);
}

std::uint64_t SenderBook::seen_since(WallTime from) const {
    std::uint64_t sum = 0;
    for (auto hour = hours_.lower_bound(hour_of(from + 1h - 1ms)); hour != hours_.end(); ++hour) {
        sum += hour->second;
    }
    return sum;
}

bool SenderBook::has_profile() const {
    return has_import() || hours_.size() >= 24;
}

std::optional<dns::HourProfile> SenderBook::usual_hours() const {
    return has_profile() ? std::optional{profile()} : std::nullopt;
}

dns::HourProfile SenderBook::profile() const {
    if (has_import()) {
        return baseline_.profile();
    }
    SenderBaseline learned;
    for (const auto& [hour, messages] : hours_) {
        learned.hours.at(dns::hour_of_week(start_of(hour))) += messages;
        learned.messages += messages;
    }
    learned.first = hours_.empty() ? WallTime{} : start_of(hours_.begin()->first);
    learned.last = hours_.empty() ? WallTime{} : start_of(hours_.rbegin()->first);
    return learned.profile();
}

dns::StragglerFacts SenderBook::facts_of(
    const Straggler& straggler, const StragglerQuestion& question
) const {
    dns::StragglerFacts facts;
    facts.at = straggler.at;
    facts.client_address = straggler.client_address;
    facts.is_spam = straggler.is_spam;
    facts.is_old_server = straggler.is_old_server;
    const auto known = known_.find(straggler.provider);
    facts.provider_at_siding = known != known_.end() && known->second.at_siding &&
                               question.published_at &&
                               *known->second.at_siding >= *question.published_at;
    facts.mx_deadline = question.mx_deadline;
    facts.hard_deadline = question.hard_deadline;
    return facts;
}

dns::StragglerCount SenderBook::stragglers(const StragglerQuestion& question) const {
    dns::StragglerCount count;
    count.has_source = question.has_source;
    count.source = question.source;
    const WallTime week_ago = question.now - straggler_window;
    count.since = question.mx_deadline ? std::max(*question.mx_deadline, week_ago) : week_ago;
    for (const auto& [key, straggler] : stragglers_) {
        if (straggler.at < count.since || straggler.at > question.now) {
            continue;
        }
        const dns::StragglerClass kind = dns::classify(facts_of(straggler, question));
        ++count.classes.at(static_cast<std::size_t>(kind));
        if (kind == dns::StragglerClass::spam) {
            ++count.spam;
            continue;
        }
        ++count.count;
        see(count.last_at, straggler.at);
    }
    for (auto hour = dropped_.lower_bound(hour_of(count.since)); hour != dropped_.end(); ++hour) {
        count.count += hour->second;
    }
    if (has_profile()) {
        count.profile = profile();
    }
    count.expected = has_import()
                         ? dns::expected_messages(*count.profile, count.since, question.now)
                         : static_cast<double>(seen_since(count.since) + count.count);
    return count;
}

std::vector<Straggler> SenderBook::recent_stragglers(
    const StragglerQuestion& question, std::size_t rows_max
) const {
    std::vector<Straggler> rows;
    for (auto entry = stragglers_.rbegin(); entry != stragglers_.rend(); ++entry) {
        if (rows.size() == rows_max) {
            break;
        }
        rows.push_back(entry->second);
        rows.back().kind = dns::classify(facts_of(entry->second, question));
    }
    return rows;
}

}  // namespace siding::cutover
