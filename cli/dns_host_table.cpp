#include "cli/dns_host_table.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <fmt/format.h>
#include <string>

namespace siding::cli {
namespace {

namespace json = boost::json;

// A change is told of for so long after its end.
constexpr auto told_for = std::chrono::hours{24};

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts) {
        if (text.is_string()) {
            out += (out.empty() ? "" : ", ") + std::string{text.get_string()};
        }
    }
    return out;
}

std::string until_text(WallTime at, WallTime now) {
    return at > now ? fmt::format("{} ({})", human_time(at), human_wait(at, now))
                    : fmt::format("{} (over)", human_time(at));
}

}  // namespace

void print_dns_hosts(const json::array& hosts, WallTime now, const Terminal& terminal) {
    Table table{{
        {"MX HOST", Align::left, 12},
        {"ADDRESSES", Align::left, 15},
        {"BEFORE", Align::left, 15},
        {"MAY BE USED UNTIL", Align::left, 16, true},
    }};
    for (const json::value& value : hosts) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& host = value.get_object();
        const auto until = time_at(object_at(host, "old_until"), "at");
        const bool is_told = until && *until + told_for > now;
        const bool is_open = until && *until > now;
        const std::string addresses = joined(array_at(host, "addresses"));
        const bool rotates = flag_at(host, "rotates");
        table.add({
            text_at(host, "name"),
            (addresses.empty() ? "not known" : addresses) + (rotates ? " (they rotate)" : ""),
            is_told ? joined(array_at(host, "gone")) : "",
            {is_told ? until_text(*until, now) : "", is_open ? Colour::yellow : Colour::none},
        });
    }
    if (!table.empty()) {
        terminal.out << "\n";
    }
    table.print(terminal);
}

}  // namespace siding::cli
