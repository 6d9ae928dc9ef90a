#include "relay/client_limits.hpp"

#include "base/network.hpp"

#include <algorithm>
#include <limits>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto window = 1min;
constexpr auto sweep_interval = 1min;
// A sweep looks at every network; when the table is full not each new client may cause one.
constexpr auto sweep_pause = 1s;

std::size_t cap_of(const config::Limits& limits, std::size_t total_cap) {
    return std::min<std::size_t>(limits.connections, total_cap);
}

// Empty: this client has no limits of its own.
std::string network_of(std::string_view address, const config::Limits& limits) {
    return contains(limits.exempt, address) ? std::string{} : client_network_of(address);
}

}  // namespace

void ClientLimits::Rate::slide(Time now) {
    if (is_idle(now)) {
        start = now;
        previous = current = 0;
    } else if (now - start >= window) {
        start += window;
        previous = std::exchange(current, 0);
    }
}

bool ClientLimits::Rate::allow(std::uint64_t per_minute, Time now) {
    slide(now);
    const auto rest = std::chrono::duration_cast<milliseconds>(window - (now - start)).count();
    const std::uint64_t still_counts =
        previous * static_cast<std::uint64_t>(rest) / std::uint64_t{milliseconds{window}.count()};
    if (still_counts + current >= per_minute || current == std::numeric_limits<Count>::max()) {
        return false;
    }
    ++current;
    return true;
}

bool ClientLimits::Rate::is_idle(Time now) const {
    return start == Time{} || now - start >= 2 * window;
}

bool ClientLimits::Client::is_idle(Time now) const {
    return seats == 0 &&
           std::all_of(rates.begin(), rates.end(), [now](const Rate& r) { return r.is_idle(now); });
}

ClientLimits::Answer ClientLimits::connect(
    std::string_view address, const config::Limits& limits, std::size_t total_cap
) {
    Answer answer = connect_proxy(limits, total_cap);
    if (auto* seat = std::get_if<Seat>(&answer)) {
        if (const auto refusal = reseat(*seat, address, limits)) {
            return *refusal;
        }
    }
    return answer;
}

ClientLimits::Answer ClientLimits::connect_proxy(
    const config::Limits& limits, std::size_t total_cap
) {
    const std::lock_guard lock{mutex_};
    if (total() >= cap_of(limits, total_cap)) {
        return Refusal::too_many_in_all;
    }
    total_.fetch_add(1, std::memory_order_relaxed);
    return Seat{*this, {}};
}

std::optional<ClientLimits::Refusal> ClientLimits::reseat(
    Seat& seat, std::string_view address, const config::Limits& limits
) {
    std::string network = network_of(address, limits);
    const std::lock_guard lock{mutex_};
    release(std::exchange(seat.network_, {}));
    const auto refusal = network.empty() ? std::nullopt : enter(network, limits);
    if (!refusal) {
        seat.network_ = std::move(network);
    }
    return refusal;
}

std::optional<ClientLimits::Refusal> ClientLimits::enter(
    const std::string& network, const config::Limits& limits
) {
    const Time now = now_();
    if (now - swept_at_ >= (clients_.size() < networks_max ? sweep_interval : sweep_pause)) {
        sweep(now);
    }
    Client& client = clients_[network];
    std::optional<Refusal> refusal;
    if (client.seats >= limits.connections_per_client) {
        refusal = Refusal::too_many_here;
    } else if (limits.connection_rate > 0 && !client.rates[connection].allow(limits.connection_rate, now)) {
        refusal = Refusal::too_fast;
    } else {
        ++client.seats;
    }
    if (client.is_idle(now)) {
        clients_.erase(network);
    }
    return refusal;
}

bool ClientLimits::allow_message(std::string_view address, const config::Limits& limits) {
    return limits.message_rate == 0 || allow(message, limits.message_rate, address, limits);
}

bool ClientLimits::allow_recipient(std::string_view address, const config::Limits& limits) {
    return limits.recipient_rate == 0 || allow(recipient, limits.recipient_rate, address, limits);
}

bool ClientLimits::allow(
    Kind kind, std::uint64_t per_minute, std::string_view address, const config::Limits& limits
) {
    const std::string network = network_of(address, limits);
    if (network.empty()) {
        return true;
    }
    const std::lock_guard lock{mutex_};
    const auto found = clients_.find(network);
    if (found == clients_.end() && clients_.size() >= networks_max) {
        return true;
    }
    return clients_[network].rates[kind].allow(per_minute, now_());
}

void ClientLimits::leave(const std::string& network) noexcept {
    const std::lock_guard lock{mutex_};
    release(network);
    total_.fetch_sub(1, std::memory_order_relaxed);
}

void ClientLimits::release(const std::string& network) {
    const auto found = clients_.find(network);
    if (network.empty() || found == clients_.end()) {
        return;
    }
    Client& client = found->second;
    --client.seats;
    const bool forget = client.seats == 0 && clients_.size() > networks_max;
    if (forget || client.is_idle(now_())) {
        clients_.erase(found);
    }
}

void ClientLimits::sweep(Time now) {
    std::erase_if(clients_, [now](const auto& entry) { return entry.second.is_idle(now); });
    swept_at_ = now;
}

std::size_t ClientLimits::networks() const {
    const std::lock_guard lock{mutex_};
    return clients_.size();
}

bool ClientLimits::is_stressed(const config::Limits& limits, std::size_t total_cap) const {
    return total() * 100 >= cap_of(limits, total_cap) * limits.stress_percent;
}

smtp::Reply reply_to(ClientLimits::Refusal refusal) {
    using enum ClientLimits::Refusal;
    switch (refusal) {
    case too_many_here:
        return {421, {4, 7, 0}, "Too many connections from you, try again later"};
    case too_many_in_all:
        return {421, {4, 3, 2}, "Too many connections, try again later"};
    case too_fast:
        return {421, {4, 7, 0}, "Too many new connections from you, try again later"};
    }
    return {421, {4, 3, 2}, "Try again later"};
}

RefusalClass class_of(ClientLimits::Refusal refusal) {
    return refusal == ClientLimits::Refusal::too_fast ? RefusalClass::rate
                                                      : RefusalClass::too_many_connections;
}

smtp::Reply too_much_mail(std::string_view address) {
    return {450, {4, 7, 1}, "Too much mail from " + smtp::printable(address)};
}

smtp::Reply too_many_recipients(std::string_view address) {
    return {450, {4, 7, 1}, "Too many recipients from " + smtp::printable(address)};
}

}  // namespace siding::relay
