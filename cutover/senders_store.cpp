// How a book of senders is kept: senders.hpp. Below "dns/senders/DOMAIN/" there is `b` for the
// baseline, `h` for the hours, `p/NAME` for a provider, `n/NETWORK` for a network's provider and
// `s/KEY` for a straggler.
#include "base/limits.hpp"
#include "base/log.hpp"
#include "cutover/sender_values.hpp"
#include "cutover/senders.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::cutover {
namespace {

const Logger log{"dns"};

constexpr std::string_view baseline_key = "b";
constexpr std::string_view hours_key = "h";
constexpr std::string_view provider_prefix = "p/";
constexpr std::string_view network_prefix = "n/";
constexpr std::string_view straggler_prefix = "s/";

}  // namespace

std::string SenderBook::key_of(std::string_view rest) const {
    return fmt::format("dns/senders/{}/{}", domain_.text(), rest);
}

Result<SenderBook> SenderBook::load(const queue::Store& store, const Domain& domain) {
    SenderBook book{domain};
    const std::string prefix = book.key_of("");
    std::string cursor;
    do {
        SIDING_ASSIGN(
            queue::ValuePage page, store.list_values(prefix, cursor, limits::change_page_rows)
        );
        for (const queue::StoredValue& value : page.values) {
            if (!book.take_value(std::string_view{value.key}.substr(prefix.size()), value.value)) {
                log.warn("sender_value_unknown", {{"key", value.key}});
            }
        }
        cursor = std::move(page.cursor);
    } while (!cursor.empty());
    return book;
}

bool SenderBook::take_value(std::string_view key, std::string_view value) {
    if (key == baseline_key) {
        auto baseline = parse_baseline(value);
        if (!baseline) {
            return false;
        }
        baseline->providers = std::move(baseline_.providers);
        baseline->networks = std::move(baseline_.networks);
        baseline_ = std::move(*baseline);
        return true;
    }
    if (key == hours_key) {
        auto hours = parse_hours(value);
        if (!hours) {
            return false;
        }
        hours_ = std::move(hours->messages);
        dropped_ = std::move(hours->dropped);
        return true;
    }
    if (key.starts_with(network_prefix)) {
        baseline_.networks.emplace(key.substr(network_prefix.size()), value);
        return true;
    }
    if (key.starts_with(provider_prefix)) {
        const std::string name{key.substr(provider_prefix.size())};
        const auto provider = parse_provider(value);
        if (!provider) {
            return false;
        }
        if (provider->imported > 0) {
            baseline_.providers.emplace(name, provider->imported);
        }
        known_.emplace(name, Known{provider->learned, provider->at_siding, provider->at_old});
        return true;
    }
    if (key.starts_with(straggler_prefix)) {
        const std::string_view rest = key.substr(straggler_prefix.size());
        const auto number = parse_straggler_key(rest);
        auto straggler = parse_straggler(value);
        if (!number || !straggler) {
            return false;
        }
        next_straggler_ = std::max(next_straggler_, *number + 1);
        stragglers_.emplace(rest, std::move(*straggler));
        return true;
    }
    return false;
}

std::vector<queue::PutValues> SenderBook::take_changes() {
    std::vector<queue::PutValues> pages;
    const auto put = [&](const std::string& rest, std::optional<std::string> value) {
        if (pages.empty() || pages.back().values.size() >= limits::change_page_rows) {
            pages.emplace_back();
        }
        pages.back().values.push_back({key_of(rest), std::move(value)});
    };
    for (const std::string& name : std::exchange(changed_providers_, {})) {
        const auto imported = baseline_.providers.find(name);
        const auto known = known_.find(name);
        std::optional<std::string> value;
        if (imported != baseline_.providers.end() || known != known_.end()) {
            const Known seen = known == known_.end() ? Known{} : known->second;
            value = format_provider(
                {imported == baseline_.providers.end() ? 0 : imported->second,
                 seen.learned,
                 seen.at_siding,
                 seen.at_old}
            );
        }
        put(fmt::format("{}{}", provider_prefix, name), std::move(value));
    }
    for (const std::string& network : std::exchange(changed_networks_, {})) {
        const auto known = baseline_.networks.find(network);
        put(fmt::format("{}{}", network_prefix, network),
            known == baseline_.networks.end() ? std::nullopt : std::optional{known->second});
    }
    for (const std::string& key : std::exchange(changed_stragglers_, {})) {
        const auto straggler = stragglers_.find(key);
        put(fmt::format("{}{}", straggler_prefix, key),
            straggler == stragglers_.end() ? std::nullopt
                                           : std::optional{format_straggler(straggler->second)});
    }
    if (std::exchange(baseline_changed_, false)) {
        put(std::string{baseline_key}, format_baseline(baseline_));
    }
    if (std::exchange(hours_changed_, false)) {
        put(std::string{hours_key}, format_hours({hours_, dropped_}));
    }
    return pages;
}

}  // namespace siding::cutover
