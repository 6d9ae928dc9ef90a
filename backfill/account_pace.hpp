// How one order for one account may work at this moment: its permits, what it spends of the budgets
// and of the line, and whether it has to stop for a while, and until when. An order that stops for
// that is not over: it goes on by itself.
//
// Lives on the order's io thread.
#pragma once

#include "backfill/bandwidth.hpp"
#include "backfill/budget.hpp"
#include "backfill/governor.hpp"
#include "backfill/hold.hpp"
#include "base/clock.hpp"
#include "net/asio.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

std::string quiet_words(WallTime until);

class AccountPace {
public:
    // A server's wish for longer gives the order's place to others.
    static constexpr std::chrono::milliseconds short_wait = std::chrono::seconds{10};

    // What all orders have in common; outlives them.
    struct Process {
        Governor& governor;
        Budget& budget;
        Bandwidth& bandwidth;
        const Clock& clock;
        net::asio::any_io_executor blocking;
        std::function<std::optional<WallTime>()> quiet_until;
    };
    struct Order {
        std::string account;
        std::vector<Place> places;       // the servers that it works with
        bool reads_source = false;       // messages come from the source
        bool fills_destination = false;  // and go to the destination
        // Told of octets and messages that have come, now and then.
        std::function<void(std::uint64_t, std::uint64_t)> on_work;
    };

    AccountPace(const Process& process, Order order);
    AccountPace(const AccountPace&) = delete;
    AccountPace& operator=(const AccountPace&) = delete;

    // What was spent today, from the ledger; then check().
    net::awaitable<Result<void>> open();

    // --- Permits. The first one is the order's own, until close().
    void give(Governor::Permit permit) { first_ = std::move(permit); }
    Governor::Taken take_more() const;

    // --- Logins.
    Governor::Connection on_let_in(const Login& login);
    // As Governor::on_login_refused().
    Trouble on_login_refused(const Login& login, Trouble trouble, std::string_view words);

    // --- Octets.
    // Some have come in: waits until the line would have carried them.
    bool is_line_bounded() const { return process_.bandwidth.is_bounded(); }
    net::awaitable<void> carry(std::uint64_t octets);
    // A whole message has.
    net::awaitable<void> on_message(std::uint64_t octets);
    // What has become of it: it is sent to the destination, or need not be.
    void on_taken(std::uint64_t octets, bool is_sent);
    // Messages that had come in are forgotten: they will come again.
    void on_restart() { pending_ = 0; }

    // --- Stopping for a while.
    // The error says that the order must stop here, cleanly; held() says why.
    Result<void> check();
    // Behind an error: whether a server wants us to wait. For a short time that is waited for here,
    // and true means that the order may go on; for a long one held() says so.
    net::awaitable<bool> wait_as_asked();
    const std::optional<Hold>& held() const { return held_; }
    // It is no hurry: what has come in may still go where it belongs.
    bool may_finish() const { return is_gentle_; }
    // A server that has enough connections has refused one of the first two: the order gives way.
    // False: it was not that.
    bool hold_for_turn();

    // Puts what was spent into the ledger, and gives the first permit back.
    net::awaitable<Result<void>> close();

private:
    std::optional<Hold> look_at_budgets() const;
    std::optional<Hold> look_at_wishes() const;
    void report_work();
    net::awaitable<Result<void>> store();

    const Process& process_;
    Order order_;
    Governor::Permit first_;
    std::string refusal_;  // of the last login, where it was about the number of connections
    std::optional<Hold> held_;
    bool is_gentle_ = false;     // no server has asked for it
    std::uint64_t pending_ = 0;  // octets that came, and of which it is not known yet
    std::uint64_t octets_ = 0;   // since the last report
    std::uint64_t messages_ = 0;
    WallTime reported_at_{};
    WallTime stored_at_{};
    WallTime looked_at_{};
    bool is_storing_ = false;
};

}  // namespace siding::backfill
