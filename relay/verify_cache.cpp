#include "relay/verify_cache.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::relay {
namespace {

using Kind = Knowledge::Kind;

constexpr std::string_view version = "1";

struct StoredKind {
    Kind kind;
    std::string_view word;
};
constexpr std::array stored_kinds{
    StoredKind{Kind::exists, "exists"},
    StoredKind{Kind::unknown, "unknown"},
    StoredKind{Kind::accepted, "accepted"},
    StoredKind{Kind::accepts_all, "accepts_all"},
    StoredKind{Kind::selective, "selective"},
};

std::string_view word_of(Kind kind) {
    const auto found = std::ranges::find(stored_kinds, kind, &StoredKind::kind);
    return found->word;
}

std::string_view take_word(std::string_view& rest) {
    const auto end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

// Behind "verify/<server>/". Names of servers hold no slash.
std::string_view subject_of(std::string_view key) {
    const auto slash = key.find('/', verify_prefix.size());
    return slash == std::string_view::npos ? std::string_view{} : key.substr(slash + 1);
}

}  // namespace

std::string format_knowledge(const Knowledge& knowledge) {
    return fmt::format(
        "{} {} {} {}",
        version,
        word_of(knowledge.kind),
        knowledge.checked_at.time_since_epoch().count(),
        knowledge.reply
    );
}

std::optional<Knowledge> parse_knowledge(std::string_view text) {
    if (take_word(text) != version) {
        return std::nullopt;
    }
    const auto kind = std::ranges::find(stored_kinds, take_word(text), &StoredKind::word);
    const std::string_view number = take_word(text);
    std::int64_t millis = 0;
    const auto [end, code] = std::from_chars(number.begin(), number.end(), millis);
    if (kind == stored_kinds.end() || code != std::errc{} || end != number.end()) {
        return std::nullopt;
    }
    Knowledge out;
    out.kind = kind->kind;
    out.checked_at = WallTime{std::chrono::milliseconds{millis}};
    out.reply = text;
    return out;
}

std::chrono::milliseconds lifetime_of(Kind kind, const config::Verify& settings) {
    switch (kind) {
    case Kind::exists:
        return settings.positive_ttl;
    case Kind::unknown:
    case Kind::accepted:
        return settings.negative_ttl;
    case Kind::accepts_all:
    case Kind::selective:
        return std::min<std::chrono::milliseconds>(
            settings.positive_ttl, limits::verify_catch_all_lifetime
        );
    }
    SIDING_UNREACHABLE("no such knowledge");
}

std::chrono::milliseconds age_of(const Knowledge& knowledge, WallTime now) {
    return std::max(now - knowledge.checked_at, std::chrono::milliseconds{0});
}

bool is_fresh(const Knowledge& knowledge, const config::Verify& settings, WallTime now) {
    return age_of(knowledge, now) < lifetime_of(knowledge.kind, settings);
}

bool is_last_known_good(const Knowledge& knowledge) {
    return knowledge.kind != Kind::unknown && knowledge.kind != Kind::selective;
}

std::string verify_key(std::string_view server, const Address& address) {
    return fmt::format("{}{}/{}", verify_prefix, server, address.key());
}

std::string verify_domain_key(std::string_view server, const Domain& domain) {
    return fmt::format("{}{}/@{}", verify_prefix, server, domain.text());
}

Result<KeyFilter> parse_flush(std::string_view what) {
    if (what.empty()) {
        return KeyFilter{[](std::string_view) { return true; }};
    }
    const auto at = what.rfind('@');
    if (at == std::string_view::npos || at == 0) {
        const std::string_view name = at == 0 ? what.substr(1) : what;
        SIDING_ASSIGN(const Domain domain, Domain::parse(name));
        return KeyFilter{
            [suffix = "@" + domain.text()](std::string_view key) { return key.ends_with(suffix); }};
    }
    SIDING_ASSIGN(const Address address, Address::parse(what));
    return KeyFilter{[key_of_address = address.key()](std::string_view key) {
        return subject_of(key) == key_of_address;
    }};
}

std::optional<Knowledge> VerifyCache::find(const std::string& key, WallTime now) {
    const std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end()) {
        return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    Knowledge& knowledge = found->second->knowledge;
    knowledge.checked_at = std::min(knowledge.checked_at, now);
    return knowledge;
}

void VerifyCache::put(std::string key, Knowledge knowledge) {
    const std::lock_guard lock{mutex_};
    if (const auto found = index_.find(key); found != index_.end()) {
        found->second->knowledge = std::move(knowledge);
        entries_.splice(entries_.begin(), entries_, found->second);
        return;
    }
    entries_.push_front({std::move(key), std::move(knowledge)});
    index_.emplace(entries_.front().key, entries_.begin());
    if (entries_.size() > entries_max_) {
        index_.erase(entries_.back().key);
        entries_.pop_back();
    }
}

std::size_t VerifyCache::erase_if(const KeyFilter& filter) {
    const std::lock_guard lock{mutex_};
    std::size_t count = 0;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        if (!filter(entry->key)) {
            ++entry;
            continue;
        }
        index_.erase(entry->key);
        entry = entries_.erase(entry);
        ++count;
    }
    return count;
}

std::size_t VerifyCache::size() const {
    const std::lock_guard lock{mutex_};
    return entries_.size();
}

}  // namespace siding::relay
