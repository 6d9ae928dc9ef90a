#include "backfill/acl.hpp"

#include "backfill/ascii.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace siding::backfill {
namespace {

constexpr std::string_view known_letters = "lrswipkxtea";  // RFC 4314 §2.1
constexpr std::string_view new_letters = "kxte";
constexpr std::string_view rights_name = "RIGHTS=";

bool contains(std::string_view letters, char letter) {
    return letters.find(letter) != std::string_view::npos;
}

// `letters` that are not in `others`, in their order.
std::string without(std::string_view letters, std::string_view others) {
    std::string out{letters};
    std::erase_if(out, [others](char letter) { return contains(others, letter); });
    return out;
}

// How servers write who somebody is.
struct Who {
    enum class Kind { user, group, anyone, owner, server };  // server: a word of that server alone
    Kind kind = Kind::user;
    std::string name;
};

Who of_name(Who::Kind kind, std::string_view name) {
    return {kind, std::string{name}};
}

Who parse_who(std::string_view text, ServerKind kind) {
    using Kind = Who::Kind;
    const auto behind = [text](std::string_view prefix) { return text.substr(prefix.size()); };
    if (text == "anyone") {  // RFC 4314 §2
        return of_name(Kind::anyone, text);
    }
    if (text == "owner" && (kind == ServerKind::dovecot || kind == ServerKind::courier)) {
        return of_name(Kind::owner, text);
    }
    switch (kind) {
    case ServerKind::dovecot:
        if (text.starts_with('$')) {
            return of_name(Kind::group, behind("$"));
        }
        if (text == "authenticated" || text.starts_with('#') || text.starts_with("!$")) {
            return of_name(Kind::server, text);
        }
        break;
    case ServerKind::cyrus:
        if (text.starts_with("group:")) {
            return of_name(Kind::group, behind("group:"));
        }
        if (text == "anonymous") {
            return of_name(Kind::server, text);
        }
        break;
    case ServerKind::courier:
        if (text.starts_with("user=")) {
            return of_name(Kind::user, behind("user="));
        }
        if (text.starts_with("group=")) {
            return of_name(Kind::group, behind("group="));
        }
        return of_name(Kind::server, text);
    case ServerKind::generic:
    case ServerKind::mailutils:
    case ServerKind::gmail:
    case ServerKind::exchange:
    case ServerKind::yahoo:
        break;
    }
    return of_name(Kind::user, text);
}

std::string format_group(const std::string& name, ServerKind kind) {
    switch (kind) {
    case ServerKind::dovecot:
        return "$" + name;
    case ServerKind::cyrus:
        return "group:" + name;
    case ServerKind::courier:
        return "group=" + name;
    case ServerKind::generic:
    case ServerKind::mailutils:
    case ServerKind::gmail:
    case ServerKind::exchange:
    case ServerKind::yahoo:
        break;
    }
    return name;
}

// Nothing: the destination has no word for it.
std::optional<std::string> format_who(const Who& who, ServerKind from, ServerKind to) {
    switch (who.kind) {
    case Who::Kind::user:
        return to == ServerKind::courier ? "user=" + who.name : who.name;
    case Who::Kind::group:
        return format_group(who.name, to);
    case Who::Kind::anyone:
        return who.name;
    case Who::Kind::owner:
    case Who::Kind::server:
        break;
    }
    return from == to ? std::optional{who.name} : std::nullopt;
}

// Identifier, with its "-", to normal rights.
using Rights = std::map<std::string, std::string>;

std::string rights_in(const Rights& rights, const std::string& identifier) {
    const auto found = rights.find(identifier);
    return found == rights.end() ? std::string{} : found->second;
}

Rights rights_of(const AclEntries& entries) {
    Rights rights;
    for (const auto& [identifier, letters] : entries) {
        std::string& all = rights[identifier];
        all = normal_rights(all + normal_rights(letters));
    }
    return rights;
}

bool is_owners(const Who& who, const std::string& owner) {
    return who.kind == Who::Kind::owner || (who.kind == Who::Kind::user && who.name == owner);
}

std::string_view without_sign(std::string_view identifier) {
    return identifier.starts_with('-') ? identifier.substr(1) : identifier;
}

}  // namespace

std::string normal_rights(std::string_view rights) {
    const bool is_new = rights.find_first_of(new_letters) != std::string_view::npos;
    std::string all;
    for (const char letter : rights) {
        if (letter != 'c' && letter != 'd') {
            all.push_back(letter);
        } else if (!is_new) {
            all += letter == 'c' ? "kx" : "te";
        }
    }
    std::string normal;
    for (const char letter : known_letters) {
        if (contains(all, letter)) {
            normal.push_back(letter);
        }
    }
    std::string others = without(all, known_letters);
    std::ranges::sort(others);
    const auto same = std::ranges::unique(others);
    others.erase(same.begin(), same.end());
    return normal + others;
}

AclDialect AclDialect::of(const ImapCapabilities& capabilities) {
    AclDialect dialect;
    const std::string all = " " + capabilities.text() + " ";
    const auto at = all.find(" " + std::string{rights_name});
    dialect.is_old = at == std::string::npos;
    if (!dialect.is_old) {
        const auto start = at + 1 + rights_name.size();
        dialect.more = to_lower(all.substr(start, all.find(' ', start) - start));
    }
    return dialect;
}

// RFC 4314 §2.1.1: of a pair of rights that are one letter here, one alone cannot be given.
std::string AclDialect::format(std::string_view normal) const {
    std::string out;
    for (const char letter : normal) {
        if (contains("lrswipa", letter) || contains(more, letter)) {
            out.push_back(letter);
        }
    }
    if (is_old) {
        out += contains(normal, 'k') && contains(normal, 'x') ? "c" : "";
        out += contains(normal, 't') && contains(normal, 'e') ? "d" : "";
    }
    return out;
}

bool AclMerger::has_others(const AclEntries& source) const {
    return std::ranges::any_of(source, [this](const auto& entry) {
        const Who who = parse_who(without_sign(entry.first), source_.kind);
        return !entry.second.empty() && !is_owners(who, source_.owner);
    });
}

AclMerge AclMerger::merge(const AclEntries& source, const AclEntries& destination) const {
    AclMerge merge;
    Rights wanted;
    for (const auto& [identifier, letters] : rights_of(source)) {
        const std::string_view bare = without_sign(identifier);
        Who who = parse_who(bare, source_.kind);
        if (letters.empty() || is_owners(who, source_.owner)) {
            continue;
        }
        if (who.kind == Who::Kind::user) {
            const auto known = names_.find(who.name);
            who.name = known == names_.end() ? who.name : known->second;
        }
        const auto there = format_who(who, source_.kind, destination_.kind);
        if (!there) {
            merge.notes.push_back(
                fmt::format("{}: the destination has no such identifier", escape(identifier))
            );
            continue;
        }
        if (is_owners(parse_who(*there, destination_.kind), destination_.owner)) {
            continue;
        }
        std::string& all = wanted[(identifier.starts_with('-') ? "-" : "") + *there];
        all = normal_rights(all + letters);
    }
    const Rights has = rights_of(destination);
    for (const auto& [identifier, letters] : wanted) {
        std::string missing = without(letters, rights_in(has, identifier));
        if (identifier.starts_with('-')) {
            // What the destination gives them by name is not taken from them.
            missing = without(missing, rights_in(has, identifier.substr(1)));
        }
        const std::string rights = destination_.dialect.format(missing);
        const std::string lost = without(missing, normal_rights(rights));
        if (lost.find_first_of(known_letters) != std::string::npos) {
            merge.notes.push_back(
                fmt::format("{}: the destination has no right {}", escape(identifier), escape(lost))
            );
        }
        if (!rights.empty()) {
            merge.changes.push_back({identifier, rights});
        }
    }
    return merge;
}

}  // namespace siding::backfill
