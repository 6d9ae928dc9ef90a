#include "control/config_view.hpp"

#include "config/settings.hpp"
#include "config/units.hpp"
#include "control/json.hpp"
#include "relay/lane_limits.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

std::string_view reload_text(config::Reload reload) {
    switch (reload) {
    case config::Reload::live:
        return "live";
    case config::Reload::restart:
        return "restart";
    case config::Reload::first_start:
        return "first_start";
    }
    return "live";
}

json::array settings_json(const config::Config& config) {
    json::array out;
    for (const auto& [path, setting] : config::settings_of(config)) {
        const bool is_entry = setting.key->type == config::KeyType::map && setting.value.empty();
        if (!is_entry) {
            out.push_back(json::object{
                {"key", json_text(path)},
                {"value", json_text(setting.value)},
                {"default", json_text(setting.key->fallback)},
                {"reload", reload_text(setting.key->reload)},
            });
        }
    }
    return out;
}

json::object retry_json(const config::Retry& retry) {
    json::array times;
    for (const auto time : retry_times(retry)) {
        times.push_back(json::string{span_text(time)});
    }
    const std::string last = retry.schedule.empty() ? "" : span_text(retry.schedule.back());
    return {{"after", std::move(times)}, {"then_every", json_text(last)}};
}

json::object limits_json(const std::string& name, const config::Server& server) {
    const relay::LaneLimits limits = relay::resolve_limits(server);
    return {
        {"server", json_text(name)},
        {"profile", relay::profile_name(server.profile)},
        {"connections", limits.connections},
        {"connections_start", limits.connections_start},
        {"growth_deliveries", limits.growth_deliveries},
        {"cool_down", span_text(limits.cool_down)},
        {"cool_down_longest", span_text(limits.cool_down_longest)},
        {"reputation_cool_down", span_text(limits.reputation_cool_down)},
        {"messages_per_connection", limits.messages_per_connection},
        {"recipients_per_transaction", limits.recipients_per_transaction},
        {"recipient_connections", limits.recipient_connections},
        {"one_domain", limits.one_domain},
        {"rate", limits.rate},
        {"domain_rate", limits.domain_rate},
        {"recipient_rate", limits.recipient_rate},
    };
}

}  // namespace

json::object config_json(const config::Config& config) {
    json::array servers;
    for (const auto& [name, server] : config.servers) {
        servers.push_back(limits_json(name, server));
    }
    return {
        {"settings", settings_json(config)},
        {"retry", retry_json(config.retry)},
        {"servers", std::move(servers)},
    };
}

std::vector<std::chrono::milliseconds> retry_times(const config::Retry& retry) {
    std::vector<std::chrono::milliseconds> out;
    std::chrono::milliseconds sum{0};
    for (const auto wait : retry.schedule) {
        sum += wait;
        out.push_back(sum);
    }
    return out;
}

std::string span_text(std::chrono::milliseconds span) {
    struct Unit {
        std::chrono::milliseconds size;
        const char* name;
    };
    static constexpr std::array units{
        Unit{24h, "d"}, Unit{1h, "h"}, Unit{1min, "m"}, Unit{1s, "s"}, Unit{1ms, "ms"}};
    std::string out;
    int parts = 0;
    for (const Unit& unit : units) {
        if (const auto count = span / unit.size; count > 0 && parts < 2) {
            out += fmt::format("{}{}", count, unit.name);
            span -= unit.size * count;
            ++parts;
        }
    }
    return out.empty() ? "0s" : out;
}

}  // namespace siding::control
