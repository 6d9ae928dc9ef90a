#include "dns/ttl_caps.hpp"

#include "dns/record.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <utility>

namespace siding::dns {
namespace {

using std::chrono::seconds;

constexpr seconds rounding{2};  // TTLs are whole seconds at both ends
constexpr unsigned rounds_min = 3;
// What somebody else has had fetched before us is a little older: a tenth of its TTL, or the time
// since we asked last.
constexpr int tenth = 10;

seconds between(WallTime from, WallTime to) {
    return std::chrono::ceil<seconds>(to - from);
}

// The newest run of the same data at one server, and when another was seen last before it.
struct Run {
    Epoch newest{};
    bool has_one_ttl = true;
    std::optional<WallTime> none_before{};
};

Run run_of(const std::vector<Epoch>& epochs) {
    Run run;
    run.newest = epochs.back();
    for (std::size_t i = epochs.size() - 1; i > 0; --i) {
        if (epochs[i - 1].data != run.newest.data) {
            run.none_before = epochs[i - 1].last;
            break;
        }
        run.has_one_ttl = run.has_one_ttl && epochs[i - 1].ttl == run.newest.ttl;
    }
    return run;
}

}  // namespace

ServedNow served_now(const History& history, std::string_view domain) {
    ServedNow served;
    bool is_first = true;
    for (const auto& [server, epochs] :
         history.by_server(domain, static_cast<std::uint16_t>(RecordType::mx))) {
        const Run run = run_of(epochs);
        auto data = run.newest.records();
        const auto none_before = run.has_one_ttl ? run.none_before : std::nullopt;
        if (is_first) {
            served = {std::move(data), run.newest.ttl, none_before};
            is_first = false;
        } else if (data != served.data || run.newest.ttl != served.ttl) {
            return {};
        } else if (!none_before || !served.none_before) {
            served.none_before.reset();
        } else {
            served.none_before = std::min(*served.none_before, *none_before);
        }
    }
    return served;
}

void TtlCaps::note(const PanelRound& round, const ServedNow& served) {
    if (served.data.empty() || served.ttl <= rounding) {
        return;
    }
    for (const OperatorView& view : round.operators) {
        std::optional<seconds> left_max;
        bool is_proven = false;
        for (const SampleView& sample : view.samples) {
            if (sample.mx != served.data || sample.stale) {
                continue;
            }
            left_max = std::max(left_max.value_or(seconds{0}), sample.ttl_left);
            is_proven =
                is_proven ||
                (served.none_before &&
                 sample.ttl_left + between(*served.none_before, round.at) + rounding < served.ttl);
        }
        if (!left_max) {
            continue;
        }
        Seen& seen = seen_[view.name];
        if (seen.ttl != served.ttl) {
            seen = Seen{};
            seen.ttl = served.ttl;
            seen.first = seen.last = round.at;
        }
        seen.gap_max = std::max(seen.gap_max, between(seen.last, round.at));
        seen.last = round.at;
        seen.left_max = std::max(seen.left_max, *left_max);
        seen.is_proven = seen.is_proven || is_proven;
        ++seen.rounds;
    }
}

std::optional<seconds> TtlCaps::cap_of(const std::string& name) const {
    const auto found = seen_.find(name);
    if (found == seen_.end() || found->second.rounds < rounds_min) {
        return std::nullopt;
    }
    const Seen& seen = found->second;
    const bool is_proven = seen.is_proven && seen.left_max + rounding < seen.ttl;
    const bool is_long = between(seen.first, seen.last) >= seen.ttl;
    const bool is_little =
        seen.left_max + std::max(seen.gap_max, seen.ttl / tenth) + rounding < seen.ttl;
    return is_proven || (is_long && is_little) ? std::optional{seen.left_max} : std::nullopt;
}

std::vector<std::string> TtlCaps::save() const {
    std::vector<std::string> lines;
    for (const auto& [name, seen] : seen_) {
        lines.push_back(fmt::format(
            "{} {} {} {} {} {} {} {}",
            seen.ttl.count(),
            seen.first.time_since_epoch().count(),
            seen.last.time_since_epoch().count(),
            seen.gap_max.count(),
            seen.left_max.count(),
            seen.rounds,
            seen.is_proven ? 1 : 0,
            name
        ));
    }
    return lines;
}

void TtlCaps::resume(std::string_view line) {
    std::istringstream in{std::string{line}};
    std::int64_t ttl = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t gap_max = 0;
    std::int64_t left_max = 0;
    Seen seen;
    std::string name;
    in >> ttl >> first >> last >> gap_max >> left_max >> seen.rounds >> seen.is_proven;
    if (!in || in.get() != ' ' || !std::getline(in, name) || name.empty()) {
        return;
    }
    seen.ttl = seconds{ttl};
    seen.first = WallTime{std::chrono::milliseconds{first}};
    seen.last = WallTime{std::chrono::milliseconds{last}};
    seen.gap_max = seconds{gap_max};
    seen.left_max = seconds{left_max};
    seen_.insert_or_assign(std::move(name), seen);
}

}  // namespace siding::dns
