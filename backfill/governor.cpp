#include "backfill/governor.hpp"

#include "backfill/limits.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t host_start = 2 * limits::pairs_max;
// Somebody who was turned away asks again within this time, or does not want any more.
constexpr std::chrono::milliseconds still_wanted = 3s;

std::string count_words(std::size_t count) {
    return count == 1 ? "1 connection" : fmt::format("{} connections", count);
}

}  // namespace

Place place_of(const Login& login) {
    return Place{
        login.side,
        fmt::format("{}:{}", login.address.host, login.address.port),
        login.authzid.empty() ? login.user : login.authzid};
}

Governor::Permit& Governor::Permit::operator=(Permit&& other) noexcept {
    if (this != &other) {
        give_back();
        governor_ = std::exchange(other.governor_, nullptr);
        places_ = std::move(other.places_);
    }
    return *this;
}

void Governor::Permit::give_back() {
    if (Governor* governor = std::exchange(governor_, nullptr)) {
        governor->give_back(places_);
    }
}

bool Governor::Permit::is_wanted_elsewhere() const {
    return governor_ != nullptr && governor_->is_wanted_elsewhere(places_);
}

Governor::Connection& Governor::Connection::operator=(Connection&& other) noexcept {
    if (this != &other) {
        end();
        governor_ = std::exchange(other.governor_, nullptr);
        place_ = std::move(other.place_);
    }
    return *this;
}

void Governor::Connection::end() {
    if (Governor* governor = std::exchange(governor_, nullptr)) {
        governor->on_end(place_);
    }
}

void Governor::Connection::on_trouble(const Judged& judged, ImapStage stage) const {
    if (governor_ != nullptr) {
        governor_->on_trouble(place_, judged, stage);
    }
}

Governor::Governor(const Clock& clock, const std::function<std::size_t(Side)>& ceiling)
    : clock_{clock}, ceilings_{ceiling(Side::source), ceiling(Side::destination)} {}

Governor::User::User() : limit{limits::pairs_max, limits::pairs_max} {}

Governor::Host::Host(std::size_t ceiling) : limit{host_start, ceiling} {}

Governor::Host& Governor::host_of(const Place& place) {
    return hosts_.try_emplace(HostKey{place.side, place.host}, ceiling(place.side)).first->second;
}

Governor::User& Governor::user_of(Host& host, const Place& place) {
    return host.users[place.user];
}

Governor::Taken Governor::take(std::vector<Place> places, Use use) {
    const std::lock_guard lock{mutex_};
    Taken taken;
    for (const Place& place : places) {
        if (auto denial = why_not(place, use)) {
            taken.denial = std::move(*denial);
            return taken;
        }
    }
    for (const Place& place : places) {
        Host& host = host_of(place);
        ++permits(place.side);
        ++host.permits;
        ++user_of(host, place).permits;
    }
    taken.permit = Permit{*this, std::move(places)};
    return taken;
}

std::optional<Governor::Denial> Governor::why_not(const Place& place, Use use) {
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    User& user = user_of(host, place);
    for (const Resting* rest : {&host.rest, &user.rest}) {
        if (rest->until > now) {
            return Denial{rest_of(place, *rest).words, rest->until};
        }
    }
    host.limit.on_time(now);
    user.limit.on_time(now);
    const bool is_full = permits(place.side) >= ceiling(place.side);
    const bool is_host_full = host.permits >= host.limit.value();
    if (!is_full && !is_host_full && user.permits < user.limit.value()) {
        const bool is_wanted =
            use == Use::more && host.wanted_at != WallTime{} && now - host.wanted_at < still_wanted;
        return is_wanted ? std::optional{Denial{"another account has none yet", std::nullopt}}
                         : std::nullopt;
    }
    if (is_host_full || is_full) {
        host.more_wanted_at = now;
        host.limit.on_wanted(now);
        if (use == Use::first) {
            host.wanted_at = now;
        }
    }
    if (is_full) {
        return Denial{
            fmt::format(
                "waits for its turn: {} to the {}, as configured",
                count_words(ceiling(place.side)),
                to_text(place.side)
            ),
            std::nullopt};
    }
    return Denial{
        fmt::format(
            "waits for its turn: {} takes {} at once{}",
            place.host,
            count_words(is_host_full ? host.limit.value() : user.limit.value()),
            is_host_full ? "" : " from this user"
        ),
        std::nullopt};
}

Governor::Connection Governor::on_let_in(const Place& place) {
    const std::lock_guard lock{mutex_};
    Host& host = host_of(place);
    User& user = user_of(host, place);
    ++host.connections;
    ++user.connections;
    host.limit.on_let_in(host.connections);
    user.limit.on_let_in(user.connections);
    return Connection{*this, place};
}

void Governor::on_work(const Place& place, std::uint64_t octets, std::uint64_t messages) {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    const bool is_wanted =
        host.more_wanted_at != WallTime{} && now - host.more_wanted_at < still_wanted;
    host.limit.on_work(octets, messages, is_wanted && host.permits >= host.limit.value(), now);
}

Governor::Rest Governor::rest_of(const Place& place, const Resting& rest) {
    const std::string until = format_time(rest.until);
    return Rest{
        rest.until,
        fmt::format(
            "throttled by {} until {} UTC: {}", place.host, until.substr(11, 5), rest.words
        )};
}

std::optional<Governor::Rest> Governor::rest(std::span<const Place> places) const {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_.now();
    std::optional<Rest> longest;
    const auto look = [&](const Place& place, const Resting& rest) {
        if (rest.until > now && (!longest || rest.until > longest->until)) {
            longest = rest_of(place, rest);
        }
    };
    for (const Place& place : places) {
        const auto host = hosts_.find(HostKey{place.side, place.host});
        if (host == hosts_.end()) {
            continue;
        }
        look(place, host->second.rest);
        const auto user = host->second.users.find(place.user);
        if (user != host->second.users.end()) {
            look(place, user->second.rest);
        }
    }
    return longest;
}

std::vector<Governor::HostStatus> Governor::status() const {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_.now();
    std::vector<HostStatus> all;
    for (const auto& [key, host] : hosts_) {
        HostStatus status;
        status.side = key.first;
        status.host = key.second;
        status.permits = host.permits;
        status.connections = host.connections;
        status.limit = host.limit.value();
        status.ceiling = ceiling(key.first);
        status.throttles = host.throttles;
        status.refusals = host.refusals;
        status.rests_until = host.rest.until > now ? host.rest.until : WallTime{};
        status.words = host.words;
        for (const auto& [name, user] : host.users) {
            status.users_limited += user.limit.value() < limits::pairs_max ? 1 : 0;
            status.users_resting += user.rest.until > now ? 1 : 0;
        }
        all.push_back(std::move(status));
    }
    return all;
}

bool Governor::is_wanted_elsewhere(const std::vector<Place>& places) const {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_.now();
    return std::ranges::any_of(places, [&](const Place& place) {
        const auto found = hosts_.find(HostKey{place.side, place.host});
        if (found == hosts_.end()) {
            return false;
        }
        const Host& host = found->second;
        const auto user = host.users.find(place.user);
        const bool is_user_over =
            user != host.users.end() && user->second.permits > user->second.limit.value();
        const bool is_wanted = host.wanted_at != WallTime{} && now - host.wanted_at < still_wanted;
        return is_wanted || is_user_over || host.permits > host.limit.value();
    });
}

void Governor::give_back(const std::vector<Place>& places) {
    const std::lock_guard lock{mutex_};
    for (const Place& place : places) {
        Host& host = host_of(place);
        --permits(place.side);
        --host.permits;
        --user_of(host, place).permits;
    }
    forget_idle(places);
}

void Governor::on_end(const Place& place) {
    const std::lock_guard lock{mutex_};
    Host& host = host_of(place);
    --host.connections;
    --user_of(host, place).connections;
    forget_idle({&place, 1});
}

// Users of whom nothing has been learned: there may be many.
void Governor::forget_idle(std::span<const Place> places) {
    for (const Place& place : places) {
        Host& host = host_of(place);
        const auto user = host.users.find(place.user);
        if (user != host.users.end() && user->second.permits == 0 &&
            user->second.connections == 0 && user->second.rest.until == WallTime{} &&
            user->second.limit.value() == limits::pairs_max) {
            host.users.erase(user);
        }
    }
}

}  // namespace siding::backfill
