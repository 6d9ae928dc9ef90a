#include "backfill/governor.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

const Logger log{"backfill"};

constexpr std::size_t host_start = 2 * limits::pairs_max;
// Somebody who was turned away asks again within this time, or does not want any more.
constexpr std::chrono::milliseconds still_wanted = 3s;
constexpr std::chrono::milliseconds known_wait = 1min;  // where the server names none
constexpr std::chrono::milliseconds unavailable_wait = 2s;
constexpr std::chrono::milliseconds wait_max = 1h;
constexpr std::chrono::milliseconds same_trouble = 10min;  // after the end of the last one
constexpr std::chrono::milliseconds others_too = 1min;

// "authenticated but not connected" of somebody who is logged in elsewhere means this; of somebody
// else it may be the password.
constexpr std::string_view microsoft_words = "authenticated but not connected";

// It counts the connections of each user, and says so.
bool is_about_user(std::string_view words) {
    const std::string text = to_lower(words);
    return text.find("userip") != std::string::npos || text.find("user+ip") != std::string::npos ||
           text.find("simultaneous connections") != std::string::npos ||
           text.find(microsoft_words) != std::string::npos;
}

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

Trouble Governor::on_login_refused(const Place& place, Trouble trouble, std::string_view words) {
    const std::lock_guard lock{mutex_};
    if (trouble == Trouble::authentication &&
        to_lower(words).find(microsoft_words) != std::string::npos &&
        user_of(host_of(place), place).connections > 0) {
        trouble = Trouble::too_many_connections;
    }
    ImapResponse response;
    response.condition = ImapCondition::no;
    response.text = words;
    Judged judged = judge(response, ImapStage::login);
    judged.trouble = trouble;
    judged.words = words;  // escaped already
    react(place, judged, ImapStage::login);
    return trouble;
}

void Governor::on_trouble(const Place& place, const Judged& judged, ImapStage stage) {
    const std::lock_guard lock{mutex_};
    react(place, judged, stage);
}

// What a server cannot do at the moment with one message is no sign of too much work: only words
// about the amount are.
void Governor::react(const Place& place, const Judged& judged, ImapStage stage) {
    if (judged.trouble == Trouble::too_many_connections) {
        on_too_many(place, judged);
    } else if (judged.trouble == Trouble::throttled) {
        on_throttled(place, judged);
    } else if (judged.trouble == Trouble::unavailable && stage == ImapStage::login) {
        on_unavailable(place, judged.words);
    }
}

// One that still has connections goes on with them. Otherwise somebody else has them, and time must
// pass.
void Governor::on_too_many(const Place& place, const Judged& judged) {
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    User& user = user_of(host, place);
    ++host.refusals;
    host.words = judged.words;
    if (user.connections > 0) {
        user.limit.on_too_many(user.connections, now);
    } else if (is_about_user(judged.words)) {
        keep_away(user.rest, judged.back_off.value_or(known_wait), judged.words);
    } else {
        host.limit.on_too_many(host.connections, now);
        if (host.connections == 0) {
            keep_away(host.rest, judged.back_off.value_or(known_wait), judged.words);
        }
    }
    log.info(
        "too_many_connections",
        {{"host", place.host},
         {"user", place.user},
         {"host_limit", host.limit.value()},
         {"user_limit", user.limit.value()},
         {"reason", judged.words}}
    );
}

// Servers count each user's work. Where several are told so at once, it is the server that has too
// much.
void Governor::on_throttled(const Place& place, const Judged& judged) {
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    User& user = user_of(host, place);
    ++host.throttles;
    host.words = judged.words;
    user.limit.on_throttled(now);
    keep_away(user.rest, judged.back_off.value_or(known_wait), judged.words);
    if (!host.throttled_user.empty() && host.throttled_user != place.user &&
        now - host.throttled_at < others_too) {
        host.limit.on_throttled(now);
    }
    host.throttled_user = place.user;
    host.throttled_at = now;
    log.info(
        "throttled",
        {{"host", place.host},
         {"user", place.user},
         {"until", format_time(user.rest.until)},
         {"reason", judged.words}}
    );
}

void Governor::on_unavailable(const Place& place, std::string_view words) {
    Host& host = host_of(place);
    host.words = words;
    host.limit.on_throttled(clock_.now());
    keep_away(host.rest, unavailable_wait, words);
}

// As long as the server says; where it does not, longer each time that it has to say it again.
void Governor::keep_away(Resting& rest, std::chrono::milliseconds known, std::string_view words)
    const {
    const WallTime now = clock_.now();
    const auto named = named_back_off(words);
    if (named) {
        known = *named;
    } else if (rest.until > now) {
        return;  // another word about the same
    } else if (rest.until != WallTime{} && now - rest.until < same_trouble) {
        known = std::min(std::max(2 * rest.last, known), wait_max);
    }
    rest.last = known;
    rest.until = std::max(rest.until, now + known);
    rest.words = words;
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
