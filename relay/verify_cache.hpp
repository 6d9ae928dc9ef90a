// What servers have said about addresses and domains, with the lifetimes of config::Verify, and the
// part of it that is kept in memory. The text form is what the queue stores (VerifyStore).
//
// An entry that is past its lifetime stays until it is replaced or pushed out: it is the last known
// answer. Thread-safe; never calls out while it is locked, except to a KeyFilter.
#pragma once

#include "base/address.hpp"
#include "base/clock.hpp"
#include "config/config.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace siding::relay {

struct Knowledge {
    enum class Kind {
        exists,
        unknown,
        accepted,     // taken, which proves nothing: memory only
        accepts_all,  // of a domain: a random address was taken
        selective,    // of a domain: a random address was refused
    };

    Kind kind = Kind::unknown;
    WallTime checked_at{};
    std::string reply;       // printable, one line
    bool catch_all = false;  // accepted: because the server accepts all

    bool operator==(const Knowledge&) const = default;
};

// "1 exists 1763726400000 250 2.1.5 Ok". Nothing for text of another version, or damaged.
std::string format_knowledge(const Knowledge& knowledge);
std::optional<Knowledge> parse_knowledge(std::string_view text);

std::chrono::milliseconds lifetime_of(Knowledge::Kind kind, const config::Verify& settings);
// 0 where the clock was set back behind `checked_at`.
std::chrono::milliseconds age_of(const Knowledge& knowledge, WallTime now);
bool is_fresh(const Knowledge& knowledge, const config::Verify& settings, WallTime now);
// Expired, and still a reason to believe that the address exists.
bool is_last_known_good(const Knowledge& knowledge);

// "verify/<server>/<address key>" and "verify/<server>/@<domain>".
inline constexpr std::string_view verify_prefix = "verify/";
std::string verify_key(std::string_view server, const Address& address);
std::string verify_domain_key(std::string_view server, const Domain& domain);

// Which keys a flush means. Errc::invalid_argument for text that names nothing.
using KeyFilter = std::function<bool(std::string_view key)>;
Result<KeyFilter> parse_flush(std::string_view what);

class VerifyCache {
public:
    explicit VerifyCache(std::size_t entries_max) : entries_max_{entries_max} {}

    // An entry from the future is dated back to `now`, so that it ages from here on.
    std::optional<Knowledge> find(const std::string& key, WallTime now);
    void put(std::string key, Knowledge knowledge);  // pushes out what was used least recently
    std::size_t erase_if(const KeyFilter& filter);
    std::size_t size() const;

private:
    struct Entry {
        std::string key;
        Knowledge knowledge;
    };

    const std::size_t entries_max_;
    mutable std::mutex mutex_;
    std::list<Entry> entries_;  // most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};

}  // namespace siding::relay
