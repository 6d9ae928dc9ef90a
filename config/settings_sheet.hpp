// Where the settings of a configuration are gathered as text. Included by settings*.cpp alone.
#pragma once

#include "base/check.hpp"
#include "config/settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::config {

template <typename Enum>
std::string_view choice_text(std::string_view schema, Enum value) {
    const Key* key = find_key(schema);
    SIDING_CHECK(key != nullptr, schema);
    return split_choices(key->choices).at(static_cast<std::size_t>(value));
}

class Sheet {
public:
    void add(const std::string& path, std::string value) { add(path, path, std::move(value)); }

    void add(const std::string& path, std::string_view schema, std::string value) {
        const Key* key = find_key(schema);
        SIDING_CHECK(key != nullptr, schema);
        settings_.insert_or_assign(path, Setting{key, std::move(value)});
    }

    // Choices stand in the order of their enum.
    template <typename Enum>
    void add_choice(const std::string& path, std::string_view schema, Enum value) {
        add(path, schema, std::string{choice_text(schema, value)});
    }

    std::map<std::string, Setting> take() { return std::move(settings_); }

private:
    std::map<std::string, Setting> settings_;
};

// "[a, b]"
std::string format_list(const std::vector<std::string>& words);

// The same; empty without any.
std::string format_words(const std::vector<std::string>& words);
std::string format_endpoints(const std::vector<Endpoint>& endpoints);

// The numbers that may be left out, as text; empty where one is.
template <typename Number>
std::string format_optional(const std::optional<Number>& number) {
    return number ? std::to_string(*number) : std::string{};
}

// The keys that say where mail goes, and how.
void add_servers(const Config& config, Sheet& sheet);
void add_domains(const Config& config, Sheet& sheet);
void add_delivery(const Config& config, Sheet& sheet);
void add_dns(const Dns& dns, Sheet& sheet);
void add_backfill(const Backfill& backfill, Sheet& sheet);
void add_mx(const std::string& path, const DomainSettings& settings, Sheet& sheet);  // a domain's

}  // namespace siding::config
