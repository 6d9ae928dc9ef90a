#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/phase_order.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

constexpr std::uint64_t members_shown = 100;
constexpr std::uint64_t members_shown_max = 10'000;

// What one look at the waves goes by; numbers of members are counted on a blocking thread.
struct Look {
    std::shared_ptr<const relay::WaveTable> table;
    std::shared_ptr<const queue::PhaseTable> phases;
    std::shared_ptr<const config::Config> config;
};

Result<Look> look_at(const Services& services) {
    if (services.waves == nullptr || !services.config) {
        return Error{Errc::unavailable, "the waves are not known here"};
    }
    return Look{services.waves->get(), services.queue.phases(), services.config()};
}

const config::Wave* configured(
    const Look& look, const std::string& domain, const std::string& wave
) {
    for (const auto& [name, settings] : look.config->domains) {
        if (name.text() == domain) {
            const auto found = settings.waves.find(wave);
            return found == settings.waves.end() ? nullptr : &found->second;
        }
    }
    return nullptr;
}

const relay::WaveSources* sources_of(
    const Look& look, const std::string& domain, const std::string& wave
) {
    const auto* const waves = look.table->waves_of(domain);
    const auto found =
        waves == nullptr ? relay::WaveTable::Waves::const_iterator{} : waves->find(wave);
    return waves == nullptr || found == waves->end() ? nullptr : &found->second;
}

json::array patterns_json(const relay::WaveSources& wave) {
    std::set<std::string> patterns{wave.patterns.begin(), wave.patterns.end()};
    if (wave.members != nullptr) {
        patterns.insert(wave.members->patterns.begin(), wave.members->patterns.end());
    }
    json::array out;
    for (const std::string& pattern : patterns) {
        out.push_back(json_text(pattern));
    }
    return out;
}

using WaveKey = std::pair<std::string, std::string>;

json::object wave_json(const Look& look, const WaveKey& key, const queue::Counters& counters) {
    const auto& [domain, name] = key;
    const auto phase = look.phases->phases.find(key);
    const auto copy = look.phases->copies.find(key);
    const auto counts = counters.waves.find(key);
    const config::Wave* const settings = configured(look, domain, name);
    const relay::WaveSources* const sources = sources_of(look, domain, name);
    json::object out{
        {"domain", json_text(domain)},
        {"wave", json_text(name)},
        {"phase",
         phase == look.phases->phases.end() ? json::value(nullptr)
                                            : json::value(format_phase(phase->second))},
        {"copy", json_text(copy == look.phases->copies.end() ? "" : copy->second)},
        {"configured", settings != nullptr || name == config::default_wave},
        {"everybody_else", name == config::default_wave},
        {"addresses", sources == nullptr ? 0 : relay::count_addresses(*sources, domain)},
        {"patterns", sources == nullptr ? json::array{} : patterns_json(*sources)},
        {"files", json::array{}},
        {"counts",
         counts_json(counts == counters.waves.end() ? queue::StateCounts{} : counts->second)},
    };
    if (settings != nullptr) {
        for (const config::RecipientFile& file : settings->files) {
            out["files"].as_array().push_back(json_text(file.path));
        }
    }
    return out;
}

// Waves that have a phase or members, of one domain or of all.
std::set<WaveKey> keys_of(const Look& look, const std::string& domain) {
    std::set<WaveKey> keys;
    for (const auto& [key, phase] : look.phases->phases) {
        keys.insert(key);
    }
    for (const auto& [name, waves] : look.table->domains()) {
        for (const auto& [wave, sources] : waves) {
            keys.insert({name, wave});
        }
    }
    std::erase_if(keys, [&](const WaveKey& key) { return !domain.empty() && key.first != domain; });
    return keys;
}

// The first addresses by name, of every source.
json::array members_json(
    const relay::WaveSources& sources, const std::string& domain, std::uint64_t limit
) {
    std::set<std::string, std::less<>> first;
    relay::visit_addresses(sources, domain, [&](std::string_view address) {
        first.emplace(address);
        if (first.size() > limit) {
            first.erase(std::prev(first.end()));
        }
    });
    json::array out;
    for (const std::string& address : first) {
        out.push_back(json_text(address));
    }
    return out;
}

Result<relay::WaveName> name_of(const Request& request) {
    SIDING_ASSIGN(Domain domain, Domain::parse(request.captures.at(0)));
    return relay::WaveName{std::move(domain), request.captures.at(1)};
}

Result<relay::WaveMembers> read_members(const Body& body, const Domain& domain) {
    relay::WaveMembers members;
    SIDING_ASSIGN(const auto addresses, body.texts("addresses"));
    for (const std::string& text : addresses) {
        if (text == "@" + domain.text()) {
            members.patterns.insert("*");
            continue;
        }
        SIDING_ASSIGN(std::string address, relay::parse_member(domain, text));
        members.addresses.insert(std::move(address));
    }
    SIDING_ASSIGN(const auto patterns, body.texts("patterns"));
    for (const std::string& text : patterns) {
        SIDING_ASSIGN(std::string pattern, relay::parse_pattern(text));
        members.patterns.insert(std::move(pattern));
    }
    return members;
}

Result<relay::WaveOrders::Addition> parse_addition(
    const Services& services, const Request& request
) {
    SIDING_ASSIGN(
        const Body body,
        Body::parse(request.http.body, {"addresses", "patterns", "phase", "copy", "why"})
    );
    SIDING_ASSIGN(relay::WaveName name, name_of(request));
    relay::WaveOrders::Addition order{std::move(name)};
    SIDING_ASSIGN(order.members, read_members(body, order.name.domain));
    SIDING_ASSIGN(const std::string phase, body.text("phase"));
    SIDING_ASSIGN(order.why, body.text("why"));
    FlipOrder flip;
    SIDING_TRY(read_copy(body, flip));
    if (!phase.empty()) {
        SIDING_ASSIGN(flip.to, parse_phase(phase));
        order.phase = flip.to;
        SIDING_TRY(check_servers(services, flip));
    } else if (flip.copy) {
        return Error{Errc::invalid_argument, "'copy' needs 'phase' beside it"};
    }
    order.copy = flip.copy.value_or("");
    order.who = request.who;
    return order;
}

json::object added_json(const relay::WaveName& name, const relay::WaveOrders::Added& added) {
    return {
        {"domain", name.domain.text()},
        {"wave", json_text(name.wave)},
        {"created", added.created},
        {"added", added.members},
        {"phase", format_phase(added.phase)},
    };
}

void log_addition(
    const relay::WaveName& name, const relay::WaveOrders::Added& added, const std::string& who
) {
    logger.info(
        "wave_changed",
        {{"domain", name.domain},
         {"wave", name.wave},
         {"created", added.created},
         {"added", added.members},
         {"who", who}}
    );
}

Answer list_waves(Services& services, std::string domain) {
    SIDING_CO_ASSIGN(const Look look, look_at(services));
    auto read = [look, domain](const queue::Store& store) {
        const queue::Counters counters = store.counters();
        json::array out;
        for (const WaveKey& key : keys_of(look, domain)) {
            out.push_back(wave_json(look, key, counters));
        }
        return out;
    };
    json::array waves = co_await services.queue.read(std::move(read));
    if (waves.empty() && !domain.empty()) {
        co_return Error{Errc::not_found, fmt::format("{} is not configured", escape(domain))};
    }
    co_return json_response({{"epoch", look.phases->epoch}, {"waves", std::move(waves)}});
}

}  // namespace

Answer get_waves(Services& services, const Request& request) {
    std::string domain;
    if (!request.captures.empty()) {
        SIDING_CO_ASSIGN(const Domain parsed, Domain::parse(request.captures[0]));
        domain = parsed.text();
    }
    co_return co_await list_waves(services, std::move(domain));
}

Answer get_wave(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const Look look, look_at(services));
    SIDING_CO_ASSIGN(const relay::WaveName name, name_of(request));
    std::uint64_t limit = members_shown;
    if (const auto given = request.http.query.find("limit"); given != request.http.query.end()) {
        SIDING_CO_ASSIGN(limit, parse_number("limit", given->second));
    }
    limit = std::min(limit, members_shown_max);
    const WaveKey key{name.domain.text(), name.wave};
    if (!keys_of(look, key.first).contains(key)) {
        co_return Error{
            Errc::not_found,
            fmt::format("there is no wave {}; GET /v1/waves lists them", escape(name.text()))};
    }
    auto read = [look, key, limit](const queue::Store& store) {
        json::object out = wave_json(look, key, store.counters());
        const relay::WaveSources* const sources = sources_of(look, key.first, key.second);
        out["members"] =
            sources == nullptr ? json::array{} : members_json(*sources, key.first, limit);
        return out;
    };
    const json::object shown = co_await services.queue.read(std::move(read));
    co_return json_response(shown);
}

Answer post_wave(Services& services, const Request& request) {
    SIDING_CO_TRY(look_at(services));
    SIDING_CO_ASSIGN(relay::WaveOrders::Addition order, parse_addition(services, request));
    const relay::WaveName name = order.name;
    const auto added = co_await services.wave_orders->add(std::move(order));
    SIDING_CO_TRY(added);
    log_addition(name, *added, request.who);
    co_return json_response(added_json(name, *added));
}

Answer post_wave_clone(Services& services, const Request& request) {
    SIDING_CO_TRY(look_at(services));
    SIDING_CO_ASSIGN(const relay::WaveName from, name_of(request));
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"domain", "wave", "why"}));
    SIDING_CO_ASSIGN(const std::string domain, body.text("domain", from.domain.text()));
    SIDING_CO_ASSIGN(Domain to, Domain::parse(domain));
    SIDING_CO_ASSIGN(std::string wave, body.text("wave", from.wave));
    relay::WaveName target{std::move(to), std::move(wave)};
    if (target.text() == from.text()) {
        co_return Error{
            Errc::invalid_argument, "name another wave or another domain to clone it to"};
    }
    const auto phases = services.queue.phases();
    if (phases->find(target.domain, target.wave)) {
        co_return Error{
            Errc::conflict, fmt::format("{} is there already; clone to a new name", target.text())};
    }
    relay::WaveOrders::Addition order{target};
    SIDING_CO_ASSIGN(order.members, services.wave_orders->copy_members(from, target.domain));
    order.phase = phases->find(from.domain, from.wave);
    order.copy = phases->copy_of(from.domain, from.wave);
    SIDING_CO_ASSIGN(order.why, body.text("why"));
    order.who = request.who;
    const auto added = co_await services.wave_orders->add(std::move(order));
    SIDING_CO_TRY(added);
    log_addition(target, *added, request.who);
    co_return json_response(added_json(target, *added));
}

Answer post_wave_remove(Services& services, const Request& request) {
    SIDING_CO_TRY(look_at(services));
    SIDING_CO_ASSIGN(const relay::WaveName name, name_of(request));
    SIDING_CO_ASSIGN(
        const Body body, Body::parse(request.http.body, {"addresses", "patterns", "all"})
    );
    SIDING_CO_ASSIGN(const bool all, body.flag("all"));
    SIDING_CO_ASSIGN(relay::WaveMembers members, read_members(body, name.domain));
    if (all == (!members.addresses.empty() || !members.patterns.empty())) {
        co_return Error{
            Errc::invalid_argument,
            "say what goes: 'addresses' and 'patterns', or \"all\": true for the whole wave"};
    }
    std::uint64_t removed = 0;
    std::uint64_t moved = 0;
    relay::WaveName wave = name;
    if (all) {
        std::string who = request.who;
        const auto gone = co_await services.wave_orders->remove(std::move(wave), std::move(who));
        SIDING_CO_TRY(gone);
        moved = *gone;
    } else {
        const auto taken =
            co_await services.wave_orders->take_out(std::move(wave), std::move(members));
        SIDING_CO_TRY(taken);
        removed = *taken;
    }
    logger.info(
        "wave_changed",
        {{"domain", name.domain},
         {"wave", name.wave},
         {"gone", all},
         {"removed", removed},
         {"who", request.who}}
    );
    co_return json_response({{"gone", all}, {"removed", removed}, {"moved", moved}});
}

}  // namespace siding::control
