#include "relay/express.hpp"

#include "base/bytes.hpp"
#include "base/glob.hpp"
#include "relay/map_text.hpp"

#include <algorithm>
#include <string>

namespace siding::relay {
namespace {

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

// A field with what is folded below it; the end of the section is an empty one.
std::string take_field(std::string_view& rest) {
    std::string field{take_line(rest)};
    while (!field.empty() && !rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) {
        field += take_line(rest);
    }
    return field;
}

bool matches(const std::optional<std::string>& glob, std::string_view text) {
    return !glob || matches_glob(*glob, to_lower(text));
}

bool matches(const config::ExpressRule& rule, const ExpressFacts& facts) {
    return matches(rule.sender, facts.sender.empty() ? "<>" : facts.sender) &&
           matches(rule.recipient, facts.recipient) &&
           (!rule.min_size_bytes || facts.size_octets >= *rule.min_size_bytes) &&
           (!rule.max_size_bytes || facts.size_octets <= *rule.max_size_bytes) &&
           (!rule.header || has_header(facts.header_section, *rule.header));
}

}  // namespace

bool has_header(std::string_view header_section, std::string_view rule) {
    const auto colon = rule.find(':');
    const std::string_view name = trim(rule.substr(0, colon));
    const std::string_view glob =
        colon == std::string_view::npos ? "*" : trim(rule.substr(colon + 1));
    while (!header_section.empty()) {
        const std::string field = take_field(header_section);
        if (field.empty()) {
            return false;
        }
        const std::string_view whole = field;
        const auto end = whole.find(':');
        if (end != std::string_view::npos &&
            equals_ignoring_case(trim(whole.substr(0, end)), name) &&
            matches_glob(glob, to_lower(trim(whole.substr(end + 1))))) {
            return true;
        }
    }
    return false;
}

bool is_express(const config::Config& config, const ExpressFacts& facts) {
    return std::ranges::any_of(config.express, [&](const config::ExpressRule& rule) {
        return matches(rule, facts);
    });
}

}  // namespace siding::relay
