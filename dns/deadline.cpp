#include "dns/deadline.hpp"

#include "dns/record.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace siding::dns {
namespace {

using std::chrono::seconds;

constexpr auto stale_allowance = std::chrono::hours{72};  // RFC 8767 §5: 1 to 3 days

constexpr auto mx_type = static_cast<std::uint16_t>(RecordType::mx);
constexpr auto ns_type = static_cast<std::uint16_t>(RecordType::ns);

bool is_new(const Epoch& epoch, const Expected& expected) {
    const RrSet set{epoch.records(), epoch.ttl};
    return expected.judge(set) == SampleState::is_new;
}

using Epochs = std::map<std::string, std::vector<Epoch>>;  // by server, oldest first

Epochs epochs_of(const History& history, std::string_view name, std::uint16_t type) {
    Epochs found;
    for (const Epoch& epoch : history.epochs()) {
        if (epoch.type == type && (name.empty() || epoch.name == name)) {
            found[epoch.server].push_back(epoch);
        }
    }
    return found;
}

bool is_asked(const std::string& server, const DeadlineOptions& options) {
    return options.servers.empty() ||
           std::ranges::find(options.servers, server) != options.servers.end();
}

WallTime after(WallTime end, seconds span) {
    return std::chrono::ceil<seconds>(end) + span;
}

std::string_view name_of(std::string_view server) {
    return server.substr(0, server.find(' '));
}

// When a server that is not asked any more left the delegation, and for how long resolvers may go
// on asking it.
std::pair<WallTime, seconds> delegation_end(const History& history, const Epoch& last_word) {
    WallTime left_at = last_word.last;
    seconds ttl{0};
    bool is_first = true;
    for (const Epoch& epoch : history.epochs()) {
        if (epoch.type != ns_type) {
            continue;
        }
        const auto names = epoch.records();
        const bool lists = std::ranges::find(names, name_of(last_word.server)) != names.end();
        if (lists) {
            ttl = std::max(ttl, epoch.ttl);
        } else if (epoch.first >= last_word.last && (is_first || epoch.first < left_at)) {
            left_at = epoch.first;
            is_first = false;
        }
    }
    return {left_at, ttl};
}

// The end of one server's epoch `at` (E_k), or until when it may still be found.
struct End {
    WallTime at{};
    seconds ttl{0};
    std::string how{};
};

End end_of(
    const std::vector<Epoch>& epochs,
    std::size_t at,
    const History& history,
    WallTime now,
    const DeadlineOptions& options
) {
    const Epoch& epoch = epochs[at];
    const std::string what = epoch.data.empty() ? "said for" : "served TTL";
    const std::string unit = epoch.data.empty() ? " s that there is none" : "";
    if (at + 1 < epochs.size()) {
        const WallTime end = epochs[at + 1].first + options.slack;
        return {
            end,
            epoch.ttl,
            fmt::format(
                "{} {} {}{} until {}",
                epoch.server,
                what,
                epoch.ttl.count(),
                unit,
                options.show(end)
            )};
    }
    if (is_asked(epoch.server, options)) {
        const bool is_fresh = now - epoch.last < std::chrono::minutes{15};
        return {
            std::max(now, epoch.last),
            epoch.ttl,
            is_fresh ? fmt::format("{} still serves TTL {}", epoch.server, epoch.ttl.count())
                     : fmt::format(
                           "{} served TTL {} when it last answered, at {}",
                           epoch.server,
                           epoch.ttl.count(),
                           options.show(epoch.last)
                       )};
    }
    const auto [left_at, ns_ttl] = delegation_end(history, epoch);
    const WallTime end = left_at + options.slack;
    return {
        end,
        epoch.ttl + ns_ttl,
        fmt::format(
            "{} served TTL {} until {}, and may be asked for {} s more",
            epoch.server,
            epoch.ttl.count(),
            options.show(end),
            ns_ttl.count()
        )};
}

template <typename Counts>
std::optional<Deadline> latest(
    const Epochs& servers,
    const Counts& counts,
    const History& history,
    WallTime now,
    const DeadlineOptions& options
) {
    std::optional<Deadline> found;
    for (const auto& [server, epochs] : servers) {
        for (std::size_t i = 0; i < epochs.size(); ++i) {
            if (!counts(epochs[i])) {
                continue;
            }
            const End end = end_of(epochs, i, history, now, options);
            const WallTime at = after(end.at, end.ttl);
            if (!found || at > found->at) {
                found = Deadline{at, end.how};
            }
        }
    }
    return found;
}

}  // namespace

std::string show_utc(WallTime time) {
    static constexpr std::array<const char*, 7> days{
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const std::time_t count = std::chrono::floor<seconds>(time).time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&count, &parts);
    return fmt::format(
        "{} {:02}:{:02}:{:02}",
        days.at(static_cast<std::size_t>(parts.tm_wday)),
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec
    );
}

std::string show_duration(seconds span) {
    const auto count = std::max<std::int64_t>(span.count(), 0);
    const auto two = [](std::int64_t large, const char* a, std::int64_t small, const char* b) {
        return small == 0 ? fmt::format("{} {}", large, a)
                          : fmt::format("{} {} {} {}", large, a, small, b);
    };
    if (count < 60) {
        return fmt::format("{} s", count);
    }
    if (count < 3600) {
        return two(count / 60, "min", count % 60, "s");
    }
    if (count < 86400) {
        return two(count / 3600, "h", count % 3600 / 60, "min");
    }
    return two(count / 86400, "d", count % 86400 / 3600, "h");
}

std::optional<Deadline> mx_deadline(
    const History& history, const Expected& expected, WallTime now, const DeadlineOptions& options
) {
    const auto is_not_new = [&](const Epoch& epoch) { return !is_new(epoch, expected); };
    return latest(epochs_of(history, options.domain, mx_type), is_not_new, history, now, options);
}

std::optional<WallTime> published_at(
    const History& history, const Expected& expected, const DeadlineOptions& options
) {
    std::optional<WallTime> latest_new;
    for (const auto& [server, epochs] : epochs_of(history, options.domain, mx_type)) {
        if (!is_asked(server, options)) {
            continue;
        }
        std::optional<WallTime> first_new;  // of the run of new ones that lasts
        for (const Epoch& epoch : epochs) {
            if (!is_new(epoch, expected)) {
                first_new.reset();
            } else if (!first_new) {
                first_new = epoch.first;
            }
        }
        if (!first_new) {
            return std::nullopt;
        }
        latest_new = latest_new ? std::max(*latest_new, *first_new) : *first_new;
    }
    if (latest_new) {
        *latest_new += options.slack;
    }
    return latest_new;
}

std::optional<Deadline> address_deadline(
    const History& history,
    std::string_view host,
    const std::vector<std::string>& addresses,
    WallTime now,
    const DeadlineOptions& options
) {
    const auto is_old = [&](const Epoch& epoch) {
        return std::ranges::any_of(epoch.records(), [&](const std::string& address) {
            return std::ranges::find(addresses, address) == addresses.end();
        });
    };
    std::optional<Deadline> found;
    for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
        const auto epochs = epochs_of(history, host, static_cast<std::uint16_t>(type));
        auto deadline = latest(epochs, is_old, history, now, options);
        if (deadline && (!found || deadline->at > found->at)) {
            found = std::move(deadline);
        }
    }
    return found;
}

Deadline nameserver_move(const NameserverMove& move, const DeadlineOptions& options) {
    const seconds ns_ttl = std::max(move.parent_ttl, move.child_ttl);
    const WallTime left_at = move.moved_at + options.slack;
    return {
        after(left_at, ns_ttl + move.mx_ttl),
        fmt::format(
            "the delegation changed at {}; the old one lived for {} s, and the old MX for {} s "
            "more",
            options.show(left_at),
            ns_ttl.count(),
            move.mx_ttl.count()
        )};
}

Deadline negative_deadline(const NewName& name, const DeadlineOptions& options) {
    const seconds ttl = std::min(name.soa_minimum, name.soa_ttl);
    const WallTime created_at = name.created_at + options.slack;
    return {
        after(created_at, ttl),
        fmt::format(
            "made at {}; that it did not exist is remembered for {} s",
            options.show(created_at),
            ttl.count()
        )};
}

Deadline floor_deadline(const FloorFacts& facts, const DeadlineOptions& options) {
    const seconds ttl = std::max(facts.mx_ttl, facts.floor);
    return {
        after(facts.published_at, ttl),
        fmt::format(
            "published at {}; some resolvers keep everything for {} at least",
            options.show(facts.published_at),
            show_duration(ttl)
        )};
}

Deadline stale_deadline(const Deadline& mx, bool was_unreachable, const DeadlineOptions& options) {
    if (!was_unreachable) {
        return mx;
    }
    return {
        mx.at + stale_allowance,
        fmt::format(
            "the authoritative servers could not be asked all the time, so resolvers may serve "
            "what "
            "expired at {} for 3 d more",
            options.show(mx.at)
        )};
}

Deadline hard_deadline(
    const Deadline& mx,
    const std::optional<Deadline>& floor,
    seconds allowance,
    const DeadlineOptions& options
) {
    const Deadline& later = floor && floor->at > mx.at ? *floor : mx;
    return {
        later.at + allowance,
        fmt::format(
            "{} for senders' own caches after {} ({})",
            show_duration(allowance),
            options.show(later.at),
            later.why
        )};
}

Deadline sts_deadline(const StsChange& change, StsCaches caches, const DeadlineOptions& options) {
    switch (caches) {
    case StsCaches::lenient:
        return {
            after(change.changed_at, change.txt_ttl),
            fmt::format(
                "policy and id changed at {}; the id's TTL is {} s",
                options.show(change.changed_at),
                change.txt_ttl.count()
            )};
    case StsCaches::strict:
        break;
    }
    return {
        after(change.changed_at, std::max(change.max_age_old, change.txt_ttl)),
        fmt::format(
            "policy and id changed at {}; the old policy may be kept for {}",
            options.show(change.changed_at),
            show_duration(std::max(change.max_age_old, change.txt_ttl))
        )};
}

Deadline dane_deadline(const DaneChange& change, DaneStep step, const DeadlineOptions& options) {
    switch (step) {
    case DaneStep::added:
        return {
            after(change.changed_at, 2 * change.tlsa_ttl),
            fmt::format(
                "TLSA records with TTL {} are there since {}; twice that must pass",
                change.tlsa_ttl.count(),
                options.show(change.changed_at)
            )};
    case DaneStep::removed:
        break;
    }
    return {
        after(change.changed_at, change.tlsa_ttl + change.negative_ttl),
        fmt::format(
            "TLSA records with TTL {} are gone since {}; that there are none is known {} s after "
            "that "
            "TTL",
            change.tlsa_ttl.count(),
            options.show(change.changed_at),
            change.negative_ttl.count()
        )};
}

}  // namespace siding::dns
