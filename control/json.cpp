#include "control/json.hpp"

#include "base/bytes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::control {
namespace {

namespace json = boost::json;

Error wrong_type(std::string_view key, std::string_view type) {
    return {Errc::invalid_argument, fmt::format("'{}' must be {}", key, type)};
}

}  // namespace

json::value json_text(std::string_view text) {
    return is_utf8(text) ? json::value(json::string{text.data(), text.size()})
                         : json::value(json::string{escape(text, text.size())});
}

json::value json_time(WallTime time) {
    if (time == WallTime{}) {
        return nullptr;
    }
    return json::value(json::string{format_time(time)});
}

json::value json_time(const std::optional<WallTime>& time) {
    return time ? json_time(*time) : json::value(nullptr);
}

Result<Body> Body::parse(std::string_view octets, std::initializer_list<std::string_view> keys) {
    if (octets.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return Body{json::object{}};
    }
    boost::system::error_code failure;
    const json::value parsed = json::parse({octets.data(), octets.size()}, failure);
    if (failure) {
        return Error{
            Errc::invalid_argument, fmt::format("the body is not JSON: {}", failure.message())};
    }
    if (!parsed.is_object()) {
        return Error{Errc::invalid_argument, "the body must be a JSON object"};
    }
    for (const auto& [key, value] : parsed.get_object()) {
        const std::string_view name{key.data(), key.size()};
        if (std::ranges::find(keys, name) == keys.end()) {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "the key '{}' is not known here; the keys are {}",
                    escape(name),
                    fmt::join(keys, ", ")
                )};
        }
    }
    return Body{parsed.get_object()};
}

Result<std::string> Body::text(std::string_view key, std::string_view otherwise) const {
    const json::value* const value = fields_.if_contains(key);
    if (value == nullptr) {
        return std::string{otherwise};
    }
    if (!value->is_string()) {
        return wrong_type(key, "text");
    }
    const json::string& found = value->get_string();
    return std::string{found.data(), found.size()};
}

Result<std::string> Body::required_text(std::string_view key) const {
    SIDING_ASSIGN(std::string value, text(key));
    if (value.empty()) {
        return Error{Errc::invalid_argument, fmt::format("'{}' is missing", key)};
    }
    return value;
}

Result<bool> Body::flag(std::string_view key) const {
    const json::value* const value = fields_.if_contains(key);
    if (value == nullptr) {
        return false;
    }
    if (!value->is_bool()) {
        return wrong_type(key, "true or false");
    }
    return value->get_bool();
}

Result<std::uint64_t> Body::number(std::string_view key, std::uint64_t otherwise) const {
    const json::value* const value = fields_.if_contains(key);
    if (value == nullptr) {
        return otherwise;
    }
    boost::system::error_code failed;
    const auto number = value->to_number<std::uint64_t>(failed);
    if (failed) {
        return wrong_type(key, "a whole number");
    }
    return number;
}

Result<std::vector<std::string>> Body::texts(std::string_view key) const {
    std::vector<std::string> out;
    const json::value* const value = fields_.if_contains(key);
    if (value == nullptr) {
        return out;
    }
    if (!value->is_array()) {
        return wrong_type(key, "a list of texts");
    }
    for (const json::value& item : value->get_array()) {
        if (!item.is_string()) {
            return wrong_type(key, "a list of texts");
        }
        out.emplace_back(item.get_string());
    }
    return out;
}

Result<json::object> Body::object(std::string_view key) const {
    const json::value* const value = fields_.if_contains(key);
    if (value == nullptr) {
        return json::object{};
    }
    if (!value->is_object()) {
        return wrong_type(key, "an object");
    }
    return value->get_object();
}

}  // namespace siding::control
