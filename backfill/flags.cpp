#include "backfill/flags.hpp"

#include "backfill/imap_command.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::array<std::string_view, 5> system_flags = {
    "\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"};

// What servers and clients write where a registered keyword is meant (RFC 9051 §2.3.2).
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> known_errors = {{
    {"\\Forwarded", "$Forwarded"},
    {"\\$Forwarded", "$Forwarded"},
    {"\\MDNSent", "$MDNSent"},
    {"\\$MDNSent", "$MDNSent"},
    {"\\Junk", "$Junk"},
    {"\\$Junk", "$Junk"},
    {"\\NotJunk", "$NotJunk"},
    {"\\$NotJunk", "$NotJunk"},
    {"\\Phishing", "$Phishing"},
    {"\\$Phishing", "$Phishing"},
}};

bool contains(std::span<const std::string> flags, std::string_view flag) {
    return std::ranges::any_of(flags, [&](const std::string& own) {
        return equals_ignoring_case(own, flag);
    });
}

std::optional<std::string_view> system_flag(std::string_view flag) {
    const auto* const found = std::ranges::find_if(system_flags, [&](std::string_view known) {
        return equals_ignoring_case(known, flag);
    });
    return found == system_flags.end() ? std::nullopt : std::optional{*found};
}

bool is_session_flag(std::string_view flag) {
    return equals_ignoring_case(flag, "\\Recent") || flag == "\\*";
}

// A keyword that a command can carry: odd octets become "_".
std::string atom_of(std::string_view flag) {
    std::string atom{flag.substr(flag.starts_with('\\') ? 1 : 0)};
    for (char& c : atom) {
        if (!is_atom({&c, 1})) {
            c = '_';
        }
    }
    return atom.find_first_not_of('_') == std::string::npos ? std::string{} : atom;
}

struct Valid {
    std::string flag;  // empty: nothing is left of it
    std::string_view why;
};

// What the flag is wherever it is stored. `listed`: the destination names it itself.
Valid valid_flag(std::string_view flag, bool is_listed) {
    if (const auto known = system_flag(flag)) {
        return {std::string{*known}, {}};
    }
    const auto* const error = std::ranges::find_if(known_errors, [&](const auto& row) {
        return equals_ignoring_case(row.first, flag);
    });
    if (error != known_errors.end() && !is_listed) {
        return {std::string{error->second}, "no system flag"};
    }
    if (is_flag(flag) && (is_listed || !flag.starts_with('\\'))) {
        return {std::string{flag}, {}};
    }
    return {atom_of(flag), flag.starts_with('\\') ? "no system flag" : "no keyword"};
}

}  // namespace

PermanentFlags::PermanentFlags(std::vector<std::string> names)
    : names_{std::move(names)}, is_known_{true}, takes_new_{contains(names_, "\\*")} {}

bool PermanentFlags::lists(std::string_view flag) const {
    return contains(names_, flag);
}

bool PermanentFlags::takes(std::string_view flag) const {
    if (!is_known_ || lists(flag)) {
        return true;
    }
    return takes_new_ && !flag.starts_with('\\');
}

FitFlags fit_flags(std::span<const std::string> source, const PermanentFlags& destination) {
    FitFlags fit;
    for (const std::string& flag : source) {
        if (is_session_flag(flag)) {
            continue;
        }
        Valid valid = valid_flag(flag, destination.lists(flag));
        if (!valid.flag.empty() && !destination.takes(valid.flag)) {
            valid = {{}, "the destination does not keep it"};
        }
        if (!valid.why.empty()) {
            fit.notes.push_back({flag, valid.flag, std::string{valid.why}});
        }
        if (!valid.flag.empty() && !contains(fit.flags, valid.flag)) {
            fit.flags.push_back(std::move(valid.flag));
        }
    }
    return fit;
}

std::vector<std::string> normal_flags(std::span<const std::string> flags) {
    std::vector<std::string> normal = fit_flags(flags, {}).flags;
    std::ranges::sort(normal);
    return normal;
}

}  // namespace siding::backfill
