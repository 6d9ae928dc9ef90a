// How much one client may take: connections at once, and connections, messages and recipients per
// minute, all per client network (base/network.hpp), and connections in all.
//
// Thread-safe. Networks of limits.exempt have no limits of their own but count in all. A minute
// slides: what was allowed in the minute before counts by the part of it that is still within
// reach; what was refused does not count. Memory: networks with a connection, and at most
// `networks_max` others whose last minutes are remembered; past that the newest are let pass.
#pragma once

#include "config/config.hpp"
#include "relay/refusal_class.hpp"
#include "smtp/reply.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

namespace siding::relay {

class ClientLimits {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t networks_max = 100'000;

    // A connection's place; gives it back when it dies. Must not outlive its ClientLimits.
    class Seat {
    public:
        Seat() = default;
        Seat(Seat&& other) noexcept
            : owner_{std::exchange(other.owner_, nullptr)}, network_{std::move(other.network_)} {}
        Seat& operator=(Seat&& other) noexcept {
            std::swap(owner_, other.owner_);
            std::swap(network_, other.network_);
            return *this;
        }
        ~Seat() {
            if (owner_ != nullptr) {
                owner_->leave(network_);
            }
        }

    private:
        friend class ClientLimits;
        Seat(ClientLimits& owner, std::string network)
            : owner_{&owner}, network_{std::move(network)} {}

        ClientLimits* owner_ = nullptr;
        std::string network_;  // empty: counted in all only
    };

    enum class Refusal { too_many_here, too_many_in_all, too_fast };
    using Answer = std::variant<Seat, Refusal>;

    explicit ClientLimits(std::function<Time()> now = &std::chrono::steady_clock::now)
        : now_{std::move(now)} {}
    ClientLimits(const ClientLimits&) = delete;
    ClientLimits& operator=(const ClientLimits&) = delete;

    // `total_cap`: what the process can bear, whatever limits.connections says.
    Answer connect(
        std::string_view address, const config::Limits& limits, std::size_t total_cap = SIZE_MAX
    );
    // For a peer that will say who the real client is (PROXY, XCLIENT): counted in all only, since
    // a balancer has the connections of everybody. reseat() follows.
    Answer connect_proxy(const config::Limits& limits, std::size_t total_cap = SIZE_MAX);
    // Moves the place to the real client. Refused, it counts in all only until the connection ends.
    std::optional<Refusal> reseat(
        Seat& seat, std::string_view address, const config::Limits& limits
    );

    bool allow_message(std::string_view address, const config::Limits& limits);
    bool allow_recipient(std::string_view address, const config::Limits& limits);

    std::size_t total() const { return total_.load(std::memory_order_relaxed); }
    std::size_t networks() const;
    // From limits.stress_percent of the connections on.
    bool is_stressed(const config::Limits& limits, std::size_t total_cap = SIZE_MAX) const;

private:
    // Events of one kind in this minute and in the one before it.
    struct Rate {
        using Count = std::uint32_t;

        Time start{};
        Count previous = 0;
        Count current = 0;

        void slide(Time now);
        bool allow(std::uint64_t per_minute, Time now);
        bool is_idle(Time now) const;
    };
    enum Kind : std::size_t { connection, message, recipient, kinds };
    struct Client {
        std::size_t seats = 0;
        std::array<Rate, kinds> rates{};

        bool is_idle(Time now) const;
    };

    bool allow(
        Kind kind, std::uint64_t per_minute, std::string_view address, const config::Limits& limits
    );
    // With mutex_ held.
    std::optional<Refusal> enter(const std::string& network, const config::Limits& limits);
    void release(const std::string& network);
    void sweep(Time now);

    void leave(const std::string& network) noexcept;

    const std::function<Time()> now_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Client> clients_;
    Time swept_at_{};
    std::atomic<std::size_t> total_ = 0;
};

// 421 4.7.0 for this client's own fault, 421 4.3.2 for ours.
smtp::Reply reply_to(ClientLimits::Refusal refusal);
RefusalClass class_of(ClientLimits::Refusal refusal);
// 450 4.7.1 for a client that is over message_rate or recipient_rate.
smtp::Reply too_much_mail(std::string_view address);
smtp::Reply too_many_recipients(std::string_view address);

}  // namespace siding::relay
