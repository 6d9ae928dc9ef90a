#include "relay/wave_table.hpp"

#include "base/glob.hpp"
#include "config/config.hpp"
#include "relay/address_key.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace siding::relay {
namespace {

std::string_view local_part_of(std::string_view key) {
    return key.substr(0, key.rfind('@'));
}

bool names(const WaveSources& wave, std::string_view key) {
    return (wave.members != nullptr && wave.members->addresses.contains(key)) ||
           std::ranges::any_of(wave.files, [&](const auto& file) { return file->contains(key); });
}

bool has_pattern_for(const WaveSources& wave, std::string_view local) {
    const auto matches = [local](const std::string& glob) { return matches_glob(glob, local); };
    return std::ranges::any_of(wave.patterns, matches) ||
           (wave.members != nullptr && std::ranges::any_of(wave.members->patterns, matches));
}

template <typename Predicate>
const std::string* first_wave(const WaveTable::Waves& waves, Predicate holds) {
    const auto found =
        std::ranges::find_if(waves, [&](const auto& entry) { return holds(entry.second); });
    return found == waves.end() ? nullptr : &found->first;
}

const std::string* find_wave(const WaveTable::Waves& waves, const LookupKeys& keys) {
    for (const std::string& key : {keys.full, keys.bare, keys.untagged, keys.untagged_bare}) {
        const auto is_named = [&](const WaveSources& wave) { return names(wave, key); };
        if (const std::string* wave = first_wave(waves, is_named)) {
            return wave;
        }
    }
    for (const std::string& key : {keys.full, keys.untagged}) {
        const auto has_pattern = [&](const WaveSources& wave) {
            return has_pattern_for(wave, local_part_of(key));
        };
        if (const std::string* wave = first_wave(waves, has_pattern)) {
            return wave;
        }
    }
    return first_wave(waves, [&](const WaveSources& wave) {
        return names(wave, keys.whole_domain);
    });
}

// The address that a file's key means in the domain; empty for who is of another one.
std::string address_in(std::string_view key, std::string_view domain) {
    const std::string_view own = domain_of_key(key);
    if (own.empty()) {
        return std::string{key}.append(domain);
    }
    return own == domain ? std::string{key} : std::string{};
}

std::optional<WaveOverlap> compare(
    std::string_view domain,
    const std::pair<const std::string, WaveSources>& first,
    const std::pair<const std::string, WaveSources>& second
) {
    WaveOverlap overlap{std::string{domain}, first.first, second.first, {}, 0};
    visit_addresses(second.second, domain, [&](std::string_view address) {
        const std::string bare{address.substr(0, address.rfind('@') + 1)};
        if (names(first.second, address) || names(first.second, bare)) {
            ++overlap.addresses;
            if (overlap.example.empty() || address < overlap.example) {
                overlap.example = address;
            }
        }
    });
    return overlap.addresses == 0 ? std::nullopt : std::optional{std::move(overlap)};
}

}  // namespace

const WaveTable::Waves* WaveTable::waves_of(std::string_view domain) const {
    const auto found = domains_.find(domain);
    return found == domains_.end() ? nullptr : &found->second;
}

const WaveSources* WaveTable::find(const Domain& domain, const std::string& wave) const {
    const Waves* const waves = waves_of(domain.text());
    const auto found = waves == nullptr ? Waves::const_iterator{} : waves->find(wave);
    return waves == nullptr || found == waves->end() ? nullptr : &found->second;
}

std::string WaveTable::wave_of(
    const Domain& domain, std::string_view address, std::string_view delimiter
) const {
    const Waves* const waves = waves_of(domain.text());
    if (waves == nullptr || waves->empty()) {
        return config::default_wave;
    }
    const auto parsed = Address::parse(address);
    if (!parsed || parsed->domain() != domain) {
        return config::default_wave;
    }
    const std::string* const wave = find_wave(*waves, LookupKeys{*parsed, delimiter});
    return wave == nullptr ? config::default_wave : *wave;
}

std::vector<WaveOverlap> WaveTable::overlaps() const {
    std::vector<WaveOverlap> out;
    for (const auto& [domain, waves] : domains_) {
        for (auto first = waves.begin(); first != waves.end(); ++first) {
            for (auto second = std::next(first); second != waves.end(); ++second) {
                if (auto overlap = compare(domain, *first, *second)) {
                    out.push_back(std::move(*overlap));
                }
            }
        }
    }
    return out;
}

void visit_addresses(
    const WaveSources& wave,
    std::string_view domain,
    const std::function<void(std::string_view address)>& visit
) {
    for (const auto& file : wave.files) {
        file->for_each([&](std::string_view key) {
            if (const std::string address = address_in(key, domain); !address.empty()) {
                visit(address);
            }
        });
    }
    if (wave.members != nullptr) {
        std::ranges::for_each(wave.members->addresses, visit);
    }
}

std::size_t count_addresses(const WaveSources& wave, const std::string& domain) {
    std::set<std::string, std::less<>> addresses;
    visit_addresses(wave, domain, [&](std::string_view address) { addresses.emplace(address); });
    return addresses.size();
}

}  // namespace siding::relay
