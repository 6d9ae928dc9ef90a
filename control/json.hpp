// JSON as our handlers use it: values that are always good UTF-8 going out, checked fields coming
// in. Every complaint names the key.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::control {

// Text from the wire may hold any octet, JSON may not (RFC 8259 §8.1): text that is not UTF-8 is
// shown as escape() shows it.
boost::json::value json_text(std::string_view text);

// null for a time that never was.
boost::json::value json_time(WallTime time);
boost::json::value json_time(const std::optional<WallTime>& time);

// A request's body: an object with known keys. An empty body is the empty object.
class Body {
public:
    // Errc::invalid_argument: no JSON, no object, or a key that is not among `keys`.
    static Result<Body> parse(
        std::string_view octets, std::initializer_list<std::string_view> keys
    );

    // Errc::invalid_argument where the value has another type. A missing key is the default.
    Result<std::string> text(std::string_view key, std::string_view otherwise = "") const;
    Result<bool> flag(std::string_view key) const;
    Result<boost::json::object> object(std::string_view key) const;
    Result<std::vector<std::string>> texts(std::string_view key) const;  // a list of texts
    Result<std::uint64_t> number(std::string_view key, std::uint64_t otherwise) const;
    bool has(std::string_view key) const { return fields_.contains(key); }

    // Errc::invalid_argument also where the key is missing or the text empty.
    Result<std::string> required_text(std::string_view key) const;

private:
    explicit Body(boost::json::object fields) : fields_{std::move(fields)} {}
    boost::json::object fields_;
};

}  // namespace siding::control
