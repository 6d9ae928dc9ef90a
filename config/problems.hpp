// What is wrong with a configuration, all of it, each with the place in the file.
#pragma once

#include <boost/assert/source_location.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::config {

struct Place {
    int line = 0;  // from 1; 0: the file as a whole
    int column = 0;

    auto operator<=>(const Place&) const = default;
};

struct ConfigError {
    std::string file;
    Place place;
    std::string key;   // "limits.message_size"; empty for syntax
    std::string what;  // what is wrong and what is allowed

    // "siding.yaml:4:17: limits.message_size: '0' is not a size; …"
    std::string text() const;
};

struct ConfigErrors {
    std::vector<ConfigError> list;  // by place, never empty

    std::string text() const;  // one line each
};

// Found by Boost.System when .value() is called on errors; always our bug.
[[noreturn]] void throw_exception_from_error(
    const ConfigErrors& errors, const boost::source_location& where
);

// Gathers errors while a file is read, and remembers where each key stood for the checks that come
// after the reading.
class Problems {
public:
    explicit Problems(std::string file) : file_{std::move(file)} {}

    void add(Place place, std::string_view key, std::string what);

    void remember(const std::string& key, Place place) { places_[key] = place; }
    // Of the key or its nearest ancestor in the file.
    Place place_of(std::string key) const;

    bool empty() const { return errors_.empty(); }
    ConfigErrors take();

private:
    std::string file_;
    std::vector<ConfigError> errors_;
    std::map<std::string, Place> places_;
};

}  // namespace siding::config
