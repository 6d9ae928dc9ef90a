#include "backfill/imap_capabilities.hpp"

#include "backfill/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::string_view auth_prefix = "AUTH=";

}  // namespace

void ImapCapabilities::add(std::string_view name) {
    while (!name.empty()) {
        const std::size_t end = std::min(name.find(' '), name.size());
        if (end > 0) {
            names_.insert(to_upper(name.substr(0, end)));
        }
        name.remove_prefix(std::min(end + 1, name.size()));
    }
}

void ImapCapabilities::remove(std::string_view name) {
    names_.erase(to_upper(name));
}

bool ImapCapabilities::has(std::string_view name) const {
    return names_.contains(to_upper(name));
}

bool ImapCapabilities::has_in_rev2(std::string_view name) const {
    return has(name) || (rev2() && !rev1());
}

std::string ImapCapabilities::text() const {
    return fmt::format("{}", fmt::join(names_, " "));
}

std::optional<std::uint64_t> ImapCapabilities::number_of(std::string_view prefix) const {
    const auto found = names_.lower_bound(prefix);
    if (found == names_.end() || !found->starts_with(prefix)) {
        return std::nullopt;
    }
    const std::string_view digits = std::string_view{*found}.substr(prefix.size());
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return value;
}

std::vector<std::string> ImapCapabilities::auth_mechanisms() const {
    std::vector<std::string> mechanisms;
    for (auto at = names_.lower_bound(auth_prefix);
         at != names_.end() && at->starts_with(auth_prefix);
         ++at) {
        mechanisms.push_back(at->substr(auth_prefix.size()));
    }
    return mechanisms;
}

bool ImapCapabilities::has_auth(std::string_view mechanism) const {
    return has(std::string{auth_prefix} + std::string{mechanism});
}

}  // namespace siding::backfill
