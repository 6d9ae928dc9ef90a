#include "relay/wave_store.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace siding::relay {
namespace {

const Logger log{"relay"};

constexpr std::string_view prefix = "wave/";

std::string wave_key(const Domain& domain, const std::string& wave) {
    return fmt::format("{}{}/{}", prefix, domain.text(), wave);
}

std::string address_key(const Domain& domain, const std::string& wave, const std::string& address) {
    return fmt::format("{}/a/{}", wave_key(domain, wave), address);
}

std::string pattern_key(const Domain& domain, const std::string& wave, const std::string& pattern) {
    return fmt::format("{}/p/{}", wave_key(domain, wave), pattern);
}

std::string_view take_part(std::string_view& rest) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    return part;
}

using Loading = std::map<std::pair<std::string, std::string>, WaveMembers>;

void add_key(std::string_view key, Loading& waves) {
    std::string_view rest = key.substr(prefix.size());
    const std::string domain{take_part(rest)};
    const std::string wave{take_part(rest)};
    if (domain.empty() || wave.empty()) {
        log.warn("wave_value_unknown", {{"key", key}});
        return;
    }
    WaveMembers& members = waves[{domain, wave}];
    const std::string_view kind = take_part(rest);
    if (kind == "a" && !rest.empty()) {
        members.addresses.emplace(rest);
    } else if (kind == "p" && !rest.empty()) {
        members.patterns.emplace(rest);
    } else if (!kind.empty()) {
        log.warn("wave_value_unknown", {{"key", key}});
    }
}

// Values gathered into changes that nobody waits long for.
class Pages {
public:
    void add(std::string key, std::optional<std::string> value) {
        if (pages_.empty() || pages_.back().values.size() >= limits::change_page_rows) {
            pages_.emplace_back();
        }
        pages_.back().values.push_back({std::move(key), std::move(value)});
    }

    void add_members(
        const Domain& domain,
        const std::string& wave,
        const WaveMembers& members,
        const std::optional<std::string>& value
    ) {
        for (const std::string& address : members.addresses) {
            add(address_key(domain, wave, address), value);
        }
        for (const std::string& pattern : members.patterns) {
            add(pattern_key(domain, wave, pattern), value);
        }
    }

    std::vector<queue::PutValues> take() { return std::move(pages_); }

private:
    std::vector<queue::PutValues> pages_;
};

}  // namespace

Result<StoredWaves> load_waves(const queue::Store& store) {
    Loading loading;
    std::string cursor;
    do {
        SIDING_ASSIGN(
            queue::ValuePage page, store.list_values(prefix, cursor, limits::change_page_rows)
        );
        for (const queue::StoredValue& value : page.values) {
            add_key(value.key, loading);
        }
        cursor = std::move(page.cursor);
    } while (!cursor.empty());
    StoredWaves waves;
    for (auto& [name, members] : loading) {
        waves.emplace(name, std::make_shared<const WaveMembers>(std::move(members)));
    }
    return waves;
}

std::vector<queue::PutValues> put_members(
    const Domain& domain, const std::string& wave, const WaveMembers& members
) {
    Pages pages;
    pages.add(wave_key(domain, wave), "");
    pages.add_members(domain, wave, members, "");
    return pages.take();
}

std::vector<queue::PutValues> take_members(
    const Domain& domain, const std::string& wave, const WaveMembers& members
) {
    Pages pages;
    pages.add_members(domain, wave, members, std::nullopt);
    return pages.take();
}

queue::DeleteValues delete_members(const Domain& domain, const std::string& wave) {
    return {wave_key(domain, wave) + "/", limits::change_page_rows};
}

queue::PutValues delete_wave(const Domain& domain, const std::string& wave) {
    queue::PutValues change;
    change.values.push_back({wave_key(domain, wave), std::nullopt});
    return change;
}

}  // namespace siding::relay
