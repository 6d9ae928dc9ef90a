#include "config/problems.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::config {

std::string ConfigError::text() const {
    std::string out = file;
    if (place.line > 0) {
        out += fmt::format(":{}:{}", place.line, place.column);
    }
    return out + ": " + (key.empty() ? what : key + ": " + what);
}

std::string ConfigErrors::text() const {
    std::string out;
    for (const ConfigError& error : list) {
        out += error.text() + "\n";
    }
    return out;
}

void throw_exception_from_error(const ConfigErrors& errors, const boost::source_location& where) {
    fail_check(
        "config::LoadResult has a value",
        errors.text(),
        where.file_name(),
        static_cast<int>(where.line())
    );
}

void Problems::add(Place place, std::string_view key, std::string what) {
    errors_.push_back({file_, place, std::string{key}, std::move(what)});
}

Place Problems::place_of(std::string key) const {
    for (auto found = places_.find(key); !key.empty(); found = places_.find(key)) {
        if (found != places_.end()) {
            return found->second;
        }
        const auto cut = key.find_last_of(".[");
        key.resize(cut == std::string::npos ? 0 : cut);
    }
    return {.line = 1, .column = 1};
}

ConfigErrors Problems::take() {
    std::ranges::stable_sort(errors_, {}, &ConfigError::place);
    return {std::move(errors_)};
}

}  // namespace siding::config
