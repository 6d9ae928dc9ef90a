#include "cli/document.hpp"

#include <boost/json/value.hpp>

namespace siding::cli {
namespace {

namespace json = boost::json;

const json::object& no_object() {
    static const json::object empty;
    return empty;
}

const json::array& no_array() {
    static const json::array empty;
    return empty;
}

}  // namespace

std::string text_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : "";
}

std::uint64_t number_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    if (value == nullptr) {
        return 0;
    }
    if (value->is_uint64()) {
        return value->get_uint64();
    }
    return value->is_int64() && value->get_int64() > 0
               ? static_cast<std::uint64_t>(value->get_int64())
               : 0;
}

bool flag_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<WallTime> time_at(const json::object& from, std::string_view key) {
    const auto time = parse_time(text_at(from, key));
    return time.has_value() ? std::optional{*time} : std::nullopt;
}

const json::object& object_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    return value != nullptr && value->is_object() ? value->get_object() : no_object();
}

const json::array& array_at(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    return value != nullptr && value->is_array() ? value->get_array() : no_array();
}

}  // namespace siding::cli
