// How many connections may be open now: of each side as the configuration says, of each server and
// of each user at a server as these have shown that they take. Whoever opens connections has a
// permit for them before, for both sides at once or not at all, so that nobody who has one waits
// for another. What servers say against us makes them rest for as long as they ask.
//
// What it has learned lasts as long as the process. Thread-safe.
#pragma once

#include "backfill/account.hpp"
#include "backfill/connection_limit.hpp"
#include "backfill/imap_trouble.hpp"
#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::backfill {

// Where a connection goes, and for whose mail.
struct Place {
    Side side = Side::source;
    std::string host;  // "imap.example:993"
    std::string user;
};

Place place_of(const Login& login);

class Governor {
public:
    // Outlives its permits. `ceiling` is asked for each side at the start only.
    Governor(const Clock& clock, const std::function<std::size_t(Side)>& ceiling);
    Governor(const Governor&) = delete;
    Governor& operator=(const Governor&) = delete;

    // Leave to open one connection to each place; given back when it goes.
    class Permit {
    public:
        Permit() = default;
        Permit(Permit&& other) noexcept
            : governor_{std::exchange(other.governor_, nullptr)},
              places_{std::move(other.places_)} {}
        Permit& operator=(Permit&& other) noexcept;
        ~Permit() { give_back(); }

        explicit operator bool() const { return governor_ != nullptr; }
        void give_back();
        // Somebody waits who has none at all.
        bool is_wanted_elsewhere() const;

    private:
        friend class Governor;
        Permit(Governor& governor, std::vector<Place> places)
            : governor_{&governor}, places_{std::move(places)} {}

        Governor* governor_ = nullptr;
        std::vector<Place> places_;
    };

    // A connection that a server has let in; RAII for as long as it is open.
    class Connection {
    public:
        Connection() = default;
        Connection(Connection&& other) noexcept
            : governor_{std::exchange(other.governor_, nullptr)}, place_{std::move(other.place_)} {}
        Connection& operator=(Connection&& other) noexcept;
        ~Connection() { end(); }

        // It has said NO, BAD or BYE.
        void on_trouble(const Judged& judged, ImapStage stage) const;

    private:
        friend class Governor;
        Connection(Governor& governor, Place place)
            : governor_{&governor}, place_{std::move(place)} {}
        void end();

        Governor* governor_ = nullptr;
        Place place_;
    };

    // Why there is no permit, and since when there may be one.
    struct Denial {
        std::string words;
        std::optional<WallTime> until;  // of a server's wish; otherwise when another one ends
    };
    // The first of an account, or one more beside it: those who have none come first.
    enum class Use { first, more };
    struct Taken {
        Permit permit;  // empty: denied
        Denial denial;
    };
    Taken take(std::vector<Place> places, Use use);

    Connection on_let_in(const Place& place);
    // The trouble that a login has ended with, and the words of its error. Says what it is in the
    // light of what is known: a user who is logged in already has the right password.
    Trouble on_login_refused(const Place& place, Trouble trouble, std::string_view words);
    void on_trouble(const Place& place, const Judged& judged, ImapStage stage);
    void on_work(const Place& place, std::uint64_t octets, std::uint64_t messages);

    // Until when a server wants none of these to work.
    struct Rest {
        WallTime until{};
        std::string words;  // "throttled by imap.example:993 until 17:40 UTC: …"
    };
    std::optional<Rest> rest(std::span<const Place> places) const;

    // What an operator sees of a server.
    struct HostStatus {
        Side side = Side::source;
        std::string host;
        std::size_t permits = 0;
        std::size_t connections = 0;
        std::size_t limit = 0;
        std::size_t ceiling = 0;
        std::uint64_t throttles = 0;  // that it has asked for since the start
        std::uint64_t refusals = 0;   // of connections
        std::size_t users_limited = 0;
        std::size_t users_resting = 0;
        WallTime rests_until{};
        std::string words;
    };
    std::vector<HostStatus> status() const;

private:
    struct Resting {
        WallTime until{};
        std::string words;
        std::chrono::milliseconds last{0};
    };
    struct User {
        User();
        ConnectionLimit limit;
        std::size_t permits = 0;
        std::size_t connections = 0;
        Resting rest;
    };
    struct Host {
        explicit Host(std::size_t ceiling);
        ConnectionLimit limit;
        std::size_t permits = 0;
        std::size_t connections = 0;
        Resting rest;
        std::map<std::string, User> users;
        WallTime wanted_at{};       // when somebody without any was turned away
        WallTime more_wanted_at{};  // when anybody was
        std::uint64_t throttles = 0;
        std::uint64_t refusals = 0;
        std::string words;           // the last against us
        std::string throttled_user;  // the last one
        WallTime throttled_at{};
    };
    using HostKey = std::pair<Side, std::string>;

    Host& host_of(const Place& place);
    static User& user_of(Host& host, const Place& place);
    std::optional<Denial> why_not(const Place& place, Use use);
    static Rest rest_of(const Place& place, const Resting& rest);
    void keep_away(Resting& rest, std::chrono::milliseconds known, std::string_view words) const;
    void react(const Place& place, const Judged& judged, ImapStage stage);
    void on_too_many(const Place& place, const Judged& judged);
    void on_throttled(const Place& place, const Judged& judged);
    void on_unavailable(const Place& place, std::string_view words);
    std::size_t ceiling(Side side) const {
        return side == Side::source ? ceilings_[0] : ceilings_[1];
    }
    std::size_t& permits(Side side) { return side == Side::source ? permits_[0] : permits_[1]; }
    bool is_wanted_elsewhere(const std::vector<Place>& places) const;
    void give_back(const std::vector<Place>& places);
    void on_end(const Place& place);
    void forget_idle(std::span<const Place> places);

    const Clock& clock_;
    std::array<std::size_t, 2> ceilings_{};
    mutable std::mutex mutex_;
    std::array<std::size_t, 2> permits_{};
    std::map<HostKey, Host> hosts_;
};

}  // namespace siding::backfill
