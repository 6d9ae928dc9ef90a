#include "cli/trace_message.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t names_max = 3;

std::vector<Addressee> addressees_of(const json::object& accepted) {
    std::vector<Addressee> out;
    for (const json::value& value : array_at(accepted, "recipients")) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            out.push_back({
                text_at(row, "address"),
                text_at(row, "original"),
                text_at(row, "domain"),
                text_at(row, "wave"),
                flag_at(row, "copy"),
            });
        }
    }
    return out;
}

}  // namespace

TraceMessage::TraceMessage(const json::object& document) : document_{document} {
    for (const json::value& value : array_at(document, "entries")) {
        if (value.is_object()) {
            entries_.push_back(&value.get_object());
            if (text_at(value.get_object(), "kind") == "accepted") {
                addressees_ = addressees_of(value.get_object());
            }
        }
    }
}

std::size_t TraceMessage::rows() const {
    return array_at(object_at(document_, "message"), "recipients").size();
}

const json::object& TraceMessage::row(std::uint32_t number) const {
    static const json::object none;
    const json::array& all = array_at(object_at(document_, "message"), "recipients");
    return number < all.size() && all[number].is_object() ? all[number].get_object() : none;
}

const json::object* TraceMessage::first_entry_of(std::uint32_t number) const {
    const auto found = std::ranges::find_if(entries_, [number](const json::object* entry) {
        return tells_of_recipient(*entry) && number_of(*entry) == number &&
               text_at(*entry, "kind") != "assigned";
    });
    return found == entries_.end() ? nullptr : *found;
}

bool tells_of_recipient(const json::object& entry) {
    return !text_at(entry, "id").empty();
}

std::uint32_t number_of(const json::object& entry) {
    const std::string id = text_at(entry, "id");
    const auto dot = id.find('.');
    std::uint32_t number = 0;
    if (dot != std::string::npos) {
        std::from_chars(id.data() + dot + 1, id.data() + id.size(), number);
    }
    return number;
}

std::string list_names(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), names_max); ++i) {
        out += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > names_max) {
        out += fmt::format(" and {} more", human_count(names.size() - names_max));
    }
    return out;
}

}  // namespace siding::cli
