#include "cli/filter_flags.hpp"

#include "config/units.hpp"
#include "control/filter_params.hpp"
#include "net/http_message.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace siding::cli {
namespace {

struct Flag {
    const char* key;  // of the control API; see name_of
    const char* type;
    const char* help;
};

constexpr std::array filter_flags{
    Flag{"domain", "DOMAIN", "mail for this domain"},
    Flag{"wave", "WAVE", "mail for this wave"},
    Flag{"recipient", "ADDRESS", "one mailbox, or @domain"},
    Flag{"sender", "ADDRESS", "one sender, or <> for bounces"},
    Flag{"state", "STATE", "held, due, in_flight, parked, delivered (retained)"},
    Flag{"cause", "CAUSE", "parked for this cause, see siding parked"},
    Flag{"server", "SERVER", "waiting for this server, or delivered to it"},
    Flag{"copy", "YES|NO", "only copies of a parallel run, or none"},
    Flag{"since", "WHEN", "received at or after: 2h, 3d, or a UTC time"},
    Flag{"before", "WHEN", "received before: 2h, 3d, or a UTC time"},
    Flag{"larger", "SIZE", "larger than: 10MiB"},
    Flag{"tag", "TAG", "mail with this tag: spam, phish, unscanned"},
    Flag{"not_tag", "TAG", "mail without this tag"},
    Flag{"id", "ID", "one message, or one of its recipients"},
    Flag{"limit", "N", "at most N recipients"},
};

// "not_tag" is --not-tag.
std::string name_of(std::string_view key) {
    std::string name{"--"};
    std::ranges::replace_copy(key, std::back_inserter(name), '_', '-');
    return name;
}

// The API names the key, "'state': …"; here it is a flag.
Error in_our_words(Error error, const net::HttpQuery& given) {
    for (const auto& [key, text] : given) {
        const std::string name = "'" + key + "': ";
        if (error.context.starts_with(name)) {
            error.context.replace(0, name.size(), name_of(key) + ": ");
        }
    }
    return error;
}

}  // namespace

void add_filter_flags(CLI::App& verb, FilterFlags& flags) {
    for (const Flag& flag : filter_flags) {
        verb.add_option(name_of(flag.key), flags[flag.key], flag.help)
            ->type_name(flag.type)
            ->group("Filter");
    }
}

Result<queue::Filter> make_filter(const CLI::App& verb, const FilterFlags& flags, WallTime now) {
    net::HttpQuery given;
    for (const auto& [key, text] : flags) {
        if (verb.count(name_of(key)) > 0) {
            given[key] = text;
        }
    }
    // People write 10MiB, the API octets.
    if (const auto larger = given.find("larger"); larger != given.end()) {
        const auto octets = config::parse_size(larger->second);
        if (octets.has_error()) {
            return with_context(octets.error(), "--larger");
        }
        larger->second = std::to_string(*octets);
    }
    auto filter = control::filter_from_query(given, {}, now);
    return filter.has_value() ? filter : in_our_words(filter.error(), given);
}

}  // namespace siding::cli
