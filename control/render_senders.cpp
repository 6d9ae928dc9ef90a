// Usual senders out and in: control/render_dns.hpp.
#include "base/check.hpp"
#include "control/json.hpp"
#include "control/render_dns.hpp"

#include <boost/json/value.hpp>

#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;

constexpr std::size_t entries_max = 10'000;  // of one body: some 60 octets each

Error wrong(std::string_view what) {
    return {Errc::invalid_argument, fmt::format("'{}' is not as docs/control-api.md has it", what)};
}

Result<std::uint64_t> parse_number(const json::value& value, std::string_view key) {
    boost::system::error_code failed;
    const auto number = value.to_number<std::uint64_t>(failed);
    return failed ? Result<std::uint64_t>{wrong(key)} : number;
}

Result<WallTime> parse_moment(const json::object& from, std::string_view key) {
    const auto found = from.find(key);
    if (found == from.end() || found->value().is_null()) {
        return WallTime{};
    }
    return found->value().is_string() ? parse_time(std::string_view{found->value().get_string()})
                                      : Result<WallTime>{wrong(key)};
}

Result<const json::object*> object_of(const json::object& from, std::string_view key) {
    static const json::object none;
    const auto found = from.find(key);
    if (found == from.end()) {
        return &none;
    }
    return found->value().is_object() ? Result<const json::object*>{&found->value().get_object()}
                                      : wrong(key);
}

Result<void> read_hours(const json::object& from, cutover::SenderBaseline& baseline) {
    const auto found = from.find("hours");
    if (found == from.end()) {
        return {};
    }
    const json::array* const hours = found->value().if_array();
    if (hours == nullptr || hours->size() != baseline.hours.size()) {
        return wrong("hours");
    }
    for (std::size_t i = 0; i < baseline.hours.size(); ++i) {
        SIDING_ASSIGN(baseline.hours.at(i), parse_number(hours->at(i), "hours"));
    }
    return {};
}

json::object body_of(const Domain& domain, std::string_view mode, json::object baseline) {
    return {{"domain", domain.text()}, {"mode", mode}, {"baseline", std::move(baseline)}};
}

}  // namespace

json::object senders_json(
    const cutover::SenderBook& book, const dns::Coverage* coverage, std::size_t providers_max
) {
    json::array providers;
    std::uint64_t messages = 0;
    const auto facts = book.providers();
    for (const dns::ProviderFacts& provider : facts) {
        messages += provider.messages;
        if (providers.size() < providers_max) {
            providers.push_back(json::object{
                {"name", json_text(provider.name)},
                {"messages", provider.messages},
                {"seen_at_siding", json_time(provider.seen_at_siding)},
                {"seen_at_old", json_time(provider.seen_at_old)},
            });
        }
    }
    const cutover::SenderBaseline& baseline = book.baseline();
    const bool has_times = book.has_import();
    const auto hours = book.usual_hours();
    return {
        {"domain", book.domain().text()},
        {"imported", book.has_import()},
        {"messages", messages},
        {"first", has_times ? json_time(baseline.first) : json::value(nullptr)},
        {"last", has_times ? json_time(baseline.last) : json::value(nullptr)},
        {"weekend", hours ? json::value(dns::weekend_messages(*hours)) : json::value(nullptr)},
        {"providers_known", facts.size()},
        {"providers", std::move(providers)},
        {"coverage", coverage == nullptr ? json::value(nullptr) : json::value(coverage->share)},
    };
}

std::vector<json::object> baseline_bodies(
    const Domain& domain, const cutover::SenderBaseline& baseline, cutover::ImportMode mode
) {
    json::object providers;
    for (const auto& [provider, count] : baseline.providers) {
        providers[provider] = count;
    }
    json::array hours;
    for (const std::uint64_t hour : baseline.hours) {
        hours.push_back(hour);
    }
    const std::string_view how = mode == cutover::ImportMode::replace ? "replace" : "add";
    std::vector<json::object> bodies;
    bodies.push_back(body_of(
        domain,
        how,
        {{"messages", baseline.messages},
         {"first", json_time(baseline.first)},
         {"last", json_time(baseline.last)},
         {"hours", std::move(hours)},
         {"providers", std::move(providers)}}
    ));
    json::object networks;
    for (const auto& [network, provider] : baseline.networks) {
        networks[network] = json_text(provider);
        if (networks.size() == entries_max) {
            bodies.push_back(body_of(domain, "add", {{"networks", std::exchange(networks, {})}}));
        }
    }
    if (!networks.empty()) {
        bodies.push_back(body_of(domain, "add", {{"networks", std::move(networks)}}));
    }
    return bodies;
}

Result<cutover::SenderBaseline> parse_baseline(const json::object& from) {
    cutover::SenderBaseline baseline;
    const auto messages = from.find("messages");
    if (messages != from.end()) {
        SIDING_ASSIGN(baseline.messages, parse_number(messages->value(), "messages"));
    }
    SIDING_ASSIGN(baseline.first, parse_moment(from, "first"));
    SIDING_ASSIGN(baseline.last, parse_moment(from, "last"));
    if (baseline.last < baseline.first) {
        return wrong("last");
    }
    SIDING_TRY(read_hours(from, baseline));
    SIDING_ASSIGN(const json::object* const providers, object_of(from, "providers"));
    for (const auto& [provider, count] : *providers) {
        SIDING_ASSIGN(baseline.providers[provider], parse_number(count, "providers"));
    }
    SIDING_ASSIGN(const json::object* const networks, object_of(from, "networks"));
    for (const auto& [network, provider] : *networks) {
        if (!provider.is_string()) {
            return wrong("networks");
        }
        baseline.networks[network] = provider.get_string();
    }
    return baseline;
}

}  // namespace siding::control
